"""How soon a queue brings up what another model has boxed wrongly: scenes of real photographs, and a real classifier.

A scene is a square with one to four of the demo's photographs of hands in its quarters. The other model is a logistic
regression on vectors of single hands: it boxes every hand with the digit that it takes it for and its probability, and
misses those of which it is less sure than `SEEN`. Errors are planted: in some scenes one hand is turned over and
blurred, and it errs there, with whatever score it has; all other hands are such that it boxes them rightly. The queue
knows the scenes' vectors, the boxes and their scores, and what was labelled so far.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np

from labelcue.data import load_hands
from labelcue.embedders.efficientnet_lite0 import EfficientNetLite0
from labelcue.engine import Cue
from labelcue.labels import kinds
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.predicted import numbers_of
from labelcue.types import Floats, Label

SIDE, CELL = 160, 80
"""Pixels of a scene, and of a hand in it."""
TAUGHT = 500
"""Photographs that the other model learned from; scenes are made of others."""
SEEN = 0.25
"""Probability below which it boxes nothing: detectors are usually run with such a threshold."""
PLANTED = 0.05
"""Share of the scenes with an error."""
STEP = 10
"""Labels between two rounds."""


@dataclass(frozen=True)
class Scene:
    """One image, what is in it, and what the other model says."""

    picture: Any
    truth: frozenset[Label]
    boxes: list[tuple[Label, float]]
    planted: bool
    """Whether a hand is missed or has a wrong name."""


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


def run(
    scenes: int = 600, repeats: int = 4, strategies: Sequence[str] = ("herding", "entropy", "random")
) -> dict[str, Any]:
    """`recall_<strategy>`: of the scenes with a planted error the share that is in the first 10 % of the queue, served
    in rounds of `STEP` labels; the mean over so many sets of scenes. `times_<strategy>`: as a multiple of the 10 % that
    a random order has in the mean. `least_<strategy>`: the smallest multiple of a set."""
    found: dict[str, list[float]] = {strategy: [] for strategy in strategies}
    for seed in range(repeats):
        made = _scenes(scenes, np.random.default_rng(seed))
        vectors = _vectors([scene.picture for scene in made])
        planted = {place for place, scene in enumerate(made) if scene.planted}
        for strategy in strategies:
            served = _served(made, vectors, strategy, seed, round(scenes / 10))
            found[strategy].append(len(planted & served) / max(1, len(planted)))
    figures: dict[str, Any] = {"scenes": scenes, "planted": sum(place < PLANTED * scenes for place in range(scenes))}
    for strategy, recall in found.items():
        figures[f"recall_{strategy}"] = round(float(np.mean(recall)), 3)
        figures[f"times_{strategy}"] = round(10 * float(np.mean(recall)), 2)
        figures[f"least_{strategy}"] = round(10 * min(recall), 2)
    return figures


def _served(scenes: Sequence[Scene], vectors: Floats, strategy: str, seed: int, places: int) -> set[int]:
    """The first places of the queue while annotators mark what is really there."""
    digits = sorted({label for scene in scenes for label in scene.truth})
    cue = Cue(vectors, strategy=strategy, surrogate="regions", classes=digits, seed=seed)
    cue.hear({place: _said(scene, digits) for place, scene in enumerate(scenes)})
    served: set[int] = set()
    while len(served) < places:
        head = [int(item) for item in cue.next(min(STEP, places - len(served)))]
        cue.label({item: scenes[item].truth for item in head})
        served.update(head)
    return served


def _said(scene: Scene, digits: Sequence[Label]) -> Floats:
    """As the learner reads it from a prediction of boxes."""
    labels = "".join(f'<Label value="{digit}"/>' for digit in digits)
    spec = parse_config(
        f'<View><Image name="i" value="$i"/><RectangleLabels name="c" toName="i">{labels}</RectangleLabels></View>'
    )
    regions = [{"from_name": "c", "score": score, "value": {"rectanglelabels": [name]}} for name, score in scene.boxes]
    said = numbers_of(spec, {"result": regions})
    return np.empty(0, dtype=np.float32) if said is None else said


def _scenes(count: int, rng: np.random.Generator) -> list[Scene]:
    photographs = [(_opened(one.text), one.label) for one in load_hands()]
    taught, others = photographs[:TAUGHT], photographs[TAUGHT:]
    digits = sorted({label for _, label in photographs})
    model = Cue(_vectors([picture for picture, _ in taught]), classes=digits)
    model.label({place: label for place, (_, label) in enumerate(taught)})
    weights = model.round(0)
    right = [hand for hand in _hands(weights, others, digits) if hand.right]
    spoilt = [(_spoil(picture), label) for picture, label in others]
    wrong = [hand for hand in _hands(weights, spoilt, digits) if not hand.right]
    made = [_scene(right, wrong if place < PLANTED * count else [], rng) for place in range(count)]
    return [made[place] for place in rng.permutation(count)]


def _scene(right: Sequence[Hand], wrong: Sequence[Hand], rng: np.random.Generator) -> Scene:
    hands = [right[place] for place in rng.choice(len(right), size=int(rng.integers(1, 5)), replace=False)]
    if wrong:
        hands[0] = wrong[int(rng.integers(len(wrong)))]
    boxes = [(hand.said, hand.score) for hand in hands if hand.score >= SEEN]
    return Scene(_together(hands, rng), frozenset(hand.label for hand in hands), boxes, bool(wrong))


def _hands(weights: Any, photographs: Sequence[tuple[Any, Label]], digits: Sequence[Label]) -> list[Hand]:
    said = kinds.create("class").say(_vectors([picture for picture, _ in photographs]), weights)
    return [
        Hand(picture, label, digits[int(row.argmax())], float(row.max()))
        for (picture, label), row in zip(photographs, said, strict=True)
    ]


def _together(hands: Sequence[Hand], rng: np.random.Generator) -> Any:
    from PIL import Image

    scene = Image.new("RGB", (SIDE, SIDE), (128, 128, 128))
    for hand, place in zip(hands, rng.permutation(4), strict=False):
        scene.paste(hand.picture.resize((CELL, CELL)), (CELL * int(place % 2), CELL * int(place // 2)))
    return scene


def _spoil(picture: Any) -> Any:
    from PIL import Image, ImageFilter

    return picture.transpose(Image.Transpose.ROTATE_180).filter(ImageFilter.GaussianBlur(picture.width / 40))


def _opened(address: str) -> Any:
    from PIL import Image

    return Image.open(BytesIO(base64.b64decode(address.partition(",")[2]))).convert("RGB")


def _vectors(pictures: Sequence[Any]) -> Floats:
    embedder = EfficientNetLite0()
    parts = []
    for start in range(0, len(pictures), 4):
        part = [np.asarray(one.resize((embedder.side, embedder.side))) for one in pictures[start : start + 4]]
        parts.append(embedder.embed_pictures(np.stack(part)))
    return np.concatenate(parts)
