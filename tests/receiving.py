"""A receiver of alarms: a real HTTP server on a free port that answers what it is told to."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """Keeps every body; answers 200, or the next of `answers`. While `slow` is set, it answers nothing."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bodies: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        """Bodies that it answered with 200."""
        self.answers: deque[int] = deque()
        self.go = threading.Event()
        self.go.set()

    def hear(self, body: dict[str, Any]) -> int:
        self.bodies.append(body)
        self.go.wait(60)
        status = self.answers.popleft() if self.answers else 200
        if status == 200:
            self.taken.append(body)
        return status


@contextmanager
def receiver() -> Iterator[Receiver]:
    """One that listens on loopback until the end of `with`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            status = it.hear(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{it.url}elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    it = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook/canary-path")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield it
    finally:
        it.go.set()
        server.shutdown()
        server.server_close()
        thread.join(20)
