"""Whatever cannot be done is refused by name, with the remedy, and leaves no trace."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labelcue.engine import Cue
from labelcue.errors import BadRequest, NotFound, UnknownName

VECTORS = np.random.default_rng(0).standard_normal((30, 5)).astype(np.float32)


def broken(value: float) -> np.ndarray:
    vectors = VECTORS[:3].copy()
    vectors[1, :] = value
    return vectors


UNKNOWN = ("unlabel", "skip", "unskip", "lease", "release", "remove", "predict_proba")
UNKNOWN += ("hold", "unhold", "pin", "unpin", "done", "undone")

REFUSED: dict[str, tuple[Callable[[Cue], Any], type[Exception], str]] = {
    "more than is left": (lambda cue: cue.next(100), BadRequest, "next 100 items; 21 are left"),
    "no place": (lambda cue: cue.next(0), BadRequest, "Ask for 1 to that many"),
    "half a place": (lambda cue: cue.next(1.5), BadRequest, "Asked for the next 1.5"),
    "rank nothing": (lambda cue: cue.rank(0), BadRequest, "Ask for 1 or more"),
    "unknown ids": (lambda cue: cue.label({1: "ham", 77: "ham", 78: "ham"}), NotFound, "no item 77, 78"),
    "label outside the classes": (lambda cue: cue.label({9: "ham", 10: "eggs"}), BadRequest, "'eggs' of item 10"),
    "a number as label": (lambda cue: cue.label({9: 3}), BadRequest, "item 9 is 3; the surrogate 'logistic' takes str"),
    "a set as label": (lambda cue: cue.label({9: {"ham"}}), BadRequest, "'logistic' takes strings"),
    "an empty label": (lambda cue: cue.label({9: {}}), BadRequest, "item 9 is 'empty'"),
    "annotator without a number": (
        lambda cue: cue.label({9: {"eve": "ham"}}),
        BadRequest,
        "annotator of item 9 is 'eve'",
    ),
    "labels as a list": (lambda cue: cue.label([9]), BadRequest, "Pass a dictionary"),
    "classes without names": (lambda cue: cue.set_classes(["ham", 3]), BadRequest, "classes is 3"),
    "NaN": (lambda cue: cue.add(broken(np.nan), [50, 51, 52]), BadRequest, "vectors of 51 hold NaN"),
    "infinity": (lambda cue: cue.add(broken(np.inf), [50, 51, 52]), BadRequest, "vectors of 51 hold NaN"),
    "zero": (lambda cue: cue.add(broken(0), [50, 51, 52]), BadRequest, "or are zero"),
    "wrong width": (lambda cue: cue.add(np.ones((2, 4)), [50, 51]), BadRequest, r"\(2, 4\)"),
    "one dimension": (lambda cue: cue.add(np.ones(5), [50]), BadRequest, r"Pass \(m, 5\)"),
    "words": (lambda cue: cue.add([["a"] * 5], [50]), BadRequest, "no array of numbers"),
    "ragged rows": (lambda cue: cue.add([[1.0] * 5, [1.0]], [50, 51]), BadRequest, "no array of numbers"),
    "ids too few": (lambda cue: cue.add(VECTORS[:3], [50, 51]), BadRequest, "3 vectors and 2 ids"),
    "ids twice": (lambda cue: cue.add(VECTORS[:3], [50, 51, 50]), BadRequest, "ids 50 stand there more than once"),
    "ids of another kind": (lambda cue: cue.add(VECTORS[:1], ["x"]), BadRequest, "one kind of id"),
    "grow backwards": (lambda cue: cue.grow(VECTORS[:4], []), BadRequest, "cannot grow"),
    "unknown strategy": (lambda cue: cue.set_strategy("oracle"), UnknownName, "oracle"),
    "unknown parameter": (lambda cue: cue.set_strategy("coreset-margin", {"strength": 1}), BadRequest, "power"),
    "quota above 1": (lambda cue: cue.quota({"a": 0.6, "b": 0.6}, of={1: "a", 2: "b"}), BadRequest, "sum to 1.2"),
    "quota of 0": (lambda cue: cue.quota({"a": 0}, of={1: "a"}), BadRequest, "slice 'a' is 0"),
    "quota below 0": (lambda cue: cue.quota({"a": -0.1}, of={1: "a"}), BadRequest, "slice 'a' is -0.1"),
    "quota of NaN": (lambda cue: cue.quota({"a": np.nan}, of={1: "a"}), BadRequest, "slice 'a' is nan"),
    "quota of words": (lambda cue: cue.quota({"a": "much"}, of={1: "a"}), BadRequest, "slice 'a' is 'much'"),
    "quota of an unknown slice": (lambda cue: cue.quota({"b": 0.1}, of={1: "a"}), BadRequest, "slice 'b'"),
    "quota of unknown items": (lambda cue: cue.quota({"a": 0.1}, of={1: "a", 88: "a"}), NotFound, "88"),
    "slice without a name": (lambda cue: cue.quota({"a": 0.1}, of={1: "a", 2: 3}), BadRequest, "item 2 has no name"),
    "quota as a number": (lambda cue: cue.quota(0.2), BadRequest, "Pass dictionaries"),
    "audit above 1": (lambda cue: cue.audit(1.5), BadRequest, "of audits is 1.5"),
    "audit below 0": (lambda cue: cue.audit(-1), BadRequest, "of audits is -1"),
    "audit with a bad seed": (lambda cue: cue.audit(0.1, seed=-3), BadRequest, "seed of an audit is -3"),
    **{
        f"{name} of unknown ids": (lambda cue, name=name: getattr(cue, name)([1, 99]), NotFound, "no item 99")
        for name in UNKNOWN
    },
}


def told() -> Cue:
    cue = Cue(VECTORS, strategy="coreset-margin", classes=("ham", "spam"))
    cue.label({1: "ham", 2: {7: "spam", 9: "ham"}})
    cue.quota({"even": 0.5}, of=dict.fromkeys(range(0, 30, 2), "even"))
    cue.audit(0.25)
    cue.next(4)
    cue.pin([20])
    cue.hold([21])
    cue.done([22])
    cue.skip([23])
    return cue


def contents(cue: Cue, path: Path) -> dict[str, Any]:
    cue.save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("fresh", [True, False], ids=["ranked", "stale"])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_changes_nothing(name: str, fresh: bool, tmp_path: Path) -> None:
    call, kind, words = REFUSED[name]
    cue = told()
    if fresh:
        cue.rank(5)
    before = contents(cue, tmp_path / "cue.npz")
    with pytest.raises(kind, match=words) as refused:
        call(cue)
    assert refused.value.remedy
    assert contents(cue, tmp_path / "cue.npz") == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"vectors": np.empty((0, 5), np.float32)}, "The pool is empty"),
        ({"vectors": np.ones(5)}, r"shape \(5,\)"),
        ({"vectors": np.empty((3, 0))}, r"shape \(3, 0\)"),
        ({"vectors": "vectors"}, "no array of numbers"),
        ({"vectors": broken(np.nan), "ids": ["a", "b", "c"]}, "vectors of 'b' hold NaN"),
        ({"vectors": VECTORS[:3], "ids": [4, 5, 4]}, "ids 4 stand there more than once"),
        ({"vectors": VECTORS[:3], "ids": [4, 5]}, "3 vectors and 2 ids"),
        ({"vectors": VECTORS, "classes": "spam"}, "Pass a list of their names"),
        ({"vectors": VECTORS, "facts": {"labels": []}}, "no facts of a Cue"),
    ],
)
def test_no_cue_is_made_of_what_cannot_be_ranked(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequest, match=words) as refused:
        Cue(**arguments)
    assert refused.value.remedy


def test_facts_of_items_that_the_pool_lacks_are_refused() -> None:
    with pytest.raises(NotFound, match="20, 21"):
        Cue(VECTORS[:20], facts=json.loads(json.dumps(told().facts)))


def test_an_id_may_come_again_where_that_is_said() -> None:
    cue = Cue(VECTORS[:3], [4, 5, 4], newest=True)
    assert cue.ids.tolist() == [4, 5]


def test_nothing_left_is_said_so() -> None:
    cue = Cue(VECTORS)
    cue.next(30)
    with pytest.raises(BadRequest, match="0 are left"):
        cue.next()
    assert cue.rank(5) == []
