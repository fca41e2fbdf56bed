"""A label has parts, one a control: a class, a set and a number of the same item, say. Each is learned by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from labelcue.errors import BadRequest
from labelcue.labels import COMBINES, JOINT, MEAN, MOST, LabelKind, Model, kinds
from labelcue.labels import measures as of
from labelcue.labels.belief import Belief, Groups
from labelcue.labels.parts import Part, blocks, part_of, rows, unpacked
from labelcue.types import Answer, Floats, Json, Label


class JointBelief(Belief):
    """Of all parts at once; one that nothing is known of yet is in full doubt."""

    def __init__(self, said: Floats, given: Floats, parts: Sequence[Part], combine: str) -> None:
        super().__init__(said, given)
        self._parts, self._combine = parts, combine
        self._beliefs = [
            part.kind.believe(mine[:, 1:], theirs[~np.isnan(theirs).any(axis=1)])
            for part, mine, theirs in zip(parts, blocks(said, parts), rows(given, parts), strict=True)
        ]

    def like(self, said: Floats) -> Belief:
        """The same of other items."""
        return JointBelief(said, self.given, self._parts, self._combine)

    @property
    def counts(self) -> Floats:
        """(Σ g,) those of each part, one after the other."""
        return np.concatenate([belief.counts for belief in self._beliefs]).astype(np.float32)

    @property
    def groups(self) -> int:
        """Of the part that has most."""
        return max(belief.groups for belief in self._beliefs)

    def doubt(self) -> Floats:
        """The parts' doubts, combined by their weights."""
        return self._combined([belief.doubt() for belief in self._beliefs])

    def grouped(self) -> tuple[Floats, Groups]:
        """With the rarest of the groups in which the parts expect an item."""
        offsets = np.cumsum([0, *(len(belief.counts) for belief in self._beliefs)])
        found = [belief.grouped()[1] + start for belief, start in zip(self._beliefs, offsets[:-1], strict=True)]
        expected = np.column_stack(found)
        rarest = self.counts[expected].argmin(axis=1)
        return self.doubt(), expected[np.arange(len(expected)), rarest].astype(np.int64)

    def unevenness(self) -> float:
        """The weighted mean of the parts'."""
        weights = [part.weight for part in self._parts]
        return float(np.average([belief.unevenness() for belief in self._beliefs], weights=weights))

    def entropy(self) -> Floats:
        """The parts' entropies, combined by their weights."""
        return self._combined([belief.entropy() for belief in self._beliefs])

    def _combined(self, each: Sequence[Floats]) -> Floats:
        known = [block[:, 0] > 0 for block in blocks(self.said, self._parts)]
        doubts = np.column_stack([np.where(sure, one, np.float32(1)) for sure, one in zip(known, each, strict=True)])
        weights = np.array([part.weight for part in self._parts])
        if self._combine == MOST:
            return of.rounded((doubts * (weights / weights.max())).max(axis=1))
        return of.rounded(doubts @ (weights / weights.sum()))


@kinds.register("joint")
class Joint(LabelKind):
    """Several labels of one item, each under the name of its part; a part may be missing."""

    name = JOINT
    form = "a dict of parts' names and labels"
    named = False
    keyed = True

    def __init__(self) -> None:
        self.parts: tuple[Part, ...] = ()
        self.combine = MEAN

    @property
    def takes(self) -> str:
        """The parts."""
        return "labels by the names of their parts: " + ", ".join(f"{part.name}" for part in self.parts)

    def compose(self, parts: Sequence[Mapping[str, Any]], combine: str = MEAN) -> None:
        """Of these parts, in this order."""
        made = tuple(map(part_of, parts))
        names = [part.name for part in made]
        if not made or len(set(names)) < len(names):
            raise BadRequest(f"The parts of the label are called {', '.join(names) or 'nothing'}.", "Name each anew.")
        if combine not in COMBINES:
            raise BadRequest(f"Doubts are to combine by {combine!r}.", f"Choose one of: {', '.join(COMBINES)}.")
        self.parts, self.combine = made, combine

    def columns(self, classes: int) -> int:
        """Of all parts."""
        return sum(part.columns for part in self.parts)

    def rows(self, classes: int) -> int:
        """Of all parts."""
        return sum(part.rows for part in self.parts)

    def read(self, label: object) -> Answer | None:
        """A mapping, or pairs, of some of the parts' names and a label of each; kept as pairs in the parts' order."""
        try:
            given = dict(label) if isinstance(label, (Mapping, tuple, list)) else {}
        except (TypeError, ValueError):
            return None
        read = [(part.name, part.kind.read(given.pop(part.name))) for part in self.parts if part.name in given]
        if given or not read or any(answer is None for _, answer in read):
            return None
        known = {part.name: part for part in self.parts}
        strange = any(
            set(known[name].kind.names(one)) - {*known[name].classes} for name, one in read if one is not None
        )
        return None if strange else tuple(read)

    def names(self, answer: Answer) -> Collection[Label]:
        """None: classes are those of the parts."""
        return ()

    def counts(self, answers: Iterable[Answer], present: Collection[Label]) -> bool:
        """Whether any part of them can be learned from."""
        given = list(answers)
        return any(part.kind.counts(_of(part, given), part.classes) for part in self.parts)

    def targets(self, answers: Sequence[Iterable[Answer]], classes: tuple[Label, ...]) -> Floats:
        """(n, r) the parts' targets side by side; NaN where nobody gave an item such a part."""
        out = np.full((len(answers), self.rows(0)), np.nan, dtype=np.float32)
        for target, given in zip(out, map(list, answers), strict=True):
            for part, place in zip(self.parts, rows(target[None], self.parts), strict=True):
                said = _of(part, given)
                if part.kind.counts(said, part.classes):
                    place[:] = part.kind.targets([said], part.classes)
        return out

    def pack(self, answer: Answer) -> Json:
        """An object by the parts' names."""
        kinds_of = {part.name: part.kind for part in self.parts}
        return {name: kinds_of[name].pack(one) for name, one in _pairs(answer)}

    def as_json(self) -> dict[str, Json]:
        """With the parts, and how they combine."""
        return {"name": self.name, "parts": [part.as_json() for part in self.parts], "combine": self.combine}

    def say(self, vectors: Floats, model: Model) -> Floats:
        """(m, k) the parts' predictions side by side, each after a column that says whether it is trained."""
        said = []
        for part, one in zip(self.parts, unpacked(model, self.parts), strict=True):
            said += [np.full((len(vectors), 1), one.trained, dtype=np.float32), part.kind.say(vectors, one)]
        return np.hstack(said)

    def settle(self, said: Floats) -> Floats:
        """Each part within its own, in place."""
        for part, block in zip(self.parts, blocks(said, self.parts), strict=True):
            block[:, 1:] = part.kind.settle(block[:, 1:])
        return said

    def believe(self, said: Floats, given: Floats) -> Belief:
        """By the parts' doubts; `given` may be of no items and any width."""
        given = given if len(given) else np.empty((0, self.rows(0)), dtype=np.float32)
        return JointBelief(said, given, self.parts, self.combine)

    def guess(self, classes: tuple[Label, ...], said: Floats) -> tuple[Answer, float]:
        """Of the parts that are trained; how surely: the product, as the parts are taken to be independent."""
        found, sure = [], 1.0
        for part, block in self._trained(said):
            answer, likely = part.kind.guess(part.classes, block)
            found.append((part.name, answer))
            sure *= likely
        return tuple(found), sure if found else 0.0

    def text(self, answer: Answer) -> str:
        """Each part for people."""
        kinds_of = {part.name: part.kind for part in self.parts}
        return "; ".join(f"{name}: {kinds_of[name].text(one)}" for name, one in _pairs(answer))

    def agreed(self, answers: Sequence[Answer]) -> tuple[Answer | None, bool]:
        """Part by part, of those who gave one."""
        found, same = [], True
        for part in self.parts:
            said = _of(part, answers)
            together, alike = part.kind.agreed(said) if said else (None, True)
            found += [(part.name, together)] if together is not None else []
            same = same and alike
        return (tuple(found) or None), same

    def opinion(self, classes: tuple[Label, ...], said: Floats) -> str:
        """The parts' opinions."""
        return "; ".join(
            f"{part.name}: {part.kind.opinion(part.classes, block)}" for part, block in self._trained(said)
        )

    def titled(self, classes: tuple[Label, ...], said: Floats) -> dict[str, float]:
        """The parts' own, with the part's name before."""
        each = ((part.name, part.kind.titled(part.classes, block)) for part, block in self._trained(said))
        return {f"{name}.{title}": one for name, titled in each for title, one in titled.items()}

    def _trained(self, said: Floats) -> Iterator[tuple[Part, Floats]]:
        """The parts of one (k,) prediction that are trained, with what they say."""
        for part, block in zip(self.parts, blocks(said[None], self.parts), strict=True):
            if block[0, 0] > 0:
                yield part, block[0, 1:]


def _pairs(answer: Answer) -> tuple[tuple[str, Answer], ...]:
    return answer if isinstance(answer, tuple) else ()


def _of(part: Part, answers: Sequence[Answer]) -> list[Answer]:
    return [one for answer in answers for name, one in _pairs(answer) if name == part.name]
