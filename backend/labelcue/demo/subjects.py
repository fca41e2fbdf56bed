"""What the demo can be about: mails, or photographs of hands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

from labelcue.data import Example, load_hands, load_mails


@dataclass(frozen=True, slots=True)
class Subject:
    """What is labelled, and the words for it."""

    title: str
    """Of the project in Label Studio."""
    noun: str
    """For several of the items."""
    keys: str
    """What annotators press, in a sentence."""
    config: str
    """The label config's file beside this one."""
    field: str
    """The field of a task that holds the item."""
    load: Callable[[], list[Example]]
    """Every item, in a fixed mixed order."""

    def label_config(self) -> str:
        """The label config's XML."""
        return (files("labelcue.demo") / self.config).read_text(encoding="utf-8")


MAILS = Subject(
    title="LabelCue demo: is this mail wanted?",
    noun="mails",
    keys="keys 1 and 2 choose",
    config="label_config.xml",
    field="text",
    load=load_mails,
)
HANDS = Subject(
    title="LabelCue demo: which digit does this hand show?",
    noun="photographs",
    keys="keys 0 to 9 choose",
    config="hands_config.xml",
    field="image",
    load=load_hands,
)


def subject_of(images: bool) -> Subject:
    """Photographs, or else mails."""
    return HANDS if images else MAILS
