"""Numbers, times and shares as people read them. Pure, but for the one that makes a `<time>`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any

from markupsafe import Markup

NOTHING = "\N{EN DASH}"
_STEPS = ((60.0, "second"), (60.0, "minute"), (24.0, "hour"), (7.0, "day"), (52.0, "week"))


def count(value: float | None) -> str:
    """`12,345`."""
    return NOTHING if value is None else f"{value:,.0f}"


def share(value: float | None, digits: int = 1) -> str:
    """A share of 1 in percent: `83.5 %`; what is next to nothing, or to all, is not said to be so."""
    if value is None or not math.isfinite(value):
        return NOTHING
    least = 0.01 / 10**digits
    if 0 < value < least / 2:
        return f"below {100 * least:g}\N{NARROW NO-BREAK SPACE}%"
    if 1 - least / 2 < value < 1:
        return f"over {100 * (1 - least):g}\N{NARROW NO-BREAK SPACE}%"
    return f"{100 * value:.{digits}f}\N{NARROW NO-BREAK SPACE}%"


def points(value: float | None) -> str:
    """A difference of shares in points: `2.1`."""
    return NOTHING if value is None or not math.isfinite(value) else f"{100 * value:.1f}"


def interval(estimate: Mapping[str, Any] | None, say: Callable[[float | None], str]) -> str:
    """`83.5 % (79.1 % to 87.0 %)`; a bound that nobody can give is said so."""
    if estimate is None:
        return NOTHING
    low, high = (estimate.get(name) for name in ("low", "high"))
    if high is None or not math.isfinite(high):
        return f"{say(estimate.get('value'))} (at least {say(low)})"
    return f"{say(estimate.get('value'))} ({say(low)} to {say(high)})"


def decimal(value: float | None, digits: int = 2) -> str:
    """`0.31`."""
    return NOTHING if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def money(value: float | None, currency: str = "") -> str:
    """`1,240 EUR`; cents only where they count."""
    if value is None or not math.isfinite(value):
        return NOTHING
    amount = f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{amount}\N{NO-BREAK SPACE}{currency}" if currency else amount


def span(seconds: float | None) -> str:
    """The one unit that says most: `3 minutes`; below a second in milliseconds."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if 0 < seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    value, unit = max(0.0, seconds), "year"
    for size, name in _STEPS:
        if value < size:
            unit = name
            break
        value /= size
    whole = int(value)
    return f"{whole:,} {unit}{'' if whole == 1 else 's'}"


def plural(value: float, one: str, many: str = "") -> str:
    """`1 label`, `2 labels`."""
    return f"{value:,.0f} {one if value == 1 else many or one + 's'}"


def moment(at: float | None) -> str:
    """`21 Nov 2026, 10:05 UTC`."""
    if not at:
        return NOTHING
    when = datetime.fromtimestamp(at, timezone.utc)
    return f"{when.day} {when:%b %Y, %H:%M} UTC"


def ago(at: float | None, now: float) -> Markup:
    """`3 minutes ago`, with the moment itself behind it."""
    if not at:
        return Markup("never")
    iso = datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="seconds")
    said = "just now" if now - at < 1 else f"{span(now - at)} ago"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(iso, moment(at), said)


def excerpt(text: str, longest: int = 240) -> str:
    """The beginning, in one line, cut between words."""
    line = " ".join(text[: 8 * longest].split())
    if len(line) <= longest:
        return line
    return f"{line[:longest].rsplit(' ', 1)[0]} …"
