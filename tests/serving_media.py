"""A small HTTP server on loopback that hands out what a test says, and remembers who asked for what."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Handler = Callable[[BaseHTTPRequestHandler], None]


class Studio(ThreadingHTTPServer):
    """Answers by path; a path that is not there gets 404."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.answers: dict[str, Handler] = {}
        self.asked: list[tuple[str, str]] = []
        """Path and query, and the Authorization header, of each request."""
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def gives(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        """At this path, with or without a query."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(status)
            for name, value in headers.items():
                request.send_header(name.replace("_", "-"), value)
            if "Content_Length" not in headers:
                request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        self.answers[path] = answer

    def redirects(self, path: str, location: str, status: int = 302) -> None:
        """To another address."""
        self.gives(path, b"", status, Location=location)

    def paths(self) -> list[str]:
        """What was asked for, without queries."""
        return [path.partition("?")[0] for path, _ in self.asked]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Studio

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        answer = self.server.answers.get(self.path.partition("?")[0])
        if answer is None:
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            answer(self)

    def log_message(self, *_: object) -> None:
        """Tests read what was asked for in `asked`."""


@contextmanager
def serving() -> Iterator[Studio]:
    """Serve in a thread, on a free port, until the end."""
    studio = Studio()
    thread = threading.Thread(target=studio.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield studio
    finally:
        studio.shutdown()
        studio.server_close()
        thread.join(timeout=60)
