"""A service that only answers, for tests of what connects Label Studio to it."""

from __future__ import annotations

import base64
import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from labelcue import keys

PASSWORD = "a-password"
SECRET = "a-secret-of-the-webhook"


class FakeService:
    """Health, setup, versions, webhook and the project's page: all that connect and doctor ask of the service."""

    def __init__(self, port: int = 0) -> None:
        self.heard: list[dict[str, Any]] = []
        self.refused = 0
        self.renewals = 0
        self.last_webhook_at: float | None = None
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/health":
                    return self.answer(200, {"status": "UP", "model_class": "LabelCue"})
                if not self.authorised():
                    return self.answer(401, {"error": {"code": "not_authorised", "message": "no", "remedy": ""}})
                if self.path.startswith("/api/projects/"):
                    return self.answer(200, {"last_webhook_at": service.last_webhook_at})
                return self.answer(200, {"versions": ["cue-0"]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
                if self.path == "/webhook":
                    return self.hook(body)
                if not self.authorised():
                    return self.answer(401, {})
                if self.path == "/predict":
                    return self.answer(200, {"results": [{"result": [], "score": 0.5} for _ in body["tasks"]]})
                return self.answer(200, {"model_version": "cue-0"})

            def hook(self, body: dict[str, Any]) -> None:
                if self.headers.get("LabelCue-Secret") != keys.webhook(SECRET, body["project"]["id"], service.renewals):
                    service.refused += 1
                    return self.answer(401, {})
                service.heard.append(body)
                service.last_webhook_at = time.time()
                return self.answer(200, {})

            def authorised(self) -> bool:
                wanted = base64.b64encode(f"labelcue:{PASSWORD}".encode()).decode()
                return self.headers.get("Authorization") == f"Basic {wanted}"

            def answer(self, status: int, body: Any) -> None:
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_: Any) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
