"""What the fold makes of events, and that neither order nor repetition matters."""

from __future__ import annotations

import itertools
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelcue.store.fold import AnnotationState, Fold, TaskState, fold, stamp
from labelcue.types import Event, Kind, TaskId

NOON, LATER = "2026-01-01T12:00:00Z", "2026-01-01T12:00:00.000001Z"
RESULT = [{"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": ["Spam"]}}]


class Story:
    """Events with growing positions, told in short words."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, kind: Kind, key: str = "", **body: Any) -> Event:
        position = len(self.events) + 1
        self.events.append(Event(1, kind, key or f"{kind.value}:{position}", body, position))
        return self.events[-1]

    def task(self, task: int, at: str = NOON, key: str = "") -> Event:
        return self.tell(Kind.TASK, key, task=task, data={"text": "x"}, updated_at=at)

    def annotation(
        self, number: int, task: int, user: int | None = 1, at: str = NOON, cancelled: bool = False, key: str = ""
    ) -> Event:
        body = {"annotation": number, "task": task, "user": user, "updated_at": at, "cancelled": cancelled}
        return self.tell(Kind.ANNOTATION, key, **body, result=[] if cancelled else RESULT)

    def lease(self, task: int, user: int, expires: float) -> Event:
        return self.tell(Kind.LEASE, task=task, user=user, expires=expires)

    def folded(self) -> Fold:
        return fold(self.events)


@pytest.fixture
def story() -> Story:
    return Story()


def test_nothing() -> None:
    empty = fold([])
    assert (empty.position, empty.tasks, empty.annotations, empty.leases) == (0, {}, {}, {})
    assert (empty.label_config, empty.choices, empty.train_requests, empty.gone) == (None, [], 0, False)
    assert empty.of_task(TaskId(1)) == []
    assert empty == Fold()


def test_tasks_keep_the_order_of_their_first_event_and_the_position_of_their_data(story: Story) -> None:
    for task in (5, 3, 9):
        story.task(task)
    story.task(5, at=LATER, key="newest")
    state = story.folded()
    assert list(state.tasks) == [5, 3, 9]
    assert state.tasks[TaskId(5)] == TaskState(4, LATER, "newest")
    assert state.position == 4


def test_several_annotators_updates_and_skips(story: Story) -> None:
    story.annotation(20, task=1, user=8)
    story.annotation(10, task=1, user=7)
    story.annotation(10, task=1, user=7, at=LATER, cancelled=True)
    story.annotation(10, task=1, user=7, at=NOON)
    state = story.folded()
    assert state.of_task(TaskId(1)) == [
        AnnotationState(10, TaskId(1), 7, LATER, True, [], "annotation:3", 3),
        AnnotationState(20, TaskId(1), 8, NOON, False, RESULT, "annotation:1", 1),
    ]


def test_an_annotation_that_moves_leaves_its_old_task(story: Story) -> None:
    story.annotation(10, task=1)
    moved = story.annotation(10, task=2, at=LATER)
    state = fold(story.events[:1])
    assert state.apply(moved) == {1, 2}
    assert state.of_task(TaskId(1)) == []
    assert [one.annotation for one in state.of_task(TaskId(2))] == [10]


def test_ties_go_to_the_larger_key(story: Story) -> None:
    story.task(1, key="b")
    story.task(1, key="a")
    story.annotation(10, task=1, key="y", cancelled=True)
    story.annotation(10, task=1, key="z")
    state = story.folded()
    assert state.tasks[TaskId(1)].key == "b"
    assert state.annotations[10].key == "z"


def test_deletions_are_for_ever_even_when_they_come_first(story: Story) -> None:
    story.tell(Kind.TASK_DELETED, task=1)
    story.tell(Kind.ANNOTATION_DELETED, annotation=20)
    story.task(1, at=LATER)
    story.annotation(10, task=1, at=LATER)
    story.annotation(20, task=2, at=LATER)
    story.lease(1, user=1, expires=99)
    state = story.folded()
    assert (state.tasks, state.annotations, state.leases) == ({}, {}, {})


def test_annotations_go_with_their_task(story: Story) -> None:
    story.task(1)
    story.annotation(10, task=1)
    story.annotation(11, task=2)
    gone = story.tell(Kind.TASK_DELETED, task=1)
    state = fold(story.events[:-1])
    assert state.apply(gone) == {1}
    assert state.apply(gone) == set()
    assert list(state.annotations) == [11]
    assert list(state.tasks) == []


def test_an_annotation_counts_before_its_task_is_known(story: Story) -> None:
    story.annotation(10, task=1)
    assert [one.annotation for one in story.folded().of_task(TaskId(1))] == [10]


def test_leases_end_by_release_by_annotation_and_by_time(story: Story) -> None:
    for task in (1, 2, 3, 4):
        story.lease(task, user=7, expires=100.0 + task)
    story.lease(2, user=8, expires=50.0)
    story.tell(Kind.RELEASE, task=1, user=7)
    story.annotation(10, task=2, user=7)
    state = story.folded()
    assert state.leases == {(2, 8): 50.0, (3, 7): 103.0, (4, 7): 104.0}
    assert state.expire(now=103.0) == {2, 3}
    assert state.leases == {(4, 7): 104.0}
    assert state.expire(now=103.0) == set()


def test_a_lease_after_the_annotation_holds(story: Story) -> None:
    story.annotation(10, task=2, user=7)
    story.lease(2, user=7, expires=100)
    assert story.folded().leases == {(2, 7): 100}


def test_renewed_lease_takes_the_new_time(story: Story) -> None:
    story.lease(1, user=7, expires=100)
    story.lease(1, user=7, expires=90)
    assert story.folded().leases == {(1, 7): 90}


def test_project_wide_events(story: Story) -> None:
    story.tell(Kind.LABEL_CONFIG, label_config="<new/>", updated_at=LATER)
    story.tell(Kind.LABEL_CONFIG, label_config="<old/>", updated_at=NOON)
    story.tell(Kind.STRATEGY, name="random", params={"a": 1}, by="admin")
    story.tell(Kind.STRATEGY, name="margin", params=None, by="admin")
    for _ in range(3):
        story.tell(Kind.TRAIN)
    story.tell(Kind.PROJECT_DELETED)
    state = fold([*story.events, *story.events])
    assert state.label_config == "<new/>"
    assert [(one.version, one.settings) for one in state.choices] == [
        (1, {"strategy": "random", "params": {"a": 1}}),
        (2, {"strategy": "margin", "params": {}}),
    ]
    assert state.train_requests == 3
    assert state.gone


def test_an_opinion_that_is_asked_for_is_the_latest_wish_and_ends_with_the_task(story: Story) -> None:
    story.annotation(10, task=1, user=7)
    story.annotation(11, task=1, user=7)
    story.annotation(12, task=1, user=None)
    story.annotation(13, task=1, user=8, cancelled=True)
    for task, opinions in ((2, 2), (1, 3), (1, 2)):
        story.tell(Kind.SECOND_OPINION, task=task, opinions=opinions, by=9)
    state = story.folded()
    assert state.asked == {2: 2, 1: 2}
    assert state.annotators(TaskId(1)) == 2
    story.tell(Kind.TASK_DELETED, task=2)
    assert story.folded().asked == {1: 2}
    assert story.folded().is_deleted(TaskId(2))
    story.tell(Kind.TASK, task=2, data={}, updated_at=LATER, again=True)
    assert story.folded().asked == {1: 2}
    story.tell(Kind.SECOND_OPINION, task=2, opinions=2, by=9)
    assert story.folded().asked == {1: 2, 2: 2}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00.000001Z"),
        ("2026-01-01T12:00:00.999999Z", "2026-01-01T12:00:01Z"),
        ("2026-01-01T13:00:00+02:00", "2026-01-01T12:00:00Z"),
        ("2026-01-01T11:59:59", "2026-01-01T12:00:00Z"),
        ("never", "1970-01-01T00:00:00Z"),
        ("", "a"),
        (None, "2026-01-01T12:00:00Z"),
    ],
)
def test_dates_compare_as_moments(earlier: str | None, later: str) -> None:
    assert stamp(earlier, "z") < stamp(later, "a")


# -- order and repetition ---------------------------------------------------------------------------------------------

IDS = st.integers(1, 3)
MOMENTS = st.sampled_from([NOON, LATER, "2026-01-01T12:00:00+00:00", "2026-01-01T13:00:00.5+02:00", ""])
Bodies = dict[Kind, dict[str, st.SearchStrategy[Any]]]
NEWS: Bodies = {
    Kind.TASK: {"task": IDS, "data": st.just({}), "updated_at": MOMENTS},
    Kind.TASK_DELETED: {"task": IDS},
    Kind.ANNOTATION: {
        "annotation": IDS,
        "task": IDS,
        "user": st.sampled_from([None, 1, 2]),
        "updated_at": MOMENTS,
        "cancelled": st.booleans(),
        "result": st.sampled_from([[], RESULT]),
    },
    Kind.ANNOTATION_DELETED: {"annotation": IDS},
    Kind.LABEL_CONFIG: {"label_config": st.sampled_from(["<a/>", "<b/>"]), "updated_at": MOMENTS},
    Kind.TRAIN: {},
    Kind.PROJECT_DELETED: {},
}
OURS: Bodies = {
    Kind.STRATEGY: {"name": st.sampled_from(["random", "margin"]), "params": st.just({}), "by": st.just("me")},
    Kind.SETTINGS: {
        "version": st.just(1),
        "settings": st.sampled_from([{"strategy": "badge"}, {"audit": 0.1}]),
        "by": st.just("me"),
        "token": st.just("t"),
    },
    Kind.DRAW: {
        "task": IDS,
        "stream": st.sampled_from(["audit", "explore"]),
        "propensity": st.just(0.1),
        "round": st.just(1),
    },
    Kind.RETIRE: {"by": st.just("me")},
    Kind.LEASE: {"task": IDS, "user": st.sampled_from([1, 2]), "expires": st.sampled_from([10.0, 20.0])},
    Kind.RELEASE: {"task": IDS, "user": st.sampled_from([1, 2])},
    Kind.PIN: {"task": IDS},
    Kind.HOLD: {"task": IDS},
    Kind.REQUEUE: {"task": IDS},
    Kind.SECOND_OPINION: {"task": IDS, "opinions": st.sampled_from([2, 3])},
    Kind.PREDICTION: {"task": IDS, "version": st.just("m"), "score": st.just(0.5), "result": st.just([])},
    Kind.CROPS: {"task": IDS, "of": st.sampled_from(["a", "b"]), "said": st.just([])},
}


def in_ledger(bodies: list[tuple[Kind, dict[str, Any]]]) -> list[Event]:
    """As a ledger keeps them: one key, one event, growing positions."""
    keyed = {f"{kind.value}:{json.dumps(body, sort_keys=True)}": (kind, body) for kind, body in bodies}
    return [Event(1, kind, key, body, place) for place, (key, (kind, body)) in enumerate(keyed.items(), 1)]


def some(*kinds: Bodies) -> st.SearchStrategy[list[Event]]:
    every = [st.tuples(st.just(kind), st.fixed_dictionaries(body)) for group in kinds for kind, body in group.items()]
    # Tasks and annotations are most of a ledger, and where order could matter.
    every += [every[0], every[2], every[2], every[2]]
    return st.lists(st.one_of(every), max_size=25).map(in_ledger)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(events=some(NEWS, OURS), data=st.data())
def test_any_order_and_any_repetition_give_the_same_state(events: list[Event], data: st.DataObject) -> None:
    expected = fold(events)
    again = data.draw(st.lists(st.sampled_from(events), max_size=10)) if events else []
    mixed = fold(data.draw(st.permutations(events + again)))
    assert mixed == expected
    assert mixed.digest() == expected.digest()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(events=some(NEWS), data=st.data())
def test_the_digest_is_the_same_when_the_news_reached_the_ledger_in_another_order(
    events: list[Event], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(events))
    other = [Event(1, one.kind, one.key, one.body, place) for place, one in enumerate(shuffled, 1)]
    assert fold(other).digest() == fold(events).digest()


def view(state: Fold, task: int) -> object:
    leases = {pair: expires for pair, expires in state.leases.items() if pair[0] == task}
    asked = state.asked.get(TaskId(task))
    return (state.tasks.get(TaskId(task)), state.of_task(TaskId(task)), leases, asked, task in state._dead_tasks)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(events=some(NEWS, OURS), data=st.data())
def test_apply_names_every_task_that_it_changed(events: list[Event], data: st.DataObject) -> None:
    state = Fold()
    for event in data.draw(st.permutations(events)):
        before = [view(state, task) for task in range(4)]
        touched = state.apply(event)
        changed = {task for task in range(4) if view(state, task) != before[task]}
        assert changed <= touched
        assert state.apply(event) == set()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(events=some(NEWS, OURS))
def test_live_annotations_and_their_index_agree(events: list[Event]) -> None:
    state = fold(events)
    listed = list(itertools.chain.from_iterable(state.of_task(TaskId(task)) for task in range(4)))
    assert sorted(one.annotation for one in listed) == sorted(state.annotations)
    assert all(one.task not in state._dead_tasks for one in listed)


def test_a_hundred_thousand_tasks_fit_in_sixty_megabytes() -> None:
    def imported() -> Iterator[Event]:
        for number in range(100_000):
            body = {"task": number, "data": {}, "updated_at": f"2026-01-01T12:00:00.{number:06d}Z"}
            yield Event(1, Kind.TASK, f"task:{number}:0123456789abcdef", body, number + 1)

    tracemalloc.start()
    try:
        state = fold(imported())
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(state.tasks) == 100_000
    assert held < 60e6
