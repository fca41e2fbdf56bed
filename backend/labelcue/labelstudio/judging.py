"""What the crops of another model's boxes say of its labels, beside what it says itself. Pure.

Its verdicts stand beside the regions of a prediction, as `crops` in its body: one for each region of the learned
control, in their order, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from labelcue.types import Event, Json, Label

SURE, WRONG = 0.95, 0.99
"""Probabilities from which on the label by the crop is shown in place of the other model's: that it is right, and that
the other one is wrong. Of a good model few boxes are misnamed, so that lower ones spoil more than they mend."""


class Verdict(NamedTuple):
    """Of one box that another model has labelled."""

    label: Label
    """The likeliest class by the box's crop."""
    likely: float
    """Its probability."""
    theirs: float
    """The probability of the other model's class."""


def doubt_of(score: float, verdict: Verdict | None) -> float:
    """The chance that a region is wrong, 0 to 1: 1 - s by the model's own score s, and more where its crop makes the
    class less likely than not.

    Both say how likely the class is, each by itself; so their odds multiply, s / (1 - s) * q / (1 - q) (Bordley,
    Management Science 28, 1982, at an even prior). A crop takes no doubt away: it knows nothing of where a box ends,
    nor of what is no object at all.
    """
    if verdict is None:
        return 1 - score
    right, wrong = score * verdict.theirs, (1 - score) * (1 - verdict.theirs)
    return max(1 - score, wrong / (right + wrong) if right + wrong else 0.5)


def overruled(score: float | None, verdict: Verdict | None) -> bool:
    """Whether the label by the crop is clearly more certain than the other model's, and another one."""
    if score is None or verdict is None or verdict.likely <= verdict.theirs:
        return False
    return verdict.likely >= SURE and doubt_of(score, verdict) >= WRONG


def with_verdicts(prediction: Event, crops: Event | None) -> Event:
    """Another model's prediction with what crops say of it, where they do."""
    if crops is None:
        return prediction
    return replace(prediction, body={**prediction.body, "crops": crops.body["said"]})


def verdicts_of(body: Mapping[str, Json], regions: int, classes: Sequence[Label]) -> list[Verdict | None]:
    """One for each of so many regions of a prediction; None each where nothing is said that counts now."""
    said = body.get("crops")
    if not isinstance(said, list) or len(said) != regions:
        return [None] * regions
    return [_verdict(one, classes) for one in said]


def _verdict(said: Json, classes: Sequence[Label]) -> Verdict | None:
    if not isinstance(said, list) or len(said) != 3 or said[0] not in classes:
        return None
    return Verdict(str(said[0]), float(said[1]), float(said[2]))
