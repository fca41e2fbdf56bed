"""Counters in Prometheus' text format, version 0.0.4; a few lines instead of a dependency."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counts since the process started. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[Labels] = Counter()
        self._seconds: dict[Labels, float] = {}
        self._events = 0
        self._served: Counter[Labels] = Counter()
        self._alarms: Counter[Labels] = Counter()

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is the template, never the path itself."""
        labels: Labels = (("method", method), ("route", route))
        with self._lock:
            self._requests[labels + (("status", str(status)),)] += 1  # noqa: RUF005  Python 3.10 cannot unpack here
            self._seconds[labels] = self._seconds.get(labels, 0.0) + seconds

    def events(self, stored: int) -> None:
        """Count events that webhooks brought into the ledger."""
        with self._lock:
            self._events += stored

    def served(self, project: int, strategy: str) -> None:
        """Count a task that was handed out by a queue of this strategy."""
        with self._lock:
            self._served[("project", str(project)), ("strategy", strategy)] += 1

    def alarm(self, outcome: str) -> None:
        """Count an attempt to send an alarm: `sent`, `failed`, or `lost` for good."""
        with self._lock:
            self._alarms[(("outcome", outcome),)] += 1

    def text(self, gauges: Mapping[str, Mapping[int, float]]) -> str:
        """Every counter, and gauges by name and project."""
        with self._lock:
            requests, seconds, events = dict(self._requests), dict(self._seconds), self._events
            served, alarms = dict(self._served), dict(self._alarms)
        lines = [
            *_family("labelcue_requests_total", "counter", requests.items()),
            *_family("labelcue_request_seconds_total", "counter", seconds.items()),
            *_family("labelcue_webhook_events_total", "counter", [((), events)]),
            *_family("labelcue_served_total", "counter", served.items()),
            *_family("labelcue_alarm_messages_total", "counter", alarms.items()),
        ]
        for name, values in gauges.items():
            samples = [((("project", str(project)),), value) for project, value in values.items()]
            lines += _family(f"labelcue_{name}", "gauge", samples)
        return "\n".join(lines) + "\n"


def _family(name: str, kind: str, samples: Iterable[tuple[Labels, float]]) -> list[str]:
    lines = [f"# TYPE {name} {kind}"]
    for labels, value in sorted(samples):
        inner = ",".join(f"{key}={json.dumps(text, ensure_ascii=False)}" for key, text in labels)
        lines.append(f"{name}{'{' + inner + '}' if inner else ''} {value:.15g}")
    return lines
