"""The one place where tests wait: for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


PATIENCE_S = 120.0
"""A machine of two cores that does five things at once is slow, not broken; who waits in vain waits once."""


def until(condition: Callable[[], T], timeout: float = PATIENCE_S, what: str = "", every: float = 0.01) -> T:
    """The first true value of `condition`, asked `every` so many seconds; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain{f' for {what}' if what else ''}; last: {value!r}")
        time.sleep(every)
