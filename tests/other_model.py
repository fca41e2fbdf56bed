"""A tiny ML backend that is not LabelCue: what it says of a task stands in the task's data, under `said`.

As a program it is a real process of its own: it prints its address and serves until its standard input ends.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class OtherModel(ThreadingHTTPServer):
    """`fails` are statuses that the next requests get; a task whose `said` is "stumble" fails its whole request."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.version = "boxer-1"
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.keys: list[str] = []
        self.fails: list[int] = []
        self.short = False
        """Whether it gives one result too few."""

    def serve(self) -> None:
        """In a thread, until `close`."""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        self.shutdown()
        self.server_close()

    def tasks(self) -> list[list[int]]:
        """The tasks of each request to /predict."""
        return [[task["id"] for task in body["tasks"]] for path, body in self.asked if path == "/predict"]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: OtherModel

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        self.server.keys.append(self.headers.get("Authorization", ""))
        status, answer = self._answer(body)
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _answer(self, body: dict[str, Any]) -> tuple[int, Any]:
        if self.server.fails:
            return self.server.fails.pop(0), {}
        if self.path == "/setup":
            return 200, {"model_version": self.server.version}
        said = [task["data"].get("said") for task in body["tasks"]]
        if "stumble" in said:
            return 500, {}
        results = [one if isinstance(one, dict) else {} for one in said]
        return 200, {"results": results[:-1] if self.server.short else results, "model_version": self.server.version}

    def log_message(self, *_: object) -> None:
        """Tests read what was asked for in `asked`."""


if __name__ == "__main__":
    model = OtherModel()
    model.serve()
    print(model.url, flush=True)
    sys.stdin.read()
