"""The demo's project in Label Studio: made once, filled once, connected at every start."""

from __future__ import annotations

from importlib.resources import files

from labelcue import connect as connecting
from labelcue.data import Mail, load_mails
from labelcue.demo.backend import Backend
from labelcue.demo.progress import Steps
from labelcue.demo.state import State, StateFile
from labelcue.labelstudio.client import LabelStudio

TITLE = "LabelCue demo: is this mail wanted?"
CHUNK = 250
"""Mails of one import request."""


def label_config() -> str:
    """The packaged label config of the demo."""
    return (files("labelcue.demo") / "label_config.xml").read_text(encoding="utf-8")


def pool_mails(state: State) -> list[Mail]:
    """The mails that may be labelled, in the order of the tasks."""
    return [mail for mail in load_mails() if not mail.held_out][: state.mails]


def prepare(ls: LabelStudio, file: StateFile, state: State, steps: Steps) -> State:
    """Make the project and import the pool's mails, as far as it was not done before."""
    if not state.project:
        state = file.change(state, project=_find(ls) or int(ls.create_project(TITLE, label_config())["id"]))
    if not state.imported:
        _import(ls, state.project, pool_mails(state), steps)
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


def _find(ls: LabelStudio) -> int:
    """The project of a run that ended before it could write down the number; 0 where there is none."""
    return next((int(project["id"]) for project in ls.projects() if project.get("title") == TITLE), 0)


def _import(ls: LabelStudio, project: int, mails: list[Mail], steps: Steps) -> None:
    """Each request is stored whole or not at all, in order: what stands there says where to go on."""
    done = ls.count_tasks(project)
    with steps.step(f"Importing {len(mails):,} mails") as report:
        report(done, len(mails))
        while done < len(mails):
            chunk = mails[done : done + CHUNK]
            ls.import_tasks(project, [{"data": {"text": mail.text}} for mail in chunk])
            done += len(chunk)
            report(done, len(mails))
