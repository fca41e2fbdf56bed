"""The addresses of a host, looked up so that a name server which does not answer holds nobody.

socket.getaddrinfo takes no time-out, and waits for seconds where nobody answers for the name: as between containers,
once the one of that name is stopped. So a thread asks, and whoever needs the answer waits as long as he may.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

Address = tuple[Any, ...]
"""Family, kind, protocol, canonical name and socket address, as socket.getaddrinfo tells them."""
LookUp = Callable[..., list[Address]]
SHARE = 0.5
"""Of the time that is left, at most this is spent on waiting where addresses are known from before."""


class Addresses:
    """Those of one host and port. Thread-safe."""

    def __init__(self, host: str, port: int, look_up: LookUp = socket.getaddrinfo) -> None:
        self._host = host
        self._port = port
        self._look_up = look_up
        self._lock = threading.Lock()
        self._asked: _Question | None = None
        self._known: list[Address] = []

    def within(self, seconds: float) -> list[Address]:
        """The addresses, or where nobody tells them in time those of the last answer. Raises OSError (TimeoutError)."""
        question, known = self._question(), self._known
        if question.answered.wait(SHARE * seconds if known else seconds):
            if question.error is not None:
                raise question.error
            return question.found
        if not known:
            raise TimeoutError
        return known

    def _question(self) -> _Question:
        """The one under way, or a new one: of a name server that is gone, one thread waits and not one a request."""
        with self._lock:
            if self._asked is None or self._asked.answered.is_set():
                self._asked = _Question()
                threading.Thread(target=self._ask, args=(self._asked,), name="labelcue-host", daemon=True).start()
            return self._asked

    def _ask(self, question: _Question) -> None:
        try:
            question.found = self._known = self._look_up(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:
            question.error = OSError(f"the host {self._host} has no address: {error}")
        finally:
            question.answered.set()


class _Question:
    """What is asked of the name server, and what it says."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.found: list[Address] = []
        self.error: OSError | None = None
