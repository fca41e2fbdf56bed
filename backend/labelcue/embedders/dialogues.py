"""Dialogues → text, as annotators read them: a line a turn, its author first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labelcue.errors import TaskUnreadable
from labelcue.types import Json, TaskSpec, Turns


def told(data: Mapping[str, Json], spec: TaskSpec) -> Mapping[str, Json]:
    """The data with a text in place of each dialogue that the label config shows.

    Raises TaskUnreadable for what Label Studio's editor would not show either: no list, or a turn without a text.
    """
    texts = {turns.field: _text(data[turns.field], turns) for turns in spec.turns if turns.field in data}
    return {**data, **texts} if texts else data


def _text(dialogue: Json, turns: Turns) -> str:
    if not isinstance(dialogue, list) or not all(isinstance(turn, Mapping) for turn in dialogue):
        raise TaskUnreadable(
            f"The field {turns.field!r} is no list of turns.",
            f"Import it as a list of objects with {turns.author!r} and {turns.text!r}.",
        )
    said = [turn.get(turns.text) for turn in dialogue]
    if not all(isinstance(words, str) for words in said):
        raise TaskUnreadable(
            f"A turn of the field {turns.field!r} has no text {turns.text!r}.",
            "Mend the task, or name the right key as textKey of the Paragraphs.",
        )
    if not any(words.strip() for words in said):
        return ""
    return "\n".join(_lines([turn.get(turns.author) for turn in dialogue], said))


def _lines(authors: Sequence[Json], said: Sequence[str]) -> list[str]:
    named = [isinstance(author, str) and bool(author.strip()) for author in authors]
    return [f"{author}: {words}" if has else words for author, words, has in zip(authors, said, named, strict=True)]
