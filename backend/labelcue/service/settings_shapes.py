"""The shapes of the answers about a queue's settings."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from labelcue.queueing.catalogue import Catalogue
from labelcue.queueing.comparing import Comparison
from labelcue.queueing.history import Version
from labelcue.queueing.settings import QueueSettings, in_words
from labelcue.service.shapes import Shape


class Difference(Shape):
    """One field that a version changed."""

    field: str
    was: Any
    now: Any


class SavedSettings(Shape):
    """One version of the settings."""

    version: int = Field(description="From 1; 0 is what stands before anybody saved settings.")
    settings: QueueSettings
    by: str = Field(description="Who saved it; empty for version 0.")
    at: float | None = Field(description="Unix seconds; null for version 0.")
    back_to: int | None = Field(description="The version that was gone back to.")
    changed: list[Difference] = Field(description="What differs from the version before.")
    words: str = Field(description="The same for people.")


class SettingsHistory(Shape):
    """The settings that stand, and how they came about."""

    current: SavedSettings
    history: list[SavedSettings] = Field(description="Every version, the newest first.")


class Audits(Shape):
    """Tasks that chance chose to measure the model; it does not learn from them."""

    share: float = Field(description="Share of the places that are drawn.")
    labelled: int = Field(description="Labelled, and held out of training.")
    waiting: int = Field(description="In the queue, or at an annotator.")


class Retired(Shape):
    """The model learns from these audits from the next round on."""

    retired: int


class Compared(Shape):
    """What two settings would do; nothing was saved."""

    comparison: int = Field(description="The number under which the answer can be fetched for an hour.")
    answer: Comparison | None = Field(description="null: the learner has not answered yet.")


class Choices(Catalogue):
    """What can be chosen; the operator's defaults come first."""


def saved_of(version: Version) -> SavedSettings:
    """A version as the API tells it."""
    return SavedSettings(
        version=version.number,
        settings=version.settings,
        by=version.by,
        at=version.at or None,
        back_to=version.back_to,
        changed=[Difference(field=one.field, was=one.was, now=one.now) for one in version.changed],
        words=in_words(list(version.changed)) if version.number else "",
    )
