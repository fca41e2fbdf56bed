"""Labels of several parts: each part by the surrogate that learns its kind, side by side in one head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from labelcue.errors import BadRequest
from labelcue.labels import JOINT, LabelKind
from labelcue.labels.joint import Joint as JointKind
from labelcue.labels.parts import Part, packed, rows, unpacked
from labelcue.surrogates import Examples, Head, Refined, Scored, Surrogate, suiting, surrogates
from labelcue.types import Bools, Floats, Label

USUAL = "logistic"
"""The surrogate of classes."""


@surrogates.register("joint")
class Joint(Surrogate):
    """Each part learns from the items that have it, as if it were the only one; `extra` holds the parts' numbers."""

    name = "joint"
    kind = JOINT
    summary = "Every control by itself: classes, sets and numbers, each by the surrogate that learns it."
    when = "Where annotators fill in several controls of a task."

    def __init__(self, parts: Sequence[Part] = ()) -> None:
        self._parts = parts
        self._each = [surrogates.create(suiting(USUAL, part.kind.name)) for part in parts]

    def suited(self, kind: LabelKind) -> Surrogate:
        """For the parts of this kind. Raises BadRequest where it has none yet."""
        if not isinstance(kind, JointKind) or not kind.parts:
            raise BadRequest("The label has no parts.", "Pass parts to the Cue.")
        return Joint(kind.parts)

    def carried(self, head: Head, before: tuple[Label, ...], after: tuple[Label, ...]) -> Head:
        """As it is: the classes are those of the parts."""
        return head

    def fit(self, examples: Examples, before: Head, full: bool, rng: np.random.Generator) -> Head:
        """The heads of the parts in one; trained where any part is."""
        heads = [
            one.fit(mine, start, full, rng)
            for one, mine, start in zip(self._each, self._shares(examples), self._heads(before), strict=True)
        ]
        return Head(
            np.vstack([head.weights for head in heads]),
            np.concatenate([head.bias for head in heads]),
            trained=any(head.trained for head in heads),
            labelled=len(examples),
            extra=packed(heads, before.weights.shape[1]),
        )

    def refine(
        self, scored: Scored, examples: Examples, head: Head, before: Head, full: bool, rng: np.random.Generator
    ) -> Refined:
        """Each part's own, after a column that says whether it is trained."""
        said: list[Floats] = []
        heads, starts = self._heads(head), self._heads(before)
        logits = rows(scored.logits, self._parts)
        for one, there, mine, now, start, own in zip(
            self._each, self._there(examples), self._shares(examples), heads, starts, logits, strict=True
        ):
            seen = Scored(np.ascontiguousarray(own), scored.labelled[there], scored.unit, scored.links)
            found = one.refine(seen, mine, now, start, full, rng).probabilities
            said += [np.full((len(found), 1), now.trained, dtype=np.float32), found]
        return Refined(np.hstack(said), head)

    def _there(self, examples: Examples) -> list[Bools]:
        """(n,) for each part: which items have it."""
        return [np.isfinite(theirs.sum(axis=1)) for theirs in rows(examples.targets, self._parts)]

    def _shares(self, examples: Examples) -> Iterator[Examples]:
        """For each part the examples that have it."""
        for there, theirs in zip(self._there(examples), rows(examples.targets, self._parts), strict=True):
            yield Examples(examples.vectors[there], np.ascontiguousarray(theirs[there]))

    def _heads(self, head: Head) -> list[Head]:
        """Of the parts, as they were packed: what a restart finds is what goes on."""
        return [Head(**vars(one)) for one in unpacked(head, self._parts)]
