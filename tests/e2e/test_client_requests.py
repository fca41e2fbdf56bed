"""The client's requests mean on a real Label Studio what their docstrings say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from labelcue.errors import LabelStudioError, LabelStudioRefused, ProjectGone
from labelcue.labelstudio.client import LabelStudio
from labelcue.labelstudio.filters import where

pytestmark = pytest.mark.e2e

CONFIG = """<View><Text name="text" value="$text"/><Choices name="kind" toName="text">
<Choice value="ham"/><Choice value="spam"/></Choices></View>"""
SPAM = [{"from_name": "kind", "to_name": "text", "type": "choices", "value": {"choices": ["spam"]}}]
HAM = [{**SPAM[0], "value": {"choices": ["ham"]}}]


@pytest.fixture
def ls(studio: Any) -> Iterator[LabelStudio]:
    with closing(LabelStudio(studio.url, studio.token)) as client:
        yield client


@pytest.fixture
def project(ls: LabelStudio) -> Iterator[int]:
    number = int(ls.create_project("Mails of the client", CONFIG)["id"])
    yield number
    ls.delete_project(number)


def test_tasks_and_annotations(ls: LabelStudio, project: int) -> None:
    ids = ls.import_tasks(project, [{"text": f"mail {place}"} for place in range(7)])
    assert list(ls.task_ids(project)) == ids
    assert [len(page) for page in ls.tasks(project, page_size=3)] == [3, 3, 1]
    assert [task["id"] for page in ls.tasks(project, after=ids[4], include=("id",)) for task in page] == ids[5:]

    annotation = ls.annotate(ids[1], SPAM, lead_time=2.5)
    skip = ls.annotate(ids[3], [], was_cancelled=True)
    found = {task["id"]: task["annotations"] for task in ls.annotated_tasks(project)}
    assert {task: [one["was_cancelled"] for one in made] for task, made in found.items()} == {
        ids[1]: [False],
        ids[3]: [True],
    }
    assert found[ids[1]][0]["result"][0]["value"] == {"choices": ["spam"]}
    assert ls.update_annotation(int(annotation["id"]), HAM)["result"][0]["value"] == {"choices": ["ham"]}
    assert ls.count_tasks(project, [where("total_annotations", "equal", "Number", 0)]) == 6
    assert [ls.delete_annotation(int(skip["id"])) for _ in range(2)] == [True, False]

    ls.delete_tasks(project, [*ids[:3], 10**9])
    assert list(ls.task_ids(project)) == ids[3:]
    assert ls.task(ids[0]) is None
    assert (ls.task(ids[3]) or {})["data"] == {"text": "mail 3"}
    for task in ids[3:]:
        assert (ls.next_task(project) or {})["id"] == task
        ls.annotate(task, HAM)
    assert ls.next_task(project) is None


def test_predictions_by_version(ls: LabelStudio, project: int) -> None:
    ids = ls.import_tasks(project, [{"text": f"mail {place}"} for place in range(4)])
    scores = [
        {"task": task, "result": [], "score": 1 - place / 10, "model_version": "v"} for place, task in enumerate(ids)
    ]
    assert ls.import_predictions(project, scores) == 4
    assert ls.model_versions(project) == {"v": 4}
    ls.update_project(project, model_version="v", sampling="Uncertainty sampling")
    assert (ls.next_task(project) or {})["id"] == ids[-1]
    with pytest.raises(LabelStudioError, match="model_version"):
        ls.update_project(project, model_version="unknown")
    ls.delete_predictions(project, "v")
    assert ls.model_versions(project) == {}


def test_what_does_not_exist_and_what_is_not_allowed(ls: LabelStudio, project: int, studio: Any) -> None:
    ls.delete_project(project)
    for ask in (ls.project, ls.next_task, ls.model_versions, lambda number: list(ls.task_ids(number))):
        with pytest.raises(ProjectGone):
            ask(project)
    assert ls.delete_project(project) is False
    with closing(LabelStudio(studio.url, "f" * 40)) as other, pytest.raises(LabelStudioRefused):
        other.whoami()
    nowhere = pytest.raises(LabelStudioError, match="no Label Studio API")
    with closing(LabelStudio(f"{studio.url}/elsewhere", studio.token)) as other, nowhere:
        other.whoami()


# The SDK reads the answer to a refreshing with a method that pydantic has renamed.
@pytest.mark.filterwarnings("ignore:The `parse_obj` method is deprecated")
def test_a_personal_access_token(ls: LabelStudio, studio: Any) -> None:
    header = {"Authorization": f"Token {studio.token}"}
    with httpx.Client(base_url=studio.url, headers=header, timeout=60) as http:
        for token in http.get("/api/token/").json():
            http.post("/api/token/blacklist/", json={"refresh": token["token"]})
        made = http.post("/api/token/").json()["token"]
    with closing(LabelStudio(studio.url, made)) as own:
        assert own.whoami()["id"] == ls.whoami()["id"]
        assert own.version()
