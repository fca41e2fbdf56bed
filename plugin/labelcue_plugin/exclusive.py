"""One choice of a task at a time, also between several server processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_PATIENCE_S = 5.0
_turn = threading.Lock()


@contextmanager
def exclusive() -> Iterator[None]:
    """A transaction in which a task that is found free stays free until it is locked.

    PostgreSQL: whoever looks at a task locks its row first and passes over rows that others have locked. SQLite has no
    such locks; there every transaction begins with the one write lock (see `settings`), so that one runs at a time.
    """
    if connection.vendor != "sqlite":
        with transaction.atomic():
            yield
        return
    # Threads of one process queue here, where waiting is fair and costs nothing; SQLite would let them poll.
    mine = _turn.acquire(timeout=_PATIENCE_S)
    try:
        with transaction.atomic():
            yield
    finally:
        if mine:
            _turn.release()
