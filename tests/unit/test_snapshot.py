"""A snapshot is whole or refused; what it says of a task is right."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from labelcue.errors import Corrupt, NotFound, StoreError
from labelcue.store.snapshot import Snapshot
from labelcue.store.snapshot_file import SnapshotReader, read_snapshot, write_snapshot
from labelcue.types import Round, TaskId

ARRAYS = ("ids", "probabilities", "priority", "novelty", "rank", "weights", "bias", "cover")


def snapshot(number: int = 1, n: int = 40, c: int = 3, d: int = 8, **changes: Any) -> Snapshot:
    rng = np.random.default_rng(number)
    scores = rng.random((n, c)) + 0.1
    rank = rng.permutation(n) - n // 4
    made = Snapshot(
        round=Round(1, number, 50, n, "minilm@1", "margin@1", {"k": 32}, 7, True, 12.5),
        classes=tuple(f"class \u00e4 {place}" for place in range(c)),
        trained=True,
        temperature=1.25,
        l2=0.01,
        labelled=n // 4,
        config_sha="abc",
        ids=np.cumsum(rng.integers(1, 5, n)).astype(np.int64),
        probabilities=(scores / scores.sum(axis=1, keepdims=True)).astype(np.float32),
        priority=rng.random(n).astype(np.float32),
        novelty=rng.random(n).astype(np.float32),
        rank=np.where(rank < 0, -1, rank).astype(np.int64),
        weights=rng.random((c, d)).astype(np.float32),
        bias=rng.random(c).astype(np.float32),
        cover=rng.random(n).astype(np.float32),
    )
    return replace(made, **changes)


def same(one: Snapshot, other: Snapshot) -> bool:
    names = ("round", "classes", "trained", "temperature", "l2", "labelled", "config_sha")
    return all(getattr(one, name) == getattr(other, name) for name in names) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ARRAYS
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "projects" / "1" / "round.safetensors"


@pytest.mark.parametrize(("n", "c", "d"), [(40, 3, 8), (1, 1, 1), (0, 2, 8), (5, 0, 8), (0, 0, 0)])
def test_comes_back_bit_equal_and_read_only(path: Path, n: int, c: int, d: int) -> None:
    written = snapshot(3, n, c, d)
    write_snapshot(path, written)
    got = read_snapshot(path)
    assert same(got, written)
    assert got.version == "cue-3"
    assert [getattr(got, name).dtype for name in ARRAYS] == [getattr(written, name).dtype for name in ARRAYS]
    assert not any(getattr(got, name).flags.writeable for name in ARRAYS)


def test_arrays_that_lie_otherwise_in_memory_are_written_right(path: Path) -> None:
    base = snapshot()
    written = replace(base, probabilities=np.asfortranarray(base.probabilities), weights=base.weights[:, ::-1])
    write_snapshot(path, written)
    assert same(read_snapshot(path), written)


def test_order_is_the_ids_by_rank() -> None:
    one = snapshot()
    place = {int(task): int(rank) for task, rank in zip(one.ids, one.rank, strict=True)}
    assert [place[int(task)] for task in one.order] == list(range(30))


def test_standing_of_a_task() -> None:
    scores = np.array([[0.5, 0.3, 0.2], [0, 1, 0]], np.float32)
    one = snapshot(9, n=2, probabilities=scores, ids=np.array([4, 9]), rank=np.array([-1, 0]))
    first, second = one.of(TaskId(4)), one.of(TaskId(9))
    assert first is not None
    assert second is not None
    assert (first.rank, second.rank) == (None, 0)
    assert first.uncertainty == pytest.approx(0.8)
    assert first.entropy == pytest.approx(-sum(p * math.log(p) for p in (0.5, 0.3, 0.2)) / math.log(3))
    assert first.probabilities == pytest.approx(dict(zip(one.classes, (0.5, 0.3, 0.2), strict=True)))
    assert (first.label, first.confidence, first.version) == (one.classes[0], 0.5, "cue-9")
    assert (second.label, second.confidence, second.uncertainty, second.entropy) == (one.classes[1], 1.0, 0.0, 0.0)
    assert first.priority == one.priority[0]
    assert first.novelty == one.novelty[0]
    assert [one.of(TaskId(task)) for task in (0, 5, 10)] == [None] * 3
    assert snapshot(n=0).of(TaskId(1)) is None


def test_untrained_everything_is_uncertain_and_nothing_is_predicted() -> None:
    standing = snapshot(n=1, trained=False, ids=np.array([4]), rank=np.array([0])).of(TaskId(4))
    assert standing is not None
    assert (standing.uncertainty, standing.entropy, standing.label) == (1.0, 1.0, None)


def test_one_class_and_no_class() -> None:
    alone = snapshot(n=1, c=1, ids=np.array([4]), rank=np.array([0])).of(TaskId(4))
    none = snapshot(n=1, c=0, ids=np.array([4]), rank=np.array([0]), trained=False).of(TaskId(4))
    assert alone is not None
    assert none is not None
    assert (alone.uncertainty, alone.entropy, alone.confidence) == (0.0, 0.0, 1.0)
    assert (none.probabilities, none.label, none.confidence) == ({}, None, 0.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": np.zeros(40, np.int64)},
        {"ids": np.arange(39)},
        {"priority": np.zeros(40)},
        {"rank": np.zeros(40, np.int32)},
        {"probabilities": np.zeros((40, 2), np.float32)},
        {"classes": ("a",)},
        {"weights": np.zeros((2, 8), np.float32)},
    ],
)
def test_arrays_that_disagree_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not|ascending"):
        snapshot(**changes)


def test_every_truncation_is_refused(path: Path) -> None:
    write_snapshot(path, snapshot(n=6))
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(Corrupt, match="Delete it: the learner builds it again"):
            read_snapshot(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(Corrupt):
        read_snapshot(path)


def test_every_flipped_bit_is_refused(path: Path) -> None:
    write_snapshot(path, snapshot(n=3, c=2, d=2))
    whole = bytearray(path.read_bytes())
    for place in range(len(whole)):
        for bit in range(8):
            whole[place] ^= 1 << bit
            path.write_bytes(whole)
            with pytest.raises(Corrupt):
                read_snapshot(path)
            whole[place] ^= 1 << bit


def test_other_safetensors_files_are_refused(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(save({"ids": np.arange(3)}))
    with pytest.raises(Corrupt):
        read_snapshot(path)
    write_snapshot(path, snapshot())
    path.write_bytes(save(load(path.read_bytes()), metadata={"format": "labelcue.snapshot.1"}))
    with pytest.raises(Corrupt, match=r"its format is labelcue\.snapshot\.1"):
        read_snapshot(path)


def test_missing_and_unreadable(path: Path) -> None:
    with pytest.raises(NotFound):
        read_snapshot(path)
    assert SnapshotReader().latest(path) is None
    path.mkdir(parents=True)
    with pytest.raises(StoreError):
        read_snapshot(path)
    with pytest.raises(StoreError):
        write_snapshot(path, snapshot())
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_the_reader_reads_once_and_sees_the_next(path: Path) -> None:
    reader = SnapshotReader()
    write_snapshot(path, snapshot(1))
    first = reader.latest(path)
    assert reader.latest(path) is first
    write_snapshot(path, snapshot(2))
    second = reader.latest(path)
    assert second is not None
    assert second.version == "cue-2"
    assert first is not None
    assert same(first, snapshot(1))
    path.unlink()
    assert reader.latest(path) is None


def test_the_reader_tells_of_a_damaged_file_and_recovers(path: Path) -> None:
    reader = SnapshotReader()
    write_snapshot(path, snapshot(1))
    path.write_bytes(path.read_bytes()[:-1])
    for _ in range(2):
        with pytest.raises(Corrupt):
            reader.latest(path)
    write_snapshot(path, snapshot(2))
    assert same(reader.latest(path) or snapshot(0), snapshot(2))


def test_threads_read_whole_snapshots_while_the_file_is_replaced(path: Path) -> None:
    reader, done, problems = SnapshotReader(), threading.Event(), []
    expected = {number: snapshot(number, n=200) for number in range(1, 31)}
    write_snapshot(path, expected[1])

    def look() -> None:
        last = 0
        while not done.is_set():
            got = reader.latest(path)
            if got is None or got.round.number < last or not same(got, expected[got.round.number]):
                problems.append(got)
                return
            last = got.round.number

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(2, 31):
        write_snapshot(path, expected[number])
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert same(reader.latest(path) or snapshot(0), expected[30])


# The k-th call into the system kills the process, before or after it was made, or halfway through a write.
KILL = """
import os, sys, threading
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_snapshot import read_snapshot, same, snapshot, write_snapshot
path = Path(sys.argv[1])
old, new = snapshot(1), snapshot(2)

def die_at(step, when):
    calls = 0
    def wrapped(name, real):
        def call(*args, **named):
            nonlocal calls
            if threading.current_thread() is not threading.main_thread():  # the disk's turn, after the swap
                return real(*args, **named)
            calls += 1
            if calls == step and when == "before":
                os._exit(9)
            if calls == step and when == "half" and name == "write":
                real(args[0], args[1][: len(args[1]) // 2])
                os._exit(9)
            answer = real(*args, **named)
            if calls == step and when == "after":
                os._exit(9)
            return answer
        return call
    for name in ("open", "write", "fsync", "close", "replace"):
        setattr(os, name, wrapped(name, getattr(os, name)))

seen = set()
for when in ("before", "half", "after"):
    for step in range(1, 100):
        write_snapshot(path, old)
        child = os.fork()
        if child == 0:
            die_at(step, when)
            write_snapshot(path, new)
            os._exit(0)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        got = read_snapshot(path)
        assert same(got, old) or same(got, new), (when, step)
        seen.add((ended, got.version))
        if ended == 0 and when != "half" or step == 20:
            assert same(got, new)
            print(when, step - 1)
            break
assert seen == {(9, "cue-1"), (9, "cue-2"), (0, "cue-2")}, seen
"""


def test_killed_at_any_step_of_writing_the_old_or_the_new_one_is_there(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILL, str(path), os.path.dirname(__file__)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps = dict(line.split() for line in done.stdout.splitlines())
    assert int(steps["before"]) == int(steps["after"]) >= 5  # open, writes, close, replace
    write_snapshot(path, snapshot(3))
    assert same(read_snapshot(path), snapshot(3))
