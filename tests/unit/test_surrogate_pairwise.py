"""Pairs: swapped sides swap the answer, and what sets the sides apart is learned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from labelcue import Cue
from labelcue.embedders import Embedder, unit
from labelcue.embedders.joining import embed_all, texts_of
from labelcue.errors import BadRequest
from labelcue.labelstudio.config import parse_config
from labelcue.types import Floats, TaskId

ROWS, DIM, GIVEN = 300, 16, 60
PAIR = parse_config(
    '<View><HyperText name="a" value="$a"/><HyperText name="b" value="$b"/><Pairwise name="c" toName="a,b"/></View>'
)


class Letters(Embedder):
    """How often each letter comes."""

    name = "letters"

    @property
    def dim(self) -> int:
        return 26

    def embed(self, texts: Sequence[str]) -> Floats:
        return unit([[text.count(chr(97 + place)) for place in range(26)] for text in texts])


def pairs() -> tuple[np.ndarray, list[str]]:
    """Differences of things that have a worth, and the worthier side."""
    rng = np.random.default_rng(0)
    things = rng.standard_normal((2, ROWS, DIM)).astype(np.float32)
    worth = things @ rng.standard_normal(DIM).astype(np.float32)
    return things[0] - things[1], ["left" if left > right else "right" for left, right in zip(*worth, strict=True)]


def test_the_worth_of_things_is_learned_from_pairs() -> None:
    vectors, better = pairs()
    cue = Cue(vectors, surrogate="pairwise")
    cue.label({item: better[item] for item in range(GIVEN)})
    said = cue.predict_proba(range(GIVEN, ROWS))[:, 0] > 0.5
    assert np.mean(said == [side == "left" for side in better[GIVEN:]]) > 0.85


def test_swapped_sides_swap_the_answer() -> None:
    vectors, better = pairs()
    cue = Cue(np.vstack([vectors, -vectors]), surrogate="pairwise")
    cue.label({item: better[item] for item in range(GIVEN)})
    said = cue.predict_proba(range(2 * ROWS))
    np.testing.assert_allclose(said[:ROWS], said[ROWS:, ::-1], atol=1e-6)


def test_labels_of_one_side_alone_teach_too() -> None:
    vectors, better = pairs()
    cue = Cue(vectors, surrogate="pairwise")
    cue.label({item: "left" for item in range(ROWS) if better[item] == "left" and item < GIVEN})
    right = [item for item in range(GIVEN, ROWS) if better[item] == "right"]
    assert (cue.predict_proba(right)[:, 1] > 0.5).mean() > 0.8


@pytest.mark.parametrize("label", ["Left", "both", ["left"], 1])
def test_what_is_no_side_is_refused(label: object) -> None:
    with pytest.raises(BadRequest, match="left or right"):
        Cue(pairs()[0], surrogate="pairwise").label({0: label})


def test_other_classes_are_refused() -> None:
    with pytest.raises(BadRequest, match="sides of a pair"):
        Cue(pairs()[0], surrogate="pairwise", classes=["a", "b"])


def test_the_vector_of_a_pair_is_what_sets_its_sides_apart() -> None:
    tasks = [
        (TaskId(1), {"a": "<p>aab</p>", "b": "abb"}),
        (TaskId(2), {"a": "abb", "b": "aab"}),
        (TaskId(3), {"a": "abb"}),
        (TaskId(4), {"a": "abb", "b": "bab"}),
    ]
    found = embed_all(Letters(), tasks, PAIR)
    assert found.ok == (0, 1)
    np.testing.assert_allclose(found.vectors[0], -found.vectors[1], atol=1e-6)
    assert found.digests[0] != found.digests[1]
    assert "no field 'b'" in found.problems[TaskId(3)]
    assert "no direction" in found.problems[TaskId(4)]
    assert list(texts_of(PAIR, [data for _, data in tasks[:1]])) == ["aab", "abb"]
