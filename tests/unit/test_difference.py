"""What a copy of the queue is told: applied to it, it gives the queue, within what the page of the API allows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from labelcue.service import difference
from labelcue.service.difference import EXACT, MOVED, Copies
from labelcue.store.snapshot import Snapshot
from servicing import snapshot_of


def published(number: int, order: list[int], others: list[int]) -> Snapshot:
    """A round with tasks in this order, and others that are not in the queue."""
    made = snapshot_of([*order, *others], number=number)
    place = {task: rank for rank, task in enumerate(order)}
    return replace(made, rank=np.array([place.get(int(task), -1) for task in made.ids], dtype=np.int64))


def told(copies: Copies, snapshot: Snapshot, copy: dict[int, int], mark: str, head: int = 0) -> str:
    """Put the answer into the copy (task → place) as its holder does; the new mark."""
    answer = copies.difference(snapshot, mark, head)
    if answer.since is None:
        copy.clear()
    for task in answer.removed.tolist():
        del copy[task]
    for task in answer.changed.tolist():
        standing = snapshot.of(task)
        assert standing is not None
        assert standing.rank is not None
        copy[task] = standing.rank
    return answer.mark


def check(copy: dict[int, int], snapshot: Snapshot) -> None:
    order = snapshot.order.tolist()
    assert copy.keys() == set(order)
    for rank, task in enumerate(order):
        if rank < EXACT or copy[task] < EXACT:
            assert copy[task] == rank
        assert abs(copy[task] - rank) <= MOVED * copy[task]


def test_a_copy_follows_a_queue_that_is_labelled_grows_and_is_ordered_anew() -> None:
    rng, copies = np.random.default_rng(3), Copies()
    order, done, copy, mark = list(range(1, 6001)), list[int](), dict[int, int](), ""
    for number in range(1, 60):
        snapshot = published(number, order, done)
        head = 200 if number % 5 else 0
        mark = told(copies, snapshot, copy, mark, head)
        if head:
            assert sorted(copy, key=lambda task: copy[task])[:200] == order[:200]
        else:
            check(copy, snapshot)
        done += order[:3]
        order = [*order[3:], *range(10_000 + 2 * number, 10_002 + 2 * number)]
        for _ in range(20):  # some move far
            order.insert(int(rng.integers(len(order))), order.pop(int(rng.integers(len(order)))))
        if number % 7 == 0:  # a deleted task is in no round any more
            order.pop(40)


def test_little_is_told_where_little_changed() -> None:
    copies, order = Copies(), list(range(1, 20_001))
    first = published(1, order, [])
    mark = copies.difference(first, "", 0).mark
    following = published(2, order[1:], order[:1])
    answer = copies.difference(following, mark, 0)
    assert answer.since == mark
    assert answer.changed.tolist() == order[1 : EXACT + 1]
    assert answer.removed.tolist() == [1]
    # Asking again gives the same, so that it can be read in parts, and with it there is nothing new.
    assert copies.difference(following, mark, 0) is answer
    again = copies.difference(following, answer.mark, 0)
    assert (again.mark, len(again.changed), len(again.removed)) == (answer.mark, 0, 0)
    assert len(copies.difference(following, following.version, 0).changed) == 0


def test_after_the_head_alone_the_rest_can_still_be_asked_for() -> None:
    copies, order = Copies(), list(range(1, 3001))
    copy: dict[int, int] = {}
    mark = told(copies, published(1, order, []), copy, "")
    order.insert(1000, order.pop(2999))
    snapshot = published(2, order, [])
    mark = told(copies, snapshot, copy, mark, head=100)
    assert copy[3000] == 2999
    assert told(copies, snapshot, copy, mark, head=100) == mark
    told(copies, snapshot, copy, mark)
    check(copy, snapshot)


def test_a_mark_that_is_not_remembered_gets_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    copies = Copies()
    marks = [copies.difference(published(number, [3, 1, 2], []), f"none-{number}", 0).mark for number in range(1, 11)]
    latest = published(20, [2, 3], [1])
    assert copies.difference(latest, marks[0], 0).since is None
    assert copies.difference(latest, marks[-1], 0).removed.tolist() == [1]
    assert copies.difference(latest, "", 0).changed.tolist() == [2, 3]
    monkeypatch.setattr(difference, "MOST_REMOVED", 0)
    copies = Copies()
    mark = copies.difference(published(1, [3, 1, 2], []), "", 0).mark
    assert copies.difference(latest, mark, 0).since is None


def test_an_empty_queue_and_an_empty_pool_are_fine() -> None:
    copies = Copies()
    mark = copies.difference(published(1, [], []), "", 0).mark
    grown = copies.difference(published(2, [5, 4], []), mark, 0)
    assert grown.changed.tolist() == [5, 4]
    assert copies.difference(published(3, [], [4]), grown.mark, 200).removed.tolist() == [4, 5]
