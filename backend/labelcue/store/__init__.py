"""What lies on disk: the ledger (events, rounds, learners' leases) and the files beside it.

A ledger's engine is one module of this package that registers itself under its URL's scheme:

    @ledgers.register("sqlite")
    def open_sqlite(url: str, busy_ms: int, clock: Callable[[], float]) -> Ledger: ...

Third parties use the entry point group `labelcue.store`. Every engine passes `tests/conformance/test_ledgers.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from labelcue.errors import ConfigError, UnknownName
from labelcue.registry import Registry
from labelcue.store.base import Ledger

ledgers: Registry[Ledger] = Registry("labelcue.store")
"""The engines, by URL scheme."""


def open_ledger(url: str, busy_ms: int = 700, clock: Callable[[], float] = time.time) -> Ledger:
    """The ledger at `url`: `sqlite:///absolute/path` (as it is, not percent-encoded), or `memory:` for tests.

    Nothing is opened or created before the first use. `busy_ms` is how long a write waits for a locked ledger,
    `clock` gives Unix seconds. Raises ConfigError where the URL names no engine or cannot be read by it.
    """
    scheme, colon, _ = url.partition(":")
    try:
        if not colon:
            raise UnknownName(f"{url!r} is no URL.")
        return ledgers.create(scheme, url=url, busy_ms=busy_ms, clock=clock)
    except UnknownName as error:
        schemes = ", ".join(f"{name}:" for name in ledgers.names())
        raise ConfigError(
            f"The ledger's URL {url!r} names no engine.", f"It must start with one of: {schemes}"
        ) from error


__all__ = ["Ledger", "ledgers", "open_ledger"]
