"""Choices: one class, or a set of classes where it is multiple."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

from labelcue.errors import TaskUnreadable, UnsupportedConfig
from labelcue.labels import CLASS, SET
from labelcue.labelstudio.controls import Control, controls
from labelcue.labelstudio.drawing import drawn
from labelcue.labelstudio.markup import Objects, on
from labelcue.types import Answer, Json, Label, TaskSpec

SINGLE = ("", "single", "single-radio")


@controls.register("Choices")
class Choices(Control):
    """A flat list of choices for the whole task."""

    def kind(self, element: Element, objects: Objects) -> str:
        """By the attribute `choice`."""
        return CLASS if element.get("choice", "") in SINGLE else SET

    def classes(self, element: Element) -> tuple[Label, ...]:
        """What Label Studio stores: the alias where there is one, else the value."""
        answers = (choice.get("alias") or choice.get("value") or "" for choice in element.iter("Choice"))
        return tuple(dict.fromkeys(answers))

    def refused(self, element: Element) -> str:
        """Hierarchies, choices of each task, and choices for parts of it."""
        choice = element.get("choice", "")
        choices = list(element.iter("Choice"))
        classes = self.classes(element)
        checks = (
            (choice not in (*SINGLE, "multiple"), f"choice={choice[:60]!r} is unknown"),
            (element.get("value") or element.get("apiUrl"), "its choices come from each task (dynamic choices)"),
            (on(element, "perRegion"), "perRegion choices are not learned, only one answer for the whole task"),
            (on(element, "perItem"), "perItem choices are not learned, only one answer for the whole task"),
            (
                any(_nested(one) for one in choices),
                "nested Choice tags (a hierarchy) are not learned, only a flat list",
            ),
            ("" in classes, "a Choice has neither value nor alias"),
            (len(classes) < 2, f"it has {len(classes)} different choices, and learning needs two"),
        )
        return next((why for wrong, why in checks if wrong), "")

    def read(self, spec: TaskSpec, regions: Sequence[Mapping[str, Json]]) -> Answer | None:
        """A class; or a set, the empty one where a multiple Choices was left empty.

        Raises TaskUnreadable for a label that the config does not have and for two labels where it takes one.
        """
        chosen = list(dict.fromkeys(choice for region in regions for choice in _choices(spec, region)))
        if not chosen:
            return frozenset() if spec.kind == SET else None
        if spec.kind == CLASS and len(chosen) > 1:
            shown = ", ".join(repr(label[:60]) for label in chosen[:5])
            raise TaskUnreadable(
                f"{spec.from_name!r} has several labels: {shown}.", "It takes one; mend the annotation."
            )
        unknown = [label for label in chosen if label not in spec.classes]
        if unknown:
            known = ", ".join(repr(label[:60]) for label in spec.classes[:20])
            raise TaskUnreadable(
                f"{spec.from_name!r} has the unknown label {unknown[0][:60]!r}.",
                f"The label config knows: {known}{', ...' if len(spec.classes) > 20 else ''}.",
            )
        return frozenset(chosen) if spec.kind == SET else chosen[0]

    def made(self, spec: TaskSpec, answer: Answer) -> list[Mapping[str, Json]]:
        """One region, its choices in the config's order; none where no label is predicted."""
        labels = answer if isinstance(answer, frozenset) else frozenset((str(answer),))
        gone = sorted(labels.difference(spec.classes))
        if gone:
            raise UnsupportedConfig(f"the label config has no {gone[0][:60]!r} any more")
        value = tuple(name for name in spec.classes if name in labels)
        if not value:
            return []
        return [{**drawn(spec.xml, spec.from_name, value), "value": {"choices": list(value)}}]


def _choices(spec: TaskSpec, region: Mapping[str, Json]) -> list[Label]:
    value = region.get("value")
    choices = value.get("choices") if isinstance(value, Mapping) else None
    if not isinstance(choices, list) or not all(isinstance(choice, str) for choice in choices):
        raise TaskUnreadable(
            f"A region of {spec.from_name!r} has no list of choices.",
            "It was made under another label config; mend the annotation.",
        )
    return choices


def _nested(choice: Element) -> bool:
    return any(inner is not choice for inner in choice.iter("Choice"))
