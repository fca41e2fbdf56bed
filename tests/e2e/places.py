"""Ports that are the tests' own from the moment they are chosen."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept_port() -> Iterator[int]:
    """A free port of loopback that nobody else is given meanwhile; a server, which sets SO_REUSEADDR, may listen on it.

    A port that is looked for and let go may be anybody's before the program that it is for has started.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
