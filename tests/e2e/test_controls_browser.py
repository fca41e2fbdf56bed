"""What LabelCue predicts shows in Label Studio's editor, control by control: just the choices, stars, number, path,
side and spans that it says. An annotator who submits it untouched has given that answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from controlled import TASKS, apart
from labelling import log_in, opened, submit
from pydantic import SecretStr
from stack import ADMIN, Stack

from browsing import NewPage, needs_browser
from labelcue import connect as connecting
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of, prediction
from labelcue.types import Answer, Scores, TaskId, TaskSpec
from serving_vectors import DIM
from waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.e2e, pytest.mark.slow, needs_browser]

TEXTS = '<Text name="text" value="$text"/><Text name="other" value="$other"/>'
TWO = '<Choice value="mail"/><Choice value="junk" alias="j"/>'
VALUES = {"mail": "mail", "j": "junk", "dear": "dear"}
"""What annotators read of each class."""
PAGE = (
    '<View><HyperTextLabels name="c" toName="t"><Label value="name"/><Label value="B" alias="b"/></HyperTextLabels>'
    '<HyperText name="t" value="$html"/></View>'
)
GIVEN = 8
LOOK_S = 0.5
"""Between two looks: who asks Label Studio all the time keeps it from everything else."""
SHOWN_S = 60
"""How long the editor may take to show a prediction before the task is opened again: a frontier that is replaced has
others."""
_SEEN = """() => {
  const view = document.querySelector('.lsf-main-view__annotation');
  const all = (one, what) => one ? [...one.querySelectorAll(what)] : [];
  return {
    choices: all(view, '.lsf-choices').map(one => all(one, 'input:checked').map(box => box.name)),
    stars: all(view, '.ant-rate-star-full').length,
    numbers: all(view, '.lsf-number input').map(field => Number(field.value)),
    paths: all(view, '.htx-taxonomy .ant-select-selection-item').map(path => path.title),
    sides: all(view, '.bg-primary-background').map(side => side.innerText.trim().split(' ')[0]),
  };
}"""
"""What is chosen in the editor: of each Choices the boxes that are ticked, stars that are lit, and so on."""
NOTHING: dict[str, Any] = {"choices": [], "stars": 0, "numbers": [], "paths": [], "sides": []}


class Sort(NamedTuple):
    """A label config, two answers that anybody can tell apart, and how the editor looks that shows an answer."""

    xml: str
    answers: tuple[Answer, Answer]
    look: Callable[[Any], dict[str, Any]]

    @property
    def spec(self) -> TaskSpec:
        return parse_config(self.xml)


def as_parts(answer: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    said = dict(answer)
    tags = [VALUES[tag] for tag in VALUES if tag in said["tags"]]
    return {
        **NOTHING,
        "choices": [[VALUES[said["topic"]]], tags],
        "stars": said["stars"],
        "numbers": [said["price"]],
        "paths": sorted(" / ".join(VALUES.get(part, part) for part in path.split(" / ")) for path in said["path"]),
    }


def as_side(answer: str) -> dict[str, Any]:
    return {**NOTHING, "sides": [{"left": "this", "right": "that"}[answer]]}


SORTS = {
    "several controls": Sort(
        f'<View cueCombine="max">{TEXTS}<Choices name="topic" toName="text" cueWeight="2">{TWO}</Choices>'
        f'<Choices name="tags" toName="other" choice="multiple">{TWO}<Choice value="dear"/></Choices>'
        '<Rating name="stars" toName="text"/><Number name="price" toName="text"/>'
        f'<Taxonomy name="path" toName="text" showFullPath="true"><Choice value="all">{TWO}</Choice></Taxonomy></View>',
        (
            (
                ("topic", "mail"),
                ("tags", frozenset({"mail", "dear"})),
                ("stars", 4.0),
                ("price", 2.5),
                ("path", frozenset({"all / mail"})),
            ),
            (
                ("topic", "j"),
                ("tags", frozenset({"j"})),
                ("stars", 1.0),
                ("price", 7.0),
                ("path", frozenset({"all", "all / j"})),
            ),
        ),
        as_parts,
    ),
    "a pair": Sort(
        f'<View>{TEXTS}<Pairwise name="better" toName="text,other"/></View>',
        ("left", "right"),
        as_side,
    ),
}


@pytest.fixture(scope="module")
def stack(studio: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One for all of this module."""
    with ExitStack() as cleanup:
        stack = Stack(studio.url, studio.token, tmp_path_factory.mktemp("home"))
        cleanup.callback(stack.close)
        stack.start()
        yield stack


@pytest.fixture(scope="module")
def projects(stack: Stack) -> dict[str, int]:
    """Those of all sorts, made and labelled at once, as predictions are replaced 15 s apart."""
    made = {name: connected(stack, sort) for name, sort in SORTS.items()}
    for name, (project, ids) in made.items():
        until(partial(all_queued, stack, project), 300, "a round with every task", LOOK_S)
        spec, answers = SORTS[name].spec, SORTS[name].answers
        for place, task in enumerate(ids[:GIVEN]):
            scores = Scores(TaskId(task), (), spec.classes, "", (answers[place % 2], 1.0))
            stack.ls.annotate(task, prediction(spec, scores)["result"])
    return {name: project for name, (project, _) in made.items()}


def all_queued(stack: Stack, project: int) -> bool:
    return len(stack.queue(project)) == TASKS


def connected(stack: Stack, sort: Sort) -> tuple[int, list[int]]:
    """A project on vectors of somebody's, and its tasks."""
    project = int(stack.ls.create_project("Shown", sort.xml)["id"])
    data = [{"text": f"this {n}", "other": f"that {n}", "vector": one} for n, one in enumerate(apart().tolist())]
    ids = stack.ls.import_tasks(project, [{"data": one} for one in data])
    connecting.connect(
        stack.ls,
        stack.home,
        stack.settings,
        project,
        token=SecretStr(stack.token),
        embedder=f"precomputed:field=vector,dim={DIM}",
        pre_annotation="on",
        on_step=lambda _words: None,
    )
    return project, ids


@pytest.mark.parametrize("name", SORTS)
def test_predictions_show_in_the_editor(stack: Stack, projects: dict[str, int], new_page: NewPage, name: str) -> None:
    sort, project, page = SORTS[name], projects[name], new_page()
    assert stack.settled(project, GIVEN).trained
    log_in(page, stack.studio_url, ADMIN)
    task, answer = until(lambda: shown(stack, sort, project, page), 300, "a prediction in the editor", LOOK_S)
    submit(page)
    (given,) = until(lambda: (stack.ls.task(task) or {}).get("annotations"), what="the annotation", every=LOOK_S)
    assert label_of(sort.spec, given["result"]) == answer


def shown(stack: Stack, sort: Sort, project: int, page: Page) -> tuple[int, Answer] | None:
    """A task that nobody has labelled and what is predicted of it, once the editor shows just that."""
    task, answer = predicted(stack, sort, project)
    if not task or not opened(page, stack.studio_url, project, task):
        return None
    with suppress(AssertionError):
        until(lambda: seen(page) == sort.look(answer), SHOWN_S, every=LOOK_S)
        return task, answer
    return None


def seen(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(_SEEN)
    return {**found, "paths": sorted(found["paths"])}


def predicted(stack: Stack, sort: Sort, project: int) -> tuple[int, Any]:
    """By a model that knows all labels: a prediction that Label Studio serves, and is one of the answers as the model
    gives it, of which numbers alone may differ; (0, None) where there is none."""
    version = stack.ls.project(project)["model_version"]
    tasks: list[Any] = [task for page in stack.ls.tasks(project, fields="all") for task in page]
    for task in (one for one in tasks if not one["annotations"]):
        for said in task["predictions"]:
            answer = label_of(sort.spec, said["result"])
            if said["model_version"] == version and any(_alike(answer, one) for one in sort.answers):
                return int(task["id"]), answer
    return 0, None


def _alike(one: Any, other: Any) -> bool:
    """Whether two answers are the same, but for numbers."""
    bare = [
        tuple(part for part in each if not isinstance(part[1], float)) if isinstance(each, tuple) else each
        for each in (one, other)
    ]
    return bool(bare[0] == bare[1])


def test_spans_by_the_older_tag_of_pages_show_in_the_editor(stack: Stack, new_page: NewPage) -> None:
    spec, page = parse_config(PAGE), new_page()
    answer = frozenset({(0, 3, "name"), (8, 11, "b")})
    project = int(stack.ls.create_project("Shown", PAGE)["id"])
    (task,) = stack.ls.import_tasks(project, [{"data": {"html": "<p>Ann paid</p><p>ten</p>"}}])
    made = prediction(spec, Scores(TaskId(task), (), spec.classes, "cue-1", (answer, 0.75)))
    stack.ls.import_predictions(project, [{"task": task, **made}])
    stack.ls.update_project(project, model_version="cue-1", show_collab_predictions=True)
    log_in(page, stack.studio_url, ADMIN)
    until(lambda: highlighted(stack, project, task, page, ["Ann", "ten"]), 300, "both spans in the editor")
    submit(page)
    (given,) = until(lambda: (stack.ls.task(task) or {}).get("annotations"), what="the annotation", every=LOOK_S)
    assert label_of(spec, given["result"]) == answer


def highlighted(stack: Stack, project: int, task: int, page: Page, words: list[str]) -> bool:
    """Whether just these words are marked, once the task is opened."""
    if not opened(page, stack.studio_url, project, task):
        return False
    marks = page.frame_locator(".lsf-richtext iframe").locator(".htx-highlight")
    with suppress(AssertionError):
        return until(lambda: marks.all_inner_texts() == words, SHOWN_S, every=LOOK_S)
    return False
