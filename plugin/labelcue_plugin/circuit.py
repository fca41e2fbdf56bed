"""A circuit breaker: after a failure nobody waits for LabelCue, until one caller finds it well again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FIRST_S = 1.0
LONGEST_S = 5.0
"""LabelCue is used again at most this long, and one request, after it is back."""


class Circuit:
    """Closed while LabelCue answers; open after a failure, longer with each one in a row. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0
        self._trying = False

    @property
    def is_closed(self) -> bool:
        """Whether the last answer was a good one."""
        return self._failures == 0

    def enter(self) -> bool:
        """Whether to ask LabelCue now. Where it is True, `succeeded` or `failed` must follow."""
        with self._lock:
            if self._failures == 0:
                return True
            if self._trying or self._clock() < self._until:
                return False
            self._trying = True
            return True

    def succeeded(self) -> None:
        """Close it."""
        with self._lock:
            self._failures, self._trying = 0, False

    def failed(self) -> None:
        """Open it. Of several that fail at once only the first counts."""
        with self._lock:
            if self._failures and not self._trying:
                return
            self._failures += 1
            self._trying = False
            self._until = self._clock() + min(LONGEST_S, FIRST_S * 2.0 ** (self._failures - 1))
