"""How a task's data value becomes text: the one place that decides it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape

from labelcue.errors import TaskUnreadable
from labelcue.types import Json

DIGEST_BYTES = 16
_OPENING = re.compile(r"<(?P<slash>/?)(?P<name>[a-zA-Z][\w:-]*|!--|[!?])")
_TAG_PART = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')|>""")
"""A quoted value, which may hold a `>`, or the tag's end."""
_UNSEEN = frozenset({"script", "style", "template", "title"})
INLINE = frozenset(["a", "abbr", "b", "em", "font", "i", "mark", "s", "small", "span", "strong", "sub", "sup", "u"])
"""Tags that do not part words: <b>L</b>abel is one, <td>a</td><td>b</td> are two."""


def text_of(data: Mapping[str, Json], field: str, *, html: bool = False) -> str:
    """The text of a task: strings, and numbers as they are written; `html`: without its tags.

    Lone surrogates, which JSON can carry and no tokenizer takes, become U+FFFD. Raises TaskUnreadable with the reason.
    """
    if field not in data:
        there = ", ".join(repr(str(name)) for name in list(data)[:20]) or "none at all"
        raise TaskUnreadable(f"The task has no field {field!r}.", f"It has {there}.")
    value = data[field]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise TaskUnreadable(
            f"The field {field!r} holds a {type(value).__name__} where text is expected.",
            "Import it as one string.",
        )
    text = strip_tags(value) if value and html else value or ""
    if not text.strip():
        raise TaskUnreadable(f"The field {field!r} is empty.", "There is nothing to learn from; give it a text.")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def readable_texts(tasks: Iterable[Mapping[str, Json]], field: str, *, html: bool = False) -> Iterator[str]:
    """The texts of those tasks that can be read, for a fit."""
    for data in tasks:
        try:
            yield text_of(data, field, html=html)
        except TaskUnreadable:
            continue  # Embedding it names the reason; a fit only needs enough of the others.


def digest_of(content: str | bytes) -> bytes:
    """The first 16 bytes of the SHA-256 of what a vector is made from."""
    raw = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(raw).digest()[:DIGEST_BYTES]


def strip_tags(markup: str) -> str:
    """What a reader of HTML sees: no tags, comments, scripts or styles; entities resolved; single spaces.

    Takes time in proportion to the length, whatever is in it; `html.parser` of older Pythons takes minutes for an
    adversarial 200 KB.
    """
    return " ".join(unescape("".join(_visible(markup))).split())


def _visible(markup: str) -> Iterator[str]:
    """The pieces between tags. As in a browser, whatever is opened and never closed takes the rest with it."""
    at = 0
    while (tag := _OPENING.search(markup, at)) is not None:
        yield markup[at : tag.start()]
        at = _after(markup, tag)
        name = tag["name"].lower()
        if name not in INLINE:
            yield " "
    yield markup[at:]


def _after(markup: str, tag: re.Match[str]) -> int:
    """Where the tag or comment ends, with what it hides; the end of the markup where it does not."""
    if tag["name"] == "!--":
        return _past("-->", markup, tag.end())
    at = tag.end()
    while (part := _TAG_PART.search(markup, at)) is not None and part[0] != ">":
        at = part.end()
    if part is None:
        return len(markup)
    if tag["slash"] or tag["name"].lower() not in _UNSEEN:
        return part.end()
    closing = re.compile(rf"</{tag['name']}\b", re.IGNORECASE).search(markup, part.end())
    return _past(">", markup, closing.end()) if closing else len(markup)


def _past(what: str, markup: str, start: int) -> int:
    place = markup.find(what, start)
    return len(markup) if place < 0 else place + len(what)
