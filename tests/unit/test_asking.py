"""Second opinions: how many are asked for, of which tasks, and only where the plugin opens them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from labelcue.asking import Asker, Wishes
from labelcue.asking.asker import REFUSALS, wanted_since
from labelcue.asking.wishes import AT_ONCE, WAITING
from labelcue.errors import LabelStudioDown, LabelStudioError
from labelcue.queueing.settings import QueueSettings
from labelcue.store.choices import choices_of
from labelcue.store.memory import MemoryLedger
from labelcue.types import Event, Kind, TaskId

PROJECT = 10


class Studio:
    """Label Studio with the plugin, which says of what it opens; `fault` is raised by the next requests."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.active = True
        self.asked: list[list[int]] = []
        self.faults: list[Exception] = []
        self.complete: set[int] = set()
        """Tasks that everybody has labelled."""

    def plugin(self, _project: int) -> dict[str, Any] | None:
        return {"active": True, "served": True, "plugin": "0.1"} if self.active else None

    def ask_again(self, _project: int, tasks: Sequence[int]) -> None:
        self.asked.append(list(tasks))
        if self.faults:
            raise self.faults.pop(0)
        for task in tasks:
            if task not in self.complete:
                self.house.wish(task, by=1)


class House:
    def __init__(self, folder: Path) -> None:
        self.ledger = MemoryLedger()
        self.insights = folder / "insights.json"
        self.studio = Studio(self)
        self.count = 0
        self.asker = self.begin()

    def begin(self) -> Asker:
        ls: Any = self.studio
        return Asker(ls, self.ledger, PROJECT, QueueSettings(), self.insights)

    def say(self, kind: Kind, **body: Any) -> None:
        self.count += 1
        self.ledger.append([Event(PROJECT, kind, f"{kind.value}:{self.count}", body)])

    def share(self, share: float, version: int = 1) -> None:
        settings = QueueSettings(second_opinions=share, audit=0).model_dump(mode="json")
        body = {"version": version, "settings": settings, "was": {}, "by": "a", "back_to": None, "token": str(version)}
        self.ledger.append([Event(PROJECT, Kind.SETTINGS, f"settings:{version}", body)])

    def label(self, task: int, user: int | None = 1, *, skip: bool = False, annotation: int = 0) -> None:
        number = annotation or self.count + 1000
        fields = {"annotation": number, "updated_at": "", "cancelled": skip, "result": []}
        self.say(Kind.ANNOTATION, task=task, user=user, **fields)

    def wish(self, task: int, by: int | str, opinions: int = 2) -> None:
        self.say(Kind.SECOND_OPINION, task=task, opinions=opinions, by=by)

    def list(self, *tasks: int) -> None:
        self.insights.write_text(json.dumps({"spending": {"second": tasks}}))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_the_share_is_asked_for_by_the_list_as_places_are_served(house: House) -> None:
    house.share(0.25)
    house.list(*range(20, 10, -1))
    house.asker.step()
    assert house.studio.asked == []
    for task in range(1, 9):
        house.label(task)
        house.asker.step()
    assert house.studio.asked == [[20], [19]]
    assert house.asker.status() == {"share": 0.25, "asked": 2, "waiting": 2, "reason": "", "error": ""}


def test_what_admins_ask_for_counts_and_imports_do_not(house: House) -> None:
    house.share(0.5)
    house.list(3)
    house.label(1)
    house.label(2, user=None)
    house.wish(2, by=7)
    house.asker.step()
    assert house.studio.asked == []


def test_places_and_wishes_before_the_share_was_set_do_not_count(house: House) -> None:
    house.list(1, 2, 3)
    for task in range(1, 5):
        house.label(task)
    house.share(0.5)
    house.asker.step()
    assert house.studio.asked == []
    house.label(5)
    house.asker.step()
    assert house.studio.asked == [[1]]


def test_a_task_is_not_asked_for_twice_and_one_that_everybody_has_labelled_is_left(house: House) -> None:
    house.share(1.0)
    house.list(1, 2, 3)
    house.studio.complete = {1}
    house.label(1)
    for _ in range(3):
        house.asker.step()
    assert house.studio.asked == [[1], [2]]


def test_who_waits_is_bounded(house: House) -> None:
    house.share(1.0)
    house.list(*range(1, 101))
    for task in range(1, 101):
        house.label(task)
    for _ in range(6):
        house.asker.step()
    assert [len(one) for one in house.studio.asked] == [AT_ONCE, AT_ONCE, WAITING - 2 * AT_ONCE]
    house.label(1, user=2, skip=True)
    house.asker.step()
    assert len(house.studio.asked) == 3
    house.label(1, user=3)
    house.asker.step()
    assert house.studio.asked[3:] == [[51]]


def test_what_was_asked_for_on_a_page_is_opened_once_also_without_a_share(house: House) -> None:
    house.label(4)
    house.wish(4, by="Ada")
    house.asker.step()
    house.asker.step()
    assert house.studio.asked == [[4]]
    again = house.begin()
    again.step()
    assert house.studio.asked == [[4]]  # the plugin's own word stands in the ledger
    house.studio.complete = {4}
    house.wish(4, by="Ada", opinions=3)
    house.asker.step()
    house.asker.step()
    assert house.studio.asked == [[4], [4]]


def test_the_stock_way_asks_nobody_and_says_why(house: House) -> None:
    house.studio.active = False
    house.share(0.5)
    house.list(1)
    house.label(1)
    house.asker.step()
    assert house.studio.asked == []
    assert "Only the plugin can open a labelled task" in str(house.asker.status()["reason"])


def test_without_a_list_it_says_what_it_waits_for(house: House) -> None:
    house.share(0.5)
    house.label(1)
    house.asker.step()
    assert "insights" in str(house.asker.status()["reason"])
    house.insights.write_text("no json")
    house.asker.step()
    assert house.studio.asked == []


def test_label_studio_that_is_down_is_asked_again_and_what_it_refuses_is_left_at_last(house: House) -> None:
    house.share(0.5)
    house.list(1, 2)
    house.label(1)
    house.studio.faults = [LabelStudioDown("down")] * 5 + [LabelStudioError("no")] * (REFUSALS + 1)
    for _ in range(5):
        with pytest.raises(LabelStudioDown):
            house.asker.step()
    for _ in range(REFUSALS - 1):
        with pytest.raises(LabelStudioError):
            house.asker.step()
    house.asker.step()
    assert {tuple(one) for one in house.studio.asked} == {(1,)}
    with pytest.raises(LabelStudioError):
        house.asker.step()
    assert house.studio.asked[-1] == [2]


def test_where_nobody_wants_any_no_annotation_is_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Any] = []
    plain = house.ledger.read
    monkeypatch.setattr(house.ledger, "read", lambda *given, **more: read.append(more) or plain(*given, **more))
    house.label(1)
    house.asker.step()
    house.asker.step()
    assert not [one for one in read if Kind.ANNOTATION in one.get("kinds", ())]


def test_the_count_begins_where_the_share_changed(house: House) -> None:
    house.share(0.1, 1)
    house.label(1)
    house.share(0.2, 2)
    house.label(2)
    settings = QueueSettings(second_opinions=0.2, audit=0.1).model_dump(mode="json")
    body = {"version": 3, "settings": settings, "was": {}, "by": "a", "back_to": None, "token": "3"}
    house.ledger.append([Event(PROJECT, Kind.SETTINGS, "settings:3", body)])
    events = list(house.ledger.read(PROJECT))
    assert wanted_since(choices_of([one for one in events if one.kind is Kind.SETTINGS])) == 3


def test_a_label_that_is_changed_fills_no_second_place_and_a_deleted_task_waits_for_nobody() -> None:
    wishes = Wishes()
    said = [
        (Kind.ANNOTATION, {"annotation": 1, "task": 1, "user": 1, "cancelled": False}),
        (Kind.ANNOTATION, {"annotation": 1, "task": 1, "user": 1, "cancelled": False}),
        (Kind.SECOND_OPINION, {"task": 1, "opinions": 2, "by": "Ada"}),
        (Kind.SECOND_OPINION, {"task": 2, "opinions": 2, "by": 7}),
    ]
    for place, (kind, body) in enumerate(said, 1):
        wishes.take(Event(PROJECT, kind, str(place), body, position=place))
    assert (wishes.places(0), wishes.asked(0), wishes.places(1)) == (1, 2, 0)
    assert wishes.unopened == {TaskId(1): 3}
    wishes.take(Event(PROJECT, Kind.TASK_DELETED, "5", {"task": 1}, position=5))
    assert wishes.waiting == {TaskId(2)}
