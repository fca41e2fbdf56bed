"""A stand-in of Label Studio that answers over HTTP what `labelstudio_double` says, for proofs that break the line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from labelstudio_double import PROJECT, LabelStudioDouble

_OPERATORS: dict[str, Any] = {
    "greater": lambda value, wanted: value > wanted,
    "greater_or_equal": lambda value, wanted: value >= wanted,
    "equal": lambda value, wanted: value == wanted,
    "in_list": lambda value, wanted: value in wanted,
}


class StandIn:
    """The routes that LabelCue uses, over one double; `lock` is held while it answers."""

    def __init__(self, double: LabelStudioDouble) -> None:
        self.double = double
        self.lock = threading.RLock()
        self.asked = 0

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> tuple[int, Any]:
        """Status and JSON."""
        with self.lock:
            self.asked += 1
            double, parts = self.double, path.strip("/").split("/")[1:]
            match method, parts:
                case "GET", ["projects", _]:
                    return 200, double.project(PROJECT)
                case "PATCH", ["projects", _]:
                    return 200, double.update_project(PROJECT, **body)
                case "GET", ["tasks"]:
                    return 200, self._tasks(query)
                case "GET", ["ml"]:
                    return 200, []
                case "GET", ["annotations", number]:
                    found = double.annotation(int(number))
                    return (200, found) if found else (404, {"detail": "No Annotation matches the given query."})
                case "POST", ["projects", _, "import", "predictions"]:
                    return 201, {"created": double.import_predictions(PROJECT, body)}
                case "GET", ["projects", _, "model-versions"]:
                    return 200, double.model_versions(PROJECT)
                case "DELETE", ["projects", _, "model-versions"]:
                    double.delete_predictions(PROJECT, body["model_version"])
                    return 200, {}
        return 404, {"detail": "Not found."}

    def _tasks(self, query: dict[str, list[str]]) -> dict[str, Any]:
        asked = json.loads(query["query"][0])
        rows = [row for row in map(self._row, self.double.task_rows) if _match(row, asked["filters"]["items"])]
        order = asked.get("ordering", ["tasks:id"])[0]
        rows.sort(key=lambda row: row[order.rpartition(":")[2]], reverse=order.startswith("-"))
        size = int(query["page_size"][0])
        include = query["include"][0].split(",") if "include" in query else []
        return {"total": len(rows), "tasks": [_only(row, include) for row in rows[:size]]}

    def _row(self, number: int) -> dict[str, Any]:
        return self.double._task(number)


def _match(row: dict[str, Any], items: Sequence[dict[str, Any]]) -> bool:
    columns = ((row[one["filter"].rpartition(":")[2]], one) for one in items)
    return all(_OPERATORS[one["operator"]](value, one["value"]) for value, one in columns)


def _only(row: dict[str, Any], include: Sequence[str]) -> dict[str, Any]:
    if not include:
        return row
    kept = {name: value for name, value in row.items() if name in include}
    if "annotations" in kept:
        kept["annotations"] = [{key: one[key] for key in include if key in one} for one in kept["annotations"]]
    return kept


@contextmanager
def standing_in(double: LabelStudioDouble) -> Iterator[tuple[StandIn, int]]:
    """A stand-in that listens on loopback, and its port."""
    it = StandIn(double)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_any(self) -> None:
            url = urlsplit(self.path)
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said = it.answer(self.command, url.path, parse_qs(url.query), json.loads(raw) if raw else None)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = do_any

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # Lines that break are what this is for.
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield it, int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)
