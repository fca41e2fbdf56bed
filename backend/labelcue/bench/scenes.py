"""Scenes of real photographs with hands in them, what is in each, and what a real classifier makes of it.

A scene is a square with one to four of the demo's photographs of hands in its quarters. The other model is a logistic
regression on vectors of single hands: it boxes every hand with the digit that it takes it for and its probability, and
misses those of which it is less sure than `SEEN`. Errors are planted: in some scenes one hand is turned over and
blurred, and it errs there, with whatever score it has; all other hands are such that it boxes them rightly.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from labelcue.data import load_hands
from labelcue.embedders.efficientnet_lite0 import EfficientNetLite0
from labelcue.embedders.picture import Part, read_parts
from labelcue.engine import Cue
from labelcue.labels import kinds
from labelcue.types import Floats, Label

SIDE, CELL = 160, 80
"""Pixels of a scene, and of a hand in it."""
TAUGHT = 500
"""Photographs that the other model learned from; scenes are made of others."""
SEEN = 0.25
"""Probability below which it boxes nothing: detectors are usually run with such a threshold."""
PLANTED = 0.05
"""Share of the scenes with an error."""


class Seen(NamedTuple):
    """One hand in a scene."""

    part: Part
    """Where it is."""
    label: Label
    said: Label
    score: float

    @property
    def boxed(self) -> bool:
        """Whether the other model marks it."""
        return self.score >= SEEN


@dataclass(frozen=True)
class Scene:
    """One image, what is in it, and what the other model says."""

    picture: Any
    hands: list[Seen]
    planted: bool
    """Whether a hand is missed or has a wrong name."""

    @property
    def truth(self) -> frozenset[Label]:
        """What annotators mark."""
        return frozenset(hand.label for hand in self.hands)


@dataclass(frozen=True)
class Hand:
    """One photograph, and what the other model makes of it."""

    picture: Any
    label: Label
    said: Label
    score: float

    @property
    def right(self) -> bool:
        """Whether its box is there and has the right name."""
        return self.said == self.label and self.score >= SEEN


def make_scenes(count: int, rng: np.random.Generator) -> list[Scene]:
    """So many, with `PLANTED` of them wrong, in a mixed order."""
    photographs = [(_opened(one.text), one.label) for one in load_hands()]
    taught, others = photographs[:TAUGHT], photographs[TAUGHT:]
    digits = sorted({label for _, label in photographs})
    model = Cue(vectors_of([picture for picture, _ in taught]), classes=digits)
    model.label({place: label for place, (_, label) in enumerate(taught)})
    weights = model.round(0)
    right = [hand for hand in _hands(weights, others, digits) if hand.right]
    spoilt = [(_spoil(picture), label) for picture, label in others]
    wrong = [hand for hand in _hands(weights, spoilt, digits) if not hand.right]
    made = [_scene(right, wrong if place < PLANTED * count else [], rng) for place in range(count)]
    return [made[place] for place in rng.permutation(count)]


def vectors_of(pictures: Sequence[Any]) -> Floats:
    """(n, d) of whole pictures."""
    side = EfficientNetLite0.side
    return _embedded([np.asarray(one.resize((side, side))) for one in pictures])


def crops_of(scene: Scene) -> Floats:
    """(h, d) of its hands, cut out of its file as the learner does."""
    file = BytesIO()
    scene.picture.save(file, "PNG")
    parts = [hand.part for hand in scene.hands]
    cut = read_parts(file.getvalue(), parts, EfficientNetLite0.side, threading.Lock())
    return _embedded([one for one in cut if one is not None])


def _scene(right: Sequence[Hand], wrong: Sequence[Hand], rng: np.random.Generator) -> Scene:
    hands = [right[place] for place in rng.choice(len(right), size=int(rng.integers(1, 5)), replace=False)]
    if wrong:
        hands[0] = wrong[int(rng.integers(len(wrong)))]
    places = rng.permutation(4)[: len(hands)].tolist()
    seen = [Seen(_part(place), one.label, one.said, one.score) for one, place in zip(hands, places, strict=True)]
    return Scene(_together(hands, places), seen, bool(wrong))


def _part(place: int) -> Part:
    left, top = place % 2 / 2, place // 2 / 2
    return left, top, left + 0.5, top + 0.5


def _hands(weights: Any, photographs: Sequence[tuple[Any, Label]], digits: Sequence[Label]) -> list[Hand]:
    said = kinds.create("class").say(vectors_of([picture for picture, _ in photographs]), weights)
    return [
        Hand(picture, label, digits[int(row.argmax())], float(row.max()))
        for (picture, label), row in zip(photographs, said, strict=True)
    ]


def _together(hands: Sequence[Hand], places: Sequence[int]) -> Any:
    from PIL import Image

    scene = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
    for hand, place in zip(hands, places, strict=True):
        scene.paste(hand.picture.resize((CELL, CELL)), (CELL * (place % 2), CELL * (place // 2)))
    return scene


def _spoil(picture: Any) -> Any:
    from PIL import Image, ImageFilter

    return picture.transpose(Image.Transpose.ROTATE_180).filter(ImageFilter.GaussianBlur(picture.width / 40))


def _opened(address: str) -> Any:
    from PIL import Image

    return Image.open(BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB")


@lru_cache(maxsize=1)
def _embedder() -> EfficientNetLite0:
    return EfficientNetLite0()


def _embedded(squares: Sequence[Any]) -> Floats:
    embedder = _embedder()
    parts = [embedder.embed_pictures(np.stack(squares[start : start + 4])) for start in range(0, len(squares), 4)]
    return np.concatenate(parts)
