"""Foreign values made safe: JSON that may be huge, deep or odd, ids, and times. Pure."""

from __future__ import annotations

import hashlib
import json
import math
import re
from datetime import datetime, timedelta
from typing import Annotated, NoReturn

from pydantic import Field

from labelcue.errors import BadRequest
from labelcue.types import Json

DEEPEST = 64
"""Levels of lists and objects that are copied; real tasks and annotations have fewer than ten."""

ID_LIMIT = 2**63
"""Ids are smaller: databases and NumPy hold them in 64 bits."""

Id = Annotated[int, Field(strict=True, gt=0, lt=ID_LIMIT)]
"""An id of Label Studio: an integer that fits a database, neither text nor bool nor float."""

_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s?(?:[Zz]|([+-])(\d\d):?(\d\d)?)?", re.ASCII
)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(raw: bytes) -> Json:
    """The value that `raw` spells; raises BadRequest for all that is not JSON, or is nested without end."""
    try:
        return json.loads(raw, parse_constant=_no_constant)
    except RecursionError as error:
        raise BadRequest("The body is nested too deeply.", f"Send at most {DEEPEST} levels.") from error
    except ValueError as error:
        raise BadRequest(f"The body is not JSON: {error}.", "Send JSON as Label Studio does.") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def timestamp(text: str) -> str:
    """The same moment as `2026-11-21T01:43:20.030500Z`: UTC with microseconds, so that text order is time order.

    Takes ISO 8601 with or without fraction and offset (none means UTC); raises BadRequest.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise BadRequest("A time is not ISO 8601.", "Send times as 2026-11-21T01:43:20.030500Z.")
    date, clock, fraction, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}.{(fraction or '')[:6]:0<6}")
        offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        moment = moment + offset if sign == "-" else moment - offset
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"A time does not exist: {error}.", "Send times as 2026-11-21T01:43:20.030500Z.") from error
    return moment.isoformat(timespec="microseconds") + "Z"


def digest(value: Json) -> str:
    """The first 16 hex digits of the SHA-256 of `value` as canonical JSON (sorted keys, ASCII, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


class Trimmer:
    """Copies JSON within a budget of about `budget` characters, strings within `longest`; `cut` says if any was lost.

    The copy has what every store takes: no lone surrogate (they become U+FFFD), no infinity (null), keys in sorted
    order, so that the same object gives the same copy however its sender ordered it.
    """

    def __init__(self, budget: int, longest: int) -> None:
        self.left = budget
        self.longest = longest
        self.cut = False

    def copy(self, value: Json, depth: int = 0) -> Json:
        """The copy; raises BadRequest below DEEPEST levels."""
        if depth > DEEPEST:
            raise BadRequest(f"It is nested deeper than {DEEPEST} levels.", "Send flatter data.")
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list):
            return self._list(value, depth)
        self.left -= value.bit_length() // 3 + 2 if isinstance(value, int) else 8
        if isinstance(value, float) and not math.isfinite(value):
            self.cut = True
            return None
        return value

    def _text(self, text: str) -> str:
        kept = text[: max(0, min(self.longest, self.left))]
        self.cut |= len(kept) < len(text)
        self.left -= len(kept) + 2
        return whole_text(kept)

    def _object(self, value: dict[str, Json], depth: int) -> dict[str, Json]:
        copied: dict[str, Json] = {}
        self.left -= 2
        for key in sorted(value):
            if self._spent():
                break
            self.left -= len(key) + 2
            if len(key) > self.longest:
                self.cut = True  # Not shortened: two keys might become one.
                continue
            copied[whole_text(key)] = self.copy(value[key], depth + 1)
        return copied

    def _list(self, value: list[Json], depth: int) -> list[Json]:
        copied: list[Json] = []
        self.left -= 2
        for item in value:
            if self._spent():
                break
            copied.append(self.copy(item, depth + 1))
        return copied

    def _spent(self) -> bool:
        self.cut |= self.left <= 0
        return self.left <= 0


def whole_text(text: str) -> str:
    """`text` with U+FFFD for each lone surrogate, which no file and no database takes."""
    return text if text.isascii() else _LONE_SURROGATE.sub("\ufffd", text)
