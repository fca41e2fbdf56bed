"""What /metrics tells of each project: how far, how fresh, how good. Whatever is not known yet is left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labelcue.alarms.kept import read_kept
from labelcue.errors import LabelCueError
from labelcue.service.context import Service
from labelcue.service.shapes import Project

Gauges = dict[str, dict[int, float]]


def gauges(service: Service, known: list[Project]) -> Gauges:
    """Name → project → value; every name is there, so that a dashboard finds it before the first value."""
    found: Gauges = {name: {} for name in NAMES}
    for one in known:
        for name, value in (*_plain(one), *_fresh(service, one), *_findings(service, one)):
            if isinstance(value, int | float):
                found[name][one.id] = float(value)
    found["project_alarms"] = _alarms(service, [one.id for one in known])
    found["project_last_webhook_time_seconds"] = dict(service.heard)
    return found


NAMES = (
    "project_labels",
    "project_annotations",
    "project_tasks",
    "project_round",
    "project_round_time_seconds",
    "project_round_seconds",
    "project_queue_age_seconds",
    "project_queue_length",
    "project_event_lag",
    "project_last_webhook_time_seconds",
    "project_last_reconcile_time_seconds",
    "project_learner_time_seconds",
    "project_accuracy",
    "project_audit_labels",
    "project_agreement_alpha",
    "project_suspected_errors",
    "project_covered",
    "project_drift_alarm",
    "project_alarms",
)


def _alarms(service: Service, projects: list[int]) -> dict[int, float]:
    try:
        kept = read_kept(service.home.alarms)
    except LabelCueError:
        return {}  # The pages name it.
    return {project: float(len(kept.of(project))) for project in projects}


def _plain(one: Project) -> Iterator[tuple[str, object]]:
    status = one.status
    yield "project_labels", one.labels
    yield "project_annotations", status.get("annotations")
    yield "project_tasks", one.tasks
    yield "project_round", one.round
    yield "project_round_time_seconds", one.as_of
    yield "project_round_seconds", (status.get("round") or {}).get("seconds")
    yield "project_last_reconcile_time_seconds", (status.get("reconcile") or {}).get("last_ok")
    yield "project_learner_time_seconds", status.get("at")


def _fresh(service: Service, one: Project) -> Iterator[tuple[str, object]]:
    if one.as_of is None:
        return
    try:
        snapshot = service.snapshot(one.id)
        if snapshot is not None:
            behind = service.ledger.position(one.id) - snapshot.round.position
            # An old queue is a problem only where something has happened since.
            yield "project_event_lag", max(0, behind)
            yield "project_queue_age_seconds", service.clock() - one.as_of if behind > 0 else 0.0
            yield "project_queue_length", len(snapshot.order)
    except LabelCueError:
        return  # `error` of the project's state names it.


def _findings(service: Service, one: Project) -> Iterator[tuple[str, object]]:
    try:
        report: dict[str, Any] = service.findings.report(service.home.project(one.id))
    except LabelCueError:
        return  # The pages name it.
    if report["at"] is None:
        return
    yield "project_accuracy", (report["audit"]["accuracy"] or {}).get("value")
    yield "project_audit_labels", report["audit"]["labels"]
    yield "project_agreement_alpha", (report["agreement"]["alpha"] or {}).get("value")
    yield "project_suspected_errors", len(report["errors"]["suspects"])
    yield "project_covered", (report["coverage"]["reach"] or {}).get("covered")
    yield "project_drift_alarm", int(bool(report["drift"]["alarm"]))
