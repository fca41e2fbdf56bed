"""What operators watch: every gauge, the dashboard that draws them, and the manual that names them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from insightful import report_of, write_report
from labelcue.service.gauges import NAMES
from labelcue.service.metrics import Metrics
from labelcue.store.layout import Home
from labelcue.store.status import write_status
from labelcue.types import Event, Kind
from servicing import BASIC, NOW, client_of, connect, publish, service_of

DOCS = Path(__file__).parents[2] / "backend" / "docs"
COUNTERS = (
    "labelcue_requests_total",
    "labelcue_request_seconds_total",
    "labelcue_webhook_events_total",
    "labelcue_served_total",
    "labelcue_alarm_messages_total",
)


def values(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in re.findall(r"^(\w+)\{project=\"10\"\} (\S+)$", text, re.MULTILINE)}


def test_gauges_tell_how_far_how_fresh_and_how_good(tmp_path: Path) -> None:
    connect(tmp_path)
    publish(tmp_path, [1, 2])  # knows position 7, a minute ago
    write_report(tmp_path, report_of([1, 2]))
    words = {"at": NOW, "annotations": 6, "round": {"seconds": 0.25}, "reconcile": {"last_ok": NOW - 9}}
    write_status(Home(tmp_path).status(10), words)
    client = client_of(tmp_path)
    found = values(client.get("/metrics", headers=BASIC).text)
    assert found["labelcue_project_event_lag"] == 0
    assert found["labelcue_project_queue_age_seconds"] == 0
    assert found["labelcue_project_round_seconds"] == 0.25
    assert found["labelcue_project_annotations"] == 6
    assert found["labelcue_project_last_reconcile_time_seconds"] == NOW - 9
    assert found["labelcue_project_accuracy"] == 0.875
    assert found["labelcue_project_agreement_alpha"] == 0.81
    assert found["labelcue_project_drift_alarm"] == 1
    service_of(client.application).ledger.append([Event(10, Kind.TRAIN, f"t{one}", {}) for one in range(9)])
    found = values(client.get("/metrics", headers=BASIC).text)
    assert found["labelcue_project_event_lag"] == 2
    assert found["labelcue_project_queue_age_seconds"] == 60


def test_what_is_not_known_or_damaged_is_left_out(tmp_path: Path) -> None:
    connect(tmp_path)
    client = client_of(tmp_path)
    assert "labelcue_project_accuracy" not in values(client.get("/metrics", headers=BASIC).text)
    publish(tmp_path, [1])
    (tmp_path / "projects" / "10" / "insights.json").write_text("no json")
    found = values(client.get("/metrics", headers=BASIC).text)
    assert "labelcue_project_accuracy" not in found
    assert found["labelcue_project_queue_length"] == 1


def test_what_is_handed_out_counts_by_strategy(tmp_path: Path) -> None:
    connect(tmp_path)
    publish(tmp_path, [1])
    client = client_of(tmp_path)
    client.post("/api/projects/10/leases", json={"task": 1, "user": 2}, headers=BASIC)
    text = client.get("/metrics", headers=BASIC).text
    assert 'labelcue_served_total{project="10",strategy="coreset-margin"} 1' in text


def test_times_keep_their_digits_and_names_cannot_break_a_line() -> None:
    metrics = Metrics()
    metrics.served(1, 'odd"name\n')
    text = metrics.text({"project_round_time_seconds": {1: 1_800_000_000.5}})
    assert 'labelcue_project_round_time_seconds{project="1"} 1800000000.5' in text
    assert len([line for line in text.splitlines() if line.startswith("labelcue_served_total")]) == 1


def test_the_dashboard_draws_what_there_is_and_the_manual_names_it() -> None:
    board = json.loads((DOCS / "grafana.json").read_text())
    drawn = set(re.findall(r"labelcue_\w+", json.dumps(board["panels"])))
    there = {f"labelcue_{name}" for name in NAMES} | set(COUNTERS)
    assert drawn <= there
    page = (DOCS / "metrics.md").read_text()
    assert not [name for name in there if f"`{name}`" not in page]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places)
