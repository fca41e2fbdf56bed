"""How soon a queue brings up what another model has boxed wrongly, with the class of boxes learned from crops or not.

The queue knows the vectors of the scenes (`scenes.py`), the other model's boxes and scores, and what was labelled so
far; with crops also what a classifier says of each box that learns from the boxes that were labelled so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labelcue.bench.scenes import PLANTED, Scene, crops_of, make_scenes, vectors_of
from labelcue.cropping.classifier import BoxModel, known, learn
from labelcue.cropping.cropper import GROWTH
from labelcue.engine import Cue
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.predicted import numbers_of, regions_of
from labelcue.types import Floats, Json, Label, TaskSpec

STEP = 10
"""Labels between two rounds."""
SHARE = 0.1
"""Of the queue that is served."""


def run(
    scenes: int = 600, repeats: int = 4, strategies: Sequence[str] = ("herding", "entropy", "random"), first: int = 0
) -> dict[str, Any]:
    """`recall_<order>`: of the scenes with a planted error the share that is in the first 10 % of the queue, served
    in rounds of `STEP` labels; the mean over so many sets of scenes. `times_<order>`: as a multiple of the 10 % that
    a random order has in the mean. `least_<order>`: the smallest multiple of a set. An order is a strategy, and one
    with `_crops` where it also goes by crops. `relabelled`: boxes whose label crops overrule in the end, in `herding`'s
    last round; `relabelled_right`, `relabelled_wrong`: of how many the new label is right, and the old one was."""
    found: dict[str, list[float]] = {}
    counts = np.zeros(3, dtype=int)
    for seed in range(first, first + repeats):
        made = make_scenes(scenes, np.random.default_rng(seed))
        vectors = vectors_of([scene.picture for scene in made])
        crops = [crops_of(scene) for scene in made]
        planted = {place for place, scene in enumerate(made) if scene.planted}
        for strategy in strategies:
            for order, seen in ((strategy, None), (f"{strategy}_crops", crops)):
                queue = _Queue(made, vectors, strategy, seed, seen)
                served = queue.serve(round(scenes * SHARE))
                found.setdefault(order, []).append(len(planted & served) / max(1, len(planted)))
                if order == "herding_crops":
                    counts += queue.relabelled()
    figures: dict[str, Any] = {"scenes": scenes, "planted": sum(place < PLANTED * scenes for place in range(scenes))}
    for order, recall in found.items():
        figures[f"recall_{order}"] = round(float(np.mean(recall)), 3)
        figures[f"times_{order}"] = round(float(np.mean(recall)) / SHARE, 2)
        figures[f"least_{order}"] = round(min(recall) / SHARE, 2)
    names = ("relabelled", "relabelled_right", "relabelled_wrong")
    return figures | dict(zip(names, counts.tolist(), strict=True))


@dataclass
class _Queue:
    """One queue, and annotators who mark what is really there."""

    scenes: Sequence[Scene]
    vectors: Floats
    strategy: str
    seed: int
    crops: Sequence[Floats] | None
    served: set[int] = field(default_factory=set)
    model: BoxModel | None = None
    learned: int = 0

    def __post_init__(self) -> None:
        self.digits = sorted({label for scene in self.scenes for label in scene.truth})
        self.spec = _spec(self.digits)

    def serve(self, places: int) -> set[int]:
        """The first places."""
        cue = Cue(self.vectors, strategy=self.strategy, surrogate="regions", classes=self.digits, seed=self.seed)
        cue.hear(self._said())
        while len(self.served) < places:
            head = [int(item) for item in cue.next(min(STEP, places - len(self.served)))]
            cue.label({item: self.scenes[item].truth for item in head})
            self.served.update(head)
            if self.crops is not None and self._learn(self.crops):
                cue.hear(self._said())
        return self.served

    def relabelled(self) -> Sequence[int]:
        """Boxes whose label crops overrule where nobody has labelled; how many new labels are right, and old ones."""
        counts = [0, 0, 0]
        for place, scene in enumerate(self.scenes):
            boxed = [hand for hand in scene.hands if hand.boxed]
            shown = [] if place in self.served else regions_of(self.spec, self._body(place))
            for hand, region in zip(boxed, shown, strict=False):
                label = region["value"]["rectanglelabels"][0]
                other = label != hand.said
                counts[0] += other
                counts[1] += other and label == hand.label
                counts[2] += other and hand.said == hand.label
        return counts

    def _learn(self, crops: Sequence[Floats]) -> bool:
        """Whether there was much more to learn from."""
        rows = [(vector, hand.label) for one in self.served for vector, hand in self._hands(one, crops)]
        if len(rows) < self.learned * GROWTH:
            return False
        labels = [label for _, label in rows]
        classes = known(labels, self.digits)
        if classes:
            rng = np.random.default_rng(len(rows))
            self.model = learn(np.stack([vector for vector, _ in rows]), labels, classes, self.model, rng)
            self.learned = len(rows)
        return bool(classes)

    def _hands(self, place: int, crops: Sequence[Floats]) -> Sequence[tuple[Floats, Any]]:
        return list(zip(crops[place], self.scenes[place].hands, strict=True))

    def _said(self) -> dict[int | str, Any]:
        """As the learner reads it from predictions of boxes, of all that nobody has labelled."""
        said = {place: numbers_of(self.spec, self._body(place)) for place in range(len(self.scenes))}
        return {place: one for place, one in said.items() if one is not None and place not in self.served}

    def _body(self, place: int) -> dict[str, Json]:
        boxed = [(row, hand) for row, hand in enumerate(self.scenes[place].hands) if hand.boxed]
        regions = [
            {"from_name": "c", "score": hand.score, "value": {"rectanglelabels": [hand.said]}} for _, hand in boxed
        ]
        if self.model is None or self.crops is None:
            return {"result": regions}
        verdicts = self.model.judge(self.crops[place][[row for row, _ in boxed]], [hand.said for _, hand in boxed])
        return {"result": regions, "crops": [None if one is None else list(one) for one in verdicts]}


def _spec(digits: Sequence[Label]) -> TaskSpec:
    labels = "".join(f'<Label value="{digit}"/>' for digit in digits)
    return parse_config(
        f'<View><Image name="i" value="$i"/><RectangleLabels name="c" toName="i">{labels}</RectangleLabels></View>'
    )
