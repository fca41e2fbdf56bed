"""HTTP with kept connections, in which every exchange ends by its deadline.

http.client's time-out is one of each read, so that a peer which sends a byte now and then could hold an annotator for
ever. Here each wait gets what is left of the whole.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from labelcue_plugin.addresses import Addresses

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_BYTES = 4_000_000
Headers = Callable[[str], Mapping[str, str]]
"""What is sent with a request of this path."""
KEPT = 16
"""Connections that are kept while nobody uses them."""


class WireError(Exception):
    """No whole answer came in time; the message says why."""


class Wire:
    """The way to one address. Thread-safe."""

    def __init__(self, url: str, headers: Headers, clock: Callable[[], float] = time.monotonic) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._secure else 80)
        self._addresses = Addresses(self._host, self._port)
        self._base = parts.path.rstrip("/")
        self._headers = headers
        self._clock = clock
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()

    def exchange(self, method: str, path: str, body: bytes | None, seconds: float) -> tuple[int, bytes]:
        """Status and body of the answer, within so many seconds. Raises WireError."""
        deadline = self._clock() + seconds
        while True:
            connection, kept = self._take()
            try:
                return self._once(connection, method, path, body, deadline)
            except (ConnectionError, http.client.RemoteDisconnected) as error:
                connection.close()
                # A connection that was kept may have been closed by the peer since: that says nothing of the peer.
                if not kept:
                    raise WireError(str(error) or type(error).__name__) from error
            except (OSError, http.client.HTTPException, ValueError) as error:
                connection.close()
                late = isinstance(error, TimeoutError)
                said = f"no answer within {seconds:.2f} s" if late else str(error) or type(error).__name__
                raise WireError(said) from error

    def close(self) -> None:
        """Let go of the kept connections; the next exchange makes new ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _once(
        self, connection: _Connection, method: str, path: str, body: bytes | None, deadline: float
    ) -> tuple[int, bytes]:
        connection.deadline = deadline
        connection.request(method, self._base + path, body, self._headers(path))
        response = connection.getresponse()
        data = response.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise ValueError(f"the answer is over {MOST_BYTES} bytes")
        if response.length:
            raise ValueError(f"the answer lacks {response.length} bytes")
        if response.will_close or not response.isclosed():
            connection.close()
        else:
            self._keep(connection)
        return response.status, data

    def _take(self) -> tuple[_Connection, bool]:
        with self._lock:
            if self._idle:
                return self._idle.pop(), True
        return _Connection(self._addresses, self._host, self._port, self._secure, self._clock), False

    def _keep(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._idle) < KEPT:
                self._idle.append(connection)
                return
        connection.close()


class _Connection(http.client.HTTPConnection):
    """One connection, whose every wait ends by `deadline`."""

    def __init__(self, addresses: Addresses, host: str, port: int, secure: bool, clock: Callable[[], float]) -> None:
        super().__init__(host, port)
        self._addresses = addresses
        self._secure = secure
        self._clock = clock
        self.deadline = 0.0

    def connect(self) -> None:
        """All addresses of the host in turn, within one deadline."""
        problem: OSError = OSError("the host has no address")
        for family, kind, protocol, _, address in self._addresses.within(self.left()):
            plain = socket.socket(family, kind, protocol)
            try:
                plain.settimeout(self.left())
                plain.connect(address)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sock = cast(socket.socket, _Timed(self._secured(plain), self.left))
                return
            except OSError as error:
                plain.close()
                problem = error
        raise problem

    def _secured(self, plain: socket.socket) -> socket.socket:
        if not self._secure:
            return plain
        return ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)

    def left(self) -> float:
        """Seconds until the deadline; raises TimeoutError when it is over."""
        left = self.deadline - self._clock()
        if left <= 0:
            raise TimeoutError
        return left


class _Timed:
    """As much of a socket as http.client uses."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock = sock
        self._left = left

    def sendall(self, data: Any) -> None:
        self._sock.settimeout(self._left())
        self._sock.sendall(data)

    def receive_into(self, buffer: WriteableBuffer) -> int:
        self._sock.settimeout(self._left())
        return self._sock.recv_into(buffer)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Stream(self))

    def close(self) -> None:
        self._sock.close()


class _Stream(io.RawIOBase):
    """What comes from the socket; closing it leaves the socket open for the next answer."""

    def __init__(self, timed: _Timed) -> None:
        self._timed = timed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        return self._timed.receive_into(buffer)
