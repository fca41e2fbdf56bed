"""How the loops that talk to Label Studio wait: longer after each failure, never without end, never all at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event as Signal

import numpy as np

from labelcue.errors import LabelCueError, LabelStudioDown, ProjectGone

FIRST = 1.0
"""Seconds after the first failure, doubled by each further one."""
LONGEST = 60.0
LONGEST_ASKED = 600.0
"""Label Studio may ask for a longer wait than LONGEST, by Retry-After, up to this."""
_SLICE = 0.5


class Backoff:
    """Seconds to wait after failures in a row, with up to a quarter of jitter from `rng`."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self.failures = 0

    def failed(self, error: LabelCueError) -> float:
        """How long to wait now; at least as long as Label Studio asked."""
        bare = min(LONGEST, FIRST * 2.0 ** min(self.failures, 30))
        self.failures += 1
        asked = (error.retry_after or 0.0) if isinstance(error, LabelStudioDown) else 0.0
        return max(bare * float(self._rng.uniform(0.75, 1.0)), min(asked, LONGEST_ASKED))

    def worked(self) -> None:
        """Start from the first wait again."""
        self.failures = 0


def repeat(
    turn: Callable[[], float | None],
    stop: Signal,
    backoff: Backoff,
    failed: Callable[[LabelCueError, float], None],
    wake: Signal | None = None,
) -> None:
    """Call `turn` until `stop`, until it returns None, or until the project is gone.

    It returns the seconds until the next one, which `wake` cuts short. After an error `failed` is told it and the
    seconds that nothing is tried for, which `wake` does not cut short.
    """
    while not stop.is_set():
        try:
            pause = turn()
        except ProjectGone:
            return
        except LabelCueError as error:
            seconds = backoff.failed(error)
            failed(error, seconds)
            wait_for(seconds, stop)
            continue
        except RuntimeError:
            if stop.is_set():  # the client was closed under a request that took too long
                return
            raise
        backoff.worked()
        if pause is None:
            return
        wait_for(pause, stop, wake)


def wait_for(seconds: float, stop: Signal, wake: Signal | None = None) -> None:
    """Return after `seconds`, or as soon as `wake` is set (it is cleared then), or within half a second of `stop`."""
    end = time.monotonic() + seconds
    while not stop.is_set() and (left := end - time.monotonic()) > 0:
        if wake is None:
            stop.wait(left)
        elif wake.wait(min(left, _SLICE)):
            wake.clear()
            return
