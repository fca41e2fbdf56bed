"""The text of a task in which annotators mark spans: how it is read, and where Label Studio's editor counts it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from labelcue.embedders.page_text import page_of
from labelcue.embedders.text import text_of
from labelcue.embedders.words import NAME, Words
from labelcue.errors import TaskUnreadable
from labelcue.labels import SPANS
from labelcue.types import Ints, Json, TaskSpec


class Marked(NamedTuple):
    """A text to read."""

    text: str
    places: Ints | None = None
    """(len(text),) where the editor counts each character; None: where it stands."""

    def counted(self, words: Words) -> Words:
        """The words of this text, with offsets as the editor counts."""
        if self.places is None or not len(words.offsets):
            return words
        first, last = self.places[words.offsets[:, 0]], self.places[words.offsets[:, 1] - 1]
        return Words(words.states, np.column_stack([first, last + 1]).astype(np.int32))


def marked(data: Mapping[str, Json], spec: TaskSpec) -> Marked:
    """The text that a task shows. Raises TaskUnreadable."""
    text = text_of(data, spec.field)
    if spec.object != "HyperText":
        return Marked(text)
    page = page_of(text, inline=spec.inline)
    if not page.text.strip():
        raise TaskUnreadable(f"The field {spec.field!r} is empty but for markup.", "There is nothing to mark.")
    return Marked(*page)


def reader_of(spec: TaskSpec | None) -> str:
    """Under which name the words of such tasks are kept: others are read anew."""
    if spec is None or spec.kind != SPANS or spec.object != "HyperText":
        return NAME
    return f"{NAME} of {'inline' if spec.inline else 'framed'} pages"
