"""Delivery against an honest double of Label Studio."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from labelcue.delivery import Delivery
from labelcue.delivery.rotation import GRACE, OPEN
from labelcue.errors import LabelStudioDown, LabelStudioError
from labelcue.settings import Settings
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelstudio_double import PROJECT, LabelStudioDouble, choice, down
from published import published


class House:
    """A double with a project, and a delivery whose time is ours."""

    def __init__(self, home: Path, count: int = 500, mode: str = "off", **settings: Any) -> None:
        self.ls = LabelStudioDouble()
        self.ids = self.ls.import_tasks([{"text": f"mail {number}"} for number in range(count)])
        self.now = 1000.0
        self.home, self.mode, self.settings = Home(home), mode, Settings(**settings)
        self.round = 0
        self.costs = 0.0
        """Seconds that each request takes."""
        self.ls.on_request = lambda name: self.pass_time(self.costs)
        self.delivery = self.start()

    def start(self) -> Delivery:
        connection = Connection(url="http://ls", project=PROJECT, token=SecretStr("t"), pre_annotation=self.mode)  # type: ignore[arg-type]
        clock = lambda: self.now  # noqa: E731
        return Delivery(
            self.ls,  # type: ignore[arg-type]
            self.home,
            PROJECT,
            self.settings,
            connection,
            clock=clock,
            timer=clock,
            rng=np.random.default_rng(0),
        )

    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    def publish(self, order: Sequence[int], confidence: float = 0.6, trained: bool = True, mode: str = "") -> None:
        """`mode`: what an admin has chosen of pre-annotation since the project was connected."""
        self.round += 1
        self.delivery.publish(
            published(
                PROJECT,
                self.round,
                self.ids,
                order,
                confidence=confidence,
                trained=trained,
                levers={"pre_annotation": mode} if mode else {},
            )
        )

    def switch(self, mode: str) -> tuple[str, str]:
        """Let an admin choose a mode, the order staying as it is; the versions of the frontiers before and after."""
        before = str(self.ls.fields["model_version"])
        self.now += 20
        self.publish(self.ids, mode=mode)
        self.delivery.step()
        return before, str(self.ls.fields["model_version"])

    def clean(self) -> None:
        """Let the time pass after which replaced frontiers go."""
        self.now += GRACE
        self.delivery.step()

    def step_and_clean(self) -> None:
        """Rotate if that is due, and clean up behind it."""
        self.delivery.step()
        self.clean()

    def served(self, count: int) -> list[int]:
        """The next tasks that two annotators in turn are given."""
        tasks: list[int] = []
        for turn in range(count):
            given = self.ls.next_task("ann" if turn % 2 else "bob")
            assert given is not None
            self.ls.annotate(given[0], choice("ham"))
            tasks.append(given[0])
        return tasks


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def shuffled(ids: Sequence[int], seed: int) -> list[int]:
    return [int(task) for task in np.random.default_rng(seed).permutation(ids)]


def test_two_annotators_are_given_the_published_order(house: House) -> None:
    order = shuffled(house.ids, 1)
    house.publish(order)
    house.delivery.step()
    assert house.served(200) == order[:200]


def test_a_rotation_imports_then_switches_then_deletes(house: House) -> None:
    house.publish(shuffled(house.ids, 1))
    house.delivery.step()
    house.publish(shuffled(house.ids, 2))
    house.now += 1
    house.ls.requests.clear()
    house.delivery.step()
    assert house.ls.requests == ["import_predictions", "update_project"]
    house.ls.requests.clear()
    assert house.ls.fields["model_version"] == "cue-queue-3"  # above the round's number
    # A request that began before the switch still finds the frontier that it looks for.
    assert house.ls.model_versions(PROJECT) == {"cue-queue-2": 200, "cue-queue-3": 200}
    house.clean()
    assert [name for name in house.ls.requests if name != "model_versions"] == ["delete_predictions"]
    assert house.ls.model_versions(PROJECT) == {"cue-queue-3": 200}
    assert house.served(100) == shuffled(house.ids, 2)[:100]


def test_scores_are_places_and_results_are_empty_by_default(house: House) -> None:
    house.publish(house.ids[::-1])
    house.delivery.step()
    assert [one["score"] for one in house.ls.predictions] == [place / 200 for place in range(200)]
    assert all(one["result"] == [] for one in house.ls.predictions)


@pytest.mark.parametrize(
    ("mode", "confidence", "trained", "shown"),
    [
        ("off", 0.99, True, False),
        ("confident", 0.99, True, True),
        ("confident", 0.6, True, False),
        ("on", 0.6, True, True),
        ("on", 0.6, False, False),
    ],
)
def test_labels_are_shown_as_the_setting_says(
    tmp_path: Path, mode: str, confidence: float, trained: bool, shown: bool
) -> None:
    house = House(tmp_path, 30, mode)
    house.publish(house.ids, confidence, trained)
    house.delivery.step()
    results = [one["result"] for one in house.ls.predictions]
    assert all(bool(result) == shown for result in results)
    if shown:
        assert results[0][0]["value"] == {"choices": ["ham"]}
    assert house.served(5) == house.ids[:5]


def test_labels_that_were_shown_are_kept_when_none_are_shown_any_more(tmp_path: Path) -> None:
    """An annotator may have opened a task with one, and Label Studio would refuse the annotation that names it."""
    house = House(tmp_path, mode="on")
    house.publish(house.ids)
    house.delivery.step()
    before, after = house.switch("off")
    assert house.delivery.status()["reason"] == "other labels shown"
    assert house.ls.fields["show_collab_predictions"] is False
    house.clean()
    assert house.ls.model_versions(PROJECT).keys() == {before, after}
    house.publish(house.ids[::-1], mode="off")
    house.step_and_clean()  # of these two only the first one was shown
    assert house.ls.model_versions(PROJECT).keys() == {before, house.ls.fields["model_version"]}
    house.now += OPEN
    house.delivery.step()
    assert list(house.ls.model_versions(PROJECT)) == [house.ls.fields["model_version"]]


def test_a_frontier_that_was_hidden_goes_at_once_when_labels_are_shown(house: House) -> None:
    house.publish(house.ids)
    house.delivery.step()
    before, after = house.switch("on")
    assert house.ls.fields["show_collab_predictions"] is True
    assert before != after
    house.clean()
    assert list(house.ls.model_versions(PROJECT)) == [after]


def test_the_same_labels_need_no_other_frontier(house: House) -> None:
    house.publish(house.ids)
    house.delivery.step()
    before, after = house.switch("off")
    assert before == after
    house.delivery = house.start()
    before, after = house.switch("off")
    assert before == after


@pytest.mark.parametrize("mode", ["off", "on"])
def test_a_restart_knows_which_frontiers_were_shown(tmp_path: Path, mode: str) -> None:
    house = House(tmp_path, mode="on")
    house.publish(house.ids)
    house.delivery.step()
    if mode == "off":
        before, _ = house.switch("off")
        house.delivery = house.start()
    else:
        house.delivery = house.start()
        before, _ = house.switch("off")
    house.publish(house.ids, mode="off")
    house.step_and_clean()
    assert before in house.ls.model_versions(PROJECT)
    house.now += OPEN
    house.delivery.step()
    assert before not in house.ls.model_versions(PROJECT)


def test_what_nothing_was_switched_to_goes_at_once_though_labels_are_shown(tmp_path: Path) -> None:
    house = House(tmp_path, mode="on")
    house.ls.fields["show_collab_predictions"] = True
    house.ls.predictions = [{"task": house.ids[0], "score": 0.0, "result": [], "model_version": "cue-queue-41"}]
    house.publish(house.ids)
    house.delivery.step()
    house.clean()
    assert list(house.ls.model_versions(PROJECT)) == ["cue-queue-42"]


def test_a_frontier_that_an_admin_had_shown_is_kept_too(house: House) -> None:
    house.publish(house.ids)
    house.delivery.step()
    house.ls.fields["show_collab_predictions"] = True  # 'Use predictions to prelabel tasks'
    house.now += 61
    house.delivery.step()
    before = str(house.ls.fields["model_version"])
    house.publish(house.ids[::-1])
    house.step_and_clean()
    assert before in house.ls.model_versions(PROJECT)


def test_a_failed_rotation_does_not_keep_replaced_frontiers_longer(tmp_path: Path) -> None:
    house = House(tmp_path, mode="on")
    house.publish(house.ids)
    house.delivery.step()
    before, _ = house.switch("off")
    house.now += OPEN - 100
    house.publish(house.ids[::-1], mode="off")
    house.ls.faults = [None, down()]
    with pytest.raises(LabelStudioDown):
        house.delivery.step()
    house.now += 100
    house.step_and_clean()
    assert before not in house.ls.model_versions(PROJECT)


def test_nothing_is_rotated_while_the_head_is_the_same(house: House) -> None:
    house.publish(house.ids)
    house.delivery.step()
    house.ls.requests.clear()
    for _ in range(5):
        house.publish(house.ids)
        house.delivery.step()
    assert house.ls.requests == []


def test_rotations_take_a_tenth_of_the_time_at_most(house: House) -> None:
    house.costs = 0.25
    began: list[float] = []
    import_predictions = house.ls.import_predictions

    def counted(*words: Any) -> int:
        began.append(house.now)
        return import_predictions(*words)

    house.ls.import_predictions = counted  # type: ignore[method-assign]
    for seed in range(60):
        house.publish(shuffled(house.ids, seed))
        house.delivery.step()
        house.now += 1.0
    gaps = np.diff(began)[1:]  # the first came with the look for leftovers
    assert len(gaps) > 4
    assert gaps.min() >= 10 * 0.75
    assert house.delivery.status()["duty"] <= 0.11


SERVES = {"active": True, "served": True, "plugin": "0.1.0"}


@pytest.mark.parametrize(("says", "rotations"), [(None, 10), ({**SERVES, "served": None}, 10), (SERVES, 1)])
def test_while_the_plugin_serves_a_new_order_alone_is_not_written(
    house: House, says: dict[str, Any] | None, rotations: int
) -> None:
    house.ls.plugged = says
    left = list(house.ids)
    house.publish(left)
    house.delivery.step()
    for _ in range(9):
        house.ls.annotate(left.pop(0), choice("ham"))
        house.now += 20
        left = shuffled(left, len(left))
        house.publish(left)
        house.delivery.step()
    assert house.delivery.status()["rotations"] == rotations


def test_where_the_plugin_serves_the_frontier_follows_when_nobody_works_or_it_is_used_up(house: House) -> None:
    house.ls.plugged = SERVES
    house.publish(house.ids)
    house.delivery.step()
    for task in house.ids[:110]:
        house.ls.annotate(task, choice("ham"))
    house.now += 20
    house.publish(house.ids[110:])
    house.delivery.step()
    assert house.delivery.status()["reason"] == "thinned"
    house.now += 20
    house.publish(house.ids[:109:-1])
    house.delivery.step()
    assert house.delivery.status()["reason"] == "thinned"
    house.now += 601
    house.publish(house.ids[:109:-1])
    house.delivery.step()
    assert house.delivery.status()["reason"] == "new order"
    assert house.served(5) == house.ids[:-6:-1]


def test_a_frontier_that_runs_dry_is_rotated_early(house: House) -> None:
    house.costs = 2.0
    order = shuffled(house.ids, 1)
    house.publish(order)
    house.delivery.step()
    for done in range(0, 198, 6):
        assert house.served(6) == order[done : done + 6]
        house.now += 1.0
        house.publish(order[done + 6 :])
        house.delivery.step()
    assert house.delivery.status()["reason"] == "running dry"
    assert house.served(100) == order[198:298]


def test_size_follows_the_pace(house: House) -> None:
    house.costs = 1.5
    order = shuffled(house.ids, 1)
    house.publish(order)
    house.delivery.step()
    for done in range(0, 150, 10):
        house.served(10)
        house.now += 3.0
        house.publish(order[done + 10 :])
    house.delivery.step()
    # 150 in 60 s, and 30 s from one rotation to the next: 4 x 75
    assert house.delivery.status()["size"] == 300


@pytest.mark.parametrize("step", range(8))
def test_whatever_fails_a_whole_frontier_is_served_and_leftovers_go(house: House, step: int) -> None:
    first = shuffled(house.ids, 1)
    house.publish(first)
    house.delivery.step()
    house.publish(second := shuffled(house.ids, 2))
    house.now += 1
    house.ls.faults = [*([None] * step), down()]
    with pytest.raises(LabelStudioDown) if step < 3 else _nothing():
        house.step_and_clean()
    house.ls.faults = []
    given = house.ls.next_task("eve")
    assert given is not None
    assert given in ((first[0], "Uncertainty sampling"), (second[0], "Uncertainty sampling"))
    house.ls.locks.clear()
    house.now += 700
    house.delivery.step()
    house.clean()
    assert house.served(50) == second[:50]
    assert len(house.ls.model_versions(PROJECT)) == 1


class _nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *error: object) -> None: ...


@pytest.mark.parametrize("died_at", ["import_predictions", "update_project", "delete_predictions"])
def test_a_process_that_died_in_a_rotation_leaves_nothing_behind(house: House, died_at: str) -> None:
    house.publish(shuffled(house.ids, 1))
    house.delivery.step()
    house.publish(shuffled(house.ids, 2))
    house.now += 1

    def die(name: str) -> None:
        if name == died_at:
            raise KeyboardInterrupt

    house.ls.on_request = die
    with pytest.raises(KeyboardInterrupt):
        house.step_and_clean()
    house.ls.on_request = None
    known = set(house.ls.model_versions(PROJECT))
    house.delivery = house.start()
    order = shuffled(house.ids, 3)
    house.publish(order)
    house.delivery.step()
    house.clean()
    assert house.ls.fields["model_version"] not in known
    assert list(house.ls.model_versions(PROJECT)) == [house.ls.fields["model_version"]]
    assert house.served(50) == order[:50]


def test_a_restart_goes_on_with_the_frontier_that_is_served(house: House) -> None:
    house.publish(house.ids)
    house.delivery.step()
    house.delivery = house.start()
    house.publish(house.ids)
    house.ls.requests.clear()
    house.delivery.step()
    assert "import_predictions" not in house.ls.requests
    assert house.delivery.status()["left"] == 200


def test_numbers_grow_even_where_the_home_folder_was_lost(house: House, tmp_path: Path) -> None:
    house.ls.predictions = [{"task": house.ids[0], "score": 0.0, "result": [], "model_version": "cue-queue-41"}]
    house.ls.fields["model_version"] = "cue-queue-40"
    house.publish(house.ids)
    house.delivery.step()
    assert house.ls.fields["model_version"] == "cue-queue-42"
    house.ls.predictions, house.ls.fields["model_version"] = [], ""
    house.delivery = house.start()  # the record remembers
    house.publish(house.ids)
    house.delivery.step()
    assert house.ls.fields["model_version"] == "cue-queue-43"


def test_a_backends_title_is_never_a_version(house: House) -> None:
    house.ls.backends = lambda project: [{"title": "cue-queue-8"}]  # type: ignore[method-assign]
    house.publish(house.ids)
    house.delivery.step()
    assert house.ls.fields["model_version"] == "cue-queue-9"


def test_other_peoples_predictions_stay(house: House) -> None:
    house.ls.predictions = [
        {"task": house.ids[0], "score": 0.5, "result": [], "model_version": name} for name in ("v1", "cue-7")
    ]
    for seed in range(3):
        house.publish(shuffled(house.ids, seed))
        house.delivery.step()
        house.now += 1
    house.clean()
    versions = house.ls.model_versions(PROJECT)
    assert versions.pop(house.ls.fields["model_version"]) == 200
    assert versions == {"v1": 1, "cue-7": 1}


def test_a_task_that_was_deleted_meanwhile_does_not_spoil_the_frontier(house: House) -> None:
    order = shuffled(house.ids, 1)
    house.publish(order)
    house.ls.delete_tasks(order[3:5])
    house.delivery.step()
    assert house.served(50) == [*order[:3], *order[5:52]]
    assert house.delivery.status()["size"] == 198


def test_another_refusal_is_told(house: House) -> None:
    house.publish(house.ids)
    house.delivery.step()
    house.publish(house.ids[::-1])
    house.now += 1
    house.ls.faults = [LabelStudioError("Label Studio answered 400: no.")]
    with pytest.raises(LabelStudioError, match="400"):
        house.delivery.step()


def test_another_sampling_is_said_and_left_alone(house: House) -> None:
    house.ls.fields["sampling"] = "Sequential sampling"
    house.publish(house.ids)
    house.delivery.step()
    assert "Sequential sampling" in house.delivery.status()["sampling"]
    assert not house.ls.predictions
    assert house.ls.fields["sampling"] == "Sequential sampling"
    house.ls.fields["sampling"] = "Uncertainty sampling"
    house.now += 61
    house.delivery.step()
    assert house.delivery.status()["sampling"] == ""
    assert house.served(5) == house.ids[:5]


def test_a_model_version_that_somebody_else_set_is_set_back(house: House) -> None:
    order = shuffled(house.ids, 1)
    house.publish(order)
    house.delivery.step()
    house.ls.fields["model_version"] = "LabelCue"  # as the creation of a backend does
    house.now += 61
    house.delivery.step()
    assert house.delivery.status()["reason"] == "not served"
    assert house.served(5) == order[:5]


def test_a_project_that_is_labelled_to_its_end_is_left_in_peace(house: House) -> None:
    house.publish(house.ids[:10])
    house.delivery.step()
    house.publish([])
    house.ls.requests.clear()
    house.now += 30
    house.delivery.step()
    assert house.ls.requests == []
    assert house.delivery.status()["left"] == 0


def test_before_the_first_order_nothing_is_asked(house: House) -> None:
    house.delivery.step()
    assert house.ls.requests == []
    assert house.delivery.status()["version"] == ""


def test_the_loop_tells_failures_and_goes_on(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, errors = threading.Event(), []

    def wait(seconds: float, stop: threading.Event, wake: threading.Event | None = None) -> None:
        house.now += seconds
        errors.append(house.delivery.status()["error"])
        if len(errors) == 4:
            stop.set()

    monkeypatch.setattr("labelcue.labelstudio.backoff.wait_for", wait)
    house.ls.faults = [down(), None, down()]
    house.publish(house.ids)
    house.delivery.run(stop)
    assert [bool(error) for error in errors] == [True, True, False, False]
    assert house.served(5) == house.ids[:5]


def test_the_loop_ends_with_the_project_and_with_stop(house: House) -> None:
    house.publish(house.ids)
    stop = threading.Event()
    house.ls.on_request = lambda name: stop.set() if name == "import_predictions" else None
    house.delivery.run(stop)
    assert house.ls.fields["model_version"] == ""  # not switched
    house.ls.on_request = None
    house.ls.gone = True
    house.delivery.run(threading.Event())
    assert "no such project" in house.delivery.status()["error"]
