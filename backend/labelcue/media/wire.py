"""Connections to judged addresses, within a time: what httpcore gets in place of its own sockets."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from labelcue.media.origins import Gate


class Deadline(threading.local):
    """When what this thread does has to be over, in seconds of `time.monotonic`."""

    at = 0.0

    def left(self) -> float:
        """Seconds that are left. Raises httpcore.ReadTimeout where none is."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("it took too long")
        return left


class Wire(httpcore.NetworkBackend):
    """Opens connections to the addresses that the gate judged, and to no other.

    The deadline holds for a whole fetch: a time-out for each read would never end a server that drips.
    """

    def __init__(self, gate: Gate, deadline: Deadline) -> None:
        self._gate = gate
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that answers."""
        try:
            found = self._gate.addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} has no address") from error
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in found:
            try:
                stream = self._sockets.connect_tcp(address, port, self._deadline.left(), local_address, socket_options)
                return _Timed(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        """No address leads here."""
        raise httpcore.ConnectError("no sockets of files")


class _Timed(httpcore.NetworkStream):
    """A stream on which every wait is cut to what the fetch has left."""

    def __init__(self, inner: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._inner = inner
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The certificate is that of the name, whatever the address."""
        return _Timed(self._inner.start_tls(ssl_context, server_hostname, self._deadline.left()), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
