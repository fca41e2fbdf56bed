"""The demo's project in Label Studio: made once, filled once, connected at every start."""

from __future__ import annotations

from labelcue import connect as connecting
from labelcue.data import Example
from labelcue.demo.backend import Backend
from labelcue.demo.progress import Steps
from labelcue.demo.state import State, StateFile
from labelcue.demo.subjects import MAILS, Subject, subject_of
from labelcue.labelstudio.client import LabelStudio

CHUNK = 250
"""Items of one import request."""


def label_config() -> str:
    """The packaged label config of the demo with mails."""
    return MAILS.label_config()


def pool_of(state: State) -> list[Example]:
    """The items that may be labelled, in the order of the tasks."""
    return [one for one in subject_of(state.images).load() if not one.held_out][: state.mails]


def held_out_of(state: State) -> list[Example]:
    """The items that accuracy is measured on."""
    return [one for one in subject_of(state.images).load() if one.held_out]


def prepare(ls: LabelStudio, file: StateFile, state: State, steps: Steps) -> State:
    """Make the project and import the pool, as far as it was not done before."""
    subject = subject_of(state.images)
    if not state.project:
        project = _find(ls, subject) or int(ls.create_project(subject.title, subject.label_config())["id"])
        state = file.change(state, project=project)
    if not state.imported:
        _import(ls, state.project, subject, pool_of(state), steps)
        state = file.change(state, imported=True)
    return state


def connect(ls: LabelStudio, backend: Backend, state: State) -> None:
    """Backend, webhook, sampling and model version; changes nothing that stands as it should."""
    settings = backend.settings
    connecting.connect(
        ls,
        backend.home,
        settings,
        state.project,
        token=state.admin.token,
        embedder=settings.embedder,
        pre_annotation=settings.pre_annotation,
        on_step=lambda _words: None,
    )


def _find(ls: LabelStudio, subject: Subject) -> int:
    """The project of a run that ended before it could write down the number; 0 where there is none."""
    return next((int(project["id"]) for project in ls.projects() if project.get("title") == subject.title), 0)


def _import(ls: LabelStudio, project: int, subject: Subject, pool: list[Example], steps: Steps) -> None:
    """Each request is stored whole or not at all, in order: what stands there says where to go on."""
    done = ls.count_tasks(project)
    with steps.step(f"Importing {len(pool):,} {subject.noun}") as report:
        report(done, len(pool))
        while done < len(pool):
            chunk = pool[done : done + CHUNK]
            ls.import_tasks(project, [{"data": {subject.field: one.text}} for one in chunk])
            done += len(chunk)
            report(done, len(pool))
