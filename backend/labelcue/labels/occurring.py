"""A label is what occurs in an item's regions: a set of classes; how unsure one is of the regions stands beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labelcue.labels import REGIONS, Model, kinds
from labelcue.labels import measures as of
from labelcue.labels.belief import Belief, Groups
from labelcue.labels.several import SetBelief, Several, sigmoids
from labelcue.types import Answer, Floats, Label


class RegionBelief(Belief):
    """(m, c + 1) probability that each class occurs, and the doubt: of the regions, or of what occurs."""

    def doubt(self) -> Floats:
        """The last column."""
        return of.rounded(self.said[:, -1])

    def grouped(self) -> tuple[Floats, Groups]:
        """With the rarest class that is expected, as for sets."""
        return self.doubt(), self._set().grouped()[1]

    def unevenness(self) -> float:
        """Of the classes that are expected."""
        return self._set().unevenness()

    def entropy(self) -> Floats:
        """As `doubt`: regions have no common distribution."""
        return self.doubt()

    def _set(self) -> SetBelief:
        return SetBelief(self.said[:, :-1], self.given)


@kinds.register("regions")
class Occurring(Several):
    """The classes of an item's boxes, outlines, points or stretches of time; none where nothing was marked."""

    name = REGIONS
    form = "a set of names of the classes that occur"

    def columns(self, classes: int) -> int:
        """With the doubt."""
        return classes + 1

    def say(self, vectors: Floats, model: Model) -> Floats:
        """(m, c + 1) as for sets, with their mean binary entropy as doubt."""
        return with_doubt(sigmoids((vectors @ model.weights.T + model.bias).astype(np.float32), model))

    def of_classes(self, classes: tuple[Label, ...], said: Floats) -> Floats:
        """Without the doubt."""
        return said[: len(classes)]

    def cut(self, classes: tuple[Label, ...], said: Floats, columns: Sequence[int]) -> Floats:
        """With the doubt."""
        return said[[*columns, len(said) - 1]]

    def believe(self, said: Floats, given: Floats) -> Belief:
        """By the doubt."""
        return RegionBelief(said, given)

    def guess(self, classes: tuple[Label, ...], said: Floats) -> tuple[Answer, float]:
        """The classes that are likelier to occur than not; how surely: what the doubt leaves."""
        return super().guess(classes, said[:-1])[0], float(1 - said[-1])

    def opinion(self, classes: tuple[Label, ...], said: Floats) -> str:
        """The doubt, and the classes that are expected."""
        return f"doubt {said[-1]:.2f} of its regions; {super().opinion(classes, said[:-1])}"


def with_doubt(likely: Floats) -> Floats:
    """(m, c) probabilities that classes occur → (m, c + 1), with the doubt of whoever knows no regions."""
    doubt = of.binary_entropy(likely)
    both: Floats = np.concatenate([likely, doubt[:, None]], axis=1)
    return both
