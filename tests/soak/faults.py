"""A proxy before Label Studio that breaks the line as real ones do: by a fault drawn for each request."""

from __future__ import annotations

import http.client
import random
import socket
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

FAULTS = ("drop", "reset", "cut", "double", "delay", "half-open", "401", "429", "503", "garbage")
HELD_S = 0.15
"""Seconds that a half-open line says nothing; the client's patience is shorter."""
_REFUSALS = {"401": b"401 Unauthorized", "429": b"429 Too Many Requests", "503": b"503 Service Unavailable"}


class Line:
    """What the proxy does: with chance `broken`, one of `faults`; and how often it did each."""

    def __init__(self, port: int, seed: int) -> None:
        self.port = port
        self.broken = 0.0
        self.faults: tuple[str, ...] = FAULTS
        self.done: dict[str, int] = {}
        self._rng = random.Random(seed)
        self._lock = threading.Lock()

    def fate(self) -> str:
        with self._lock:
            fate = self._rng.choice(self.faults) if self._rng.random() < self.broken else "pass"
            self.done[fate] = self.done.get(fate, 0) + 1
            return fate


class _Handler(BaseRequestHandler):
    """One request of one connection: every answer closes it."""

    def handle(self) -> None:
        line: Line = self.server.line  # type: ignore[attr-defined]
        self.request.settimeout(30)
        with suppress(OSError, http.client.HTTPException):
            self._follow(line, line.fate())

    def _follow(self, line: Line, fate: str) -> None:
        if fate == "half-open":
            time.sleep(HELD_S)
            return
        request = _whole(self.request)
        if fate == "reset":
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if fate == "drop" or not request:
            return
        if fate in _REFUSALS:
            after = b"Retry-After: 0\r\n" if fate == "429" else b""
            self.request.sendall(b"HTTP/1.1 " + _REFUSALS[fate] + b"\r\n" + after + b"Content-Length: 0\r\n\r\n")
            return
        if fate == "garbage":
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<html>\xff\xfe ")
            return
        # As real proxies do: what may be carried out twice is, nothing else.
        for _ in range(2 if fate == "double" and not request.startswith(b"POST") else 1):
            answer = _asked(line.port, request)
        if fate == "delay":
            time.sleep(HELD_S / 10)
        # Cut: the request was carried out, and half of the answer arrives.
        self.request.sendall(answer[: len(answer) // 2] if fate == "cut" else answer)


def _whole(line: socket.socket) -> bytes:
    """One request with its body, told to close behind itself."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = line.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    wanted = next((int(one[15:]) for one in head.split(b"\r\n") if one.lower().startswith(b"content-length:")), 0)
    while len(body) < wanted:
        body += line.recv(65536)
    kept = [one for one in head.split(b"\r\n") if not one.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"Connection: close", b"", body])


def _asked(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as line:
        line.sendall(request)
        answer = b""
        while piece := line.recv(1 << 16):
            answer += piece
    return answer


@contextmanager
def broken_line(port: int, seed: int) -> Iterator[tuple[Line, str]]:
    """A proxy before that port, and its address."""
    line = Line(port, seed)

    class Server(ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), _Handler)
    server.line = line  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield line, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


def told(done: Mapping[str, int]) -> str:
    """How often each fault was done, for a figure."""
    return ", ".join(f"{count:,} {name}" for name, count in sorted(done.items()) if name != "pass")
