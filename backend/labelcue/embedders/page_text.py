"""Markup → what its page shows, and each character's place as Label Studio's editor counts it.

The editor lets sanitize-html clean the markup and a browser make a page of it, in a frame of its own unless the tag is
`inline`. It counts the characters of the page's text nodes in their order, those between tags and those of a <style> in
the body too, and one for each <br> (`globalOffsets` of its regions). Markup of which a browser's mending would decide
that is refused: an unknown place is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

import numpy as np

from labelcue.embedders.text import INLINE
from labelcue.errors import TaskUnreadable
from labelcue.types import Ints

SPACE = " \t\n\f\r"
"""What a browser drops before a page's body begins."""
HEAD = frozenset({"html", "head", "meta", "link", "base", "style", "title", "script"})
"""Tags that begin no body."""
TABLE = frozenset({"table", "thead", "tbody", "tfoot", "tr", "colgroup", "col"})
"""Tags of which nothing but cells may hold text; a browser would put it before the table."""
CELLS = frozenset({"td", "th", "caption"})
RAW = frozenset({"script", "style", "title"})
"""Tags within which nothing is a tag."""
REFUSED = frozenset(
    ("iframe", "textarea", "option", "optgroup", "select", "noscript", "template", "plaintext", "xmp", "noembed")
) | frozenset(("noframes", "svg", "math", "frameset", "frame", "listing", "object"))
"""Tags whose text is dropped, moved or read otherwise, by the cleaning or by browsers."""
_OPENING = re.compile(r"<(?:(?P<slash>/?)(?P<name>[a-zA-Z][^\s/><]*)|!--|[!?/])")
_PART = re.compile(r"""=\s*(?:"[^"]*"|'[^']*'|["'])|[<>]""")
"""Of a tag: a quoted value, which may hold a `>`, a quote that never ends, the tag's end, or what begins another."""
_NUMBER = re.compile(r"&#(?:[xX][0-9a-fA-F]+|[0-9]+);?")


class Page(NamedTuple):
    """What is read of a page."""

    text: str
    """The characters that annotators see, with a space wherever tags part words."""
    places: Ints
    """(len(text),) int64: each character's place in the editor's count; of those spaces the place of what follows."""


class Piece(NamedTuple):
    """A tag with what it hides, or text where `name` is empty."""

    name: str
    closes: bool
    text: str
    """Between tags, or within a tag of `RAW`."""


def page_of(markup: str, *, inline: bool = False) -> Page:
    """The page of this markup. `inline`: without a frame of its own. Raises TaskUnreadable."""
    made = _Page(inline)
    for piece in _pieces(markup):
        made.take(piece)
    return Page("".join(made.text), np.array(made.places, dtype=np.int64))


class _Page:
    """What a page shows so far."""

    def __init__(self, inline: bool) -> None:
        self.text: list[str] = []
        self.places: list[int] = []
        self._at = 0
        self._inline, self._body = inline, inline
        self._between: list[bool] = []
        """Of each open table, the innermost last, whether no cell is open."""
        self._preformatted = False
        """Whether a <pre> has just begun, of which browsers drop a first line end."""

    def take(self, piece: Piece) -> None:
        """Add a tag or a text."""
        if not piece.name:
            self._words(piece.text)
            return
        self._preformatted = False
        if piece.name in REFUSED:
            raise _unclear(f"a <{piece.name}>")
        if piece.closes and not self._body and piece.name in ("body", "html", "p", "br"):
            raise _unclear(f"a </{piece.name}> before the body")
        if piece.name not in HEAD:
            self._body |= not piece.closes
            self._tag(piece)
        elif piece.name == "title" and self._body:
            raise _unclear("a <title> in the body")
        elif piece.name == "style" and self._body:
            self._at += len(_lines(piece.text))
        if piece.name not in INLINE:
            self._gap()

    def _words(self, text: str) -> None:
        text = _lines(_resolved(text))
        if not self._body:
            text = text.lstrip(SPACE)
        if self._preformatted:
            text = text.removeprefix("\n")
        if not text:
            return
        self._body, self._preformatted = True, False
        if self._between and self._between[-1] and text.strip(SPACE):
            raise _unclear("text in a table, outside its cells")
        self.text.append(text)
        self.places += range(self._at, self._at + len(text))
        self._at += len(text)

    def _tag(self, piece: Piece) -> None:
        if piece.name == "body":
            return
        if self._between and self._between[-1] and piece.name not in TABLE | CELLS:
            raise _unclear(f"a <{piece.name}> in a table, outside its cells")
        if piece.name == "br":
            self.text.append("\n")
            self.places.append(self._at)
            self._at += 1
        elif piece.name == "table" and piece.closes:
            self._between[-1:] = []
        elif piece.name == "table":
            self._between.append(True)
        elif piece.name in TABLE | CELLS and self._between:
            self._between[-1] = piece.closes or piece.name in TABLE
        self._preformatted = piece.name == "pre" and not piece.closes

    def _gap(self) -> None:
        self.text.append(" ")
        self.places.append(self._at)


def _pieces(markup: str) -> Iterator[Piece]:
    """Tags and texts in their order; comments and the document type are nothing."""
    if "\0" in markup:
        raise _unclear("a NUL")
    at = 0
    while (opening := _OPENING.search(markup, at)) is not None:
        if opening.start() > at:
            yield Piece("", False, markup[at : opening.start()])
        name = (opening["name"] or "").lower()
        at = _end(markup, opening)
        closes, hidden = bool(opening["slash"]), ""
        if name in RAW and not closes:
            closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(markup, at)
            if closing is None:
                raise _unclear(f"a <{name}> without an end")
            hidden, at = markup[at : closing.start()], closing.end()
        if name:
            yield Piece(name, closes, hidden)
    if at < len(markup):
        yield Piece("", False, markup[at:])


def _end(markup: str, opening: re.Match[str]) -> int:
    """Where a tag, a comment or the document type ends."""
    if opening[0] == "<!--":
        end = markup.find("-->", opening.end())
        inside = markup[opening.end() : end]
        if end < 0 or "--!" in inside or inside.startswith((">", "->")):
            raise _unclear("a comment that does not end as it should")
        return end + 3
    if not opening["name"] and markup[opening.start() : opening.start() + 9].lower() != "<!doctype":
        raise _unclear(f"{markup[opening.start() : opening.start() + 12]!r}")
    at = opening.end()
    while (part := _PART.search(markup, at)) is not None and part[0] != ">":
        if part[0] == "<" or len(part[0].lstrip("= \t\n\r\f")) < 2:
            raise _unclear("a tag that does not end as it should")
        at = part.end()
    if part is None:
        raise _unclear("a tag without an end")
    return part.end()


def _resolved(text: str) -> str:
    if any(not unescape(number) for number in _NUMBER.findall(text)):
        raise _unclear("a reference to no character")
    return unescape(text)


def _lines(text: str) -> str:
    """With one sign for each line end, as browsers read them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _unclear(what: str) -> TaskUnreadable:
    return TaskUnreadable(
        f"Where its words stand cannot be told: the markup has {what}.",
        "Mend the markup, or import its text and show it as Text.",
    )
