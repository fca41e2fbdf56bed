"""A small server of vectors on loopback: both of the forms that LabelCue asks in, and what may go wrong with them."""

from __future__ import annotations

import hashlib
import json
import threading
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

DIM = 8


def vector_of(text: str) -> list[float]:
    """(DIM,) the same for the same text."""
    seed = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4], "big")
    return [round(float(one), 6) for one in np.random.default_rng(seed).normal(size=DIM)]


class Vectors(ThreadingHTTPServer):
    """`fails` are statuses that the next requests get; `answers`, where it is set, is the body of every good answer."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.url = f"http://127.0.0.1:{self.server_port}/v1"
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.fails: list[int] = []
        self.headers: dict[str, str] = {}
        self.answers: bytes | None = None
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what some tests are about."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Vectors

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(asked)
        self.server.keys.append(self.headers.get("Authorization", ""))
        status = self.server.fails.pop(0) if self.server.fails else 200
        body = self.server.answers if self.server.answers is not None else self._good(asked)
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _good(self, asked: dict[str, Any]) -> bytes:
        if "input" in asked:
            rows = [{"index": place, "embedding": vector_of(text)} for place, text in enumerate(asked["input"])]
            return json.dumps({"data": rows[::-1], "model": asked["model"]}).encode()
        return json.dumps({"vectors": [vector_of(text) for text in asked["texts"]]}).encode()

    def log_message(self, *_: object) -> None:
        """Tests read what was asked for in `asked`."""


@lru_cache(maxsize=1)
def common() -> Vectors:
    """One that every test may ask which breaks nothing."""
    return Vectors()
