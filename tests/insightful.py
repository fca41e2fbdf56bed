"""A report as the learner writes it, with something in every section, for tests of what shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labelcue.store.layout import Home


def estimate(value: float, spread: float, n: int = 80) -> dict[str, float]:
    return {"value": value, "low": value - spread, "high": value + spread, "n": n}


def report_of(tasks: Sequence[int], classes: Sequence[str] = ("pos", "neg")) -> dict[str, Any]:
    """A whole report; whatever names a task names one of `tasks`."""
    some = [tasks[place % len(tasks)] for place in range(12)]
    labels = [20, 40, 80, 160]
    points = [{"labels": n, "accuracy": estimate(0.95 - 0.6 / n**0.4, 0.05, 80)} for n in labels]
    return {
        "format": 1,
        "at": 1_800_000_000.0,
        "seconds": 3.2,
        "round": 41,
        "position": 2200,
        "classes": list(classes),
        "tasks": len(tasks),
        "labelled": 160,
        "annotations": 170,
        "audit": {
            "labels": 80,
            "missing": 0,
            "accuracy": estimate(0.875, 0.07),
            "classes": [{"name": name, "accuracy": estimate(0.8, 0.1, 40), "n": 40} for name in classes],
            "confusion": [
                [40 if row == column else 5 for column in range(len(classes))] for row in range(len(classes))
            ],
            "sentence": "Tasks that chance chose and that the model has not seen.",
        },
        "curve": {
            "points": points,
            "forecast": [
                {"labels": n, "value": 0.95 - 0.6 / n**0.4, "low": 0.84, "high": 0.95} for n in (200, 300, 450, 640)
            ],
            "random": {
                "points": [{"labels": n, "accuracy": estimate(0.93 - 0.9 / n**0.4, 0.05)} for n in labels],
                "needed": estimate(410, 120),
                "saved": estimate(250, 120),
                "assumption": "Assumed: random order ends at the same accuracy.",
                "sentence": "Random order would have needed about 410 labels.",
            },
            "targets": [
                {"target": 0.9, "reachable": True, "labels": estimate(300, 120), "sentence": "About 300 more labels."},
                {
                    "target": 0.93,
                    "reachable": True,
                    "labels": {"value": 1500.0, "low": 700.0, "high": None, "n": 80},
                    "sentence": "About 1,500 more labels; nobody can say at most how many.",
                },
                {"target": 0.99, "reachable": False, "labels": None, "sentence": "More labels alone will not do."},
            ],
            "rate": {"an_hour": 240.0, "last_hour": 90, "hours": 0.7, "sentence": "240 labels an hour."},
            "level": 0.8,
            "sentence": "After 160 labels the model is right in 87.1 %.",
        },
        "errors": {
            "looked_at": 160,
            "suspects": [
                {"task": task, "given": 0, "suggested": 1, "belief": 0.02 + 0.03 * place, "copies": place % 3}
                for place, task in enumerate(some[:6])
            ],
            "sentence": "6 of 160 labels are suspected.",
        },
        "agreement": {
            "shared": 10,
            "alpha": estimate(0.81, 0.1, 10),
            "annotators": [
                {"annotator": 7, "labels": 90, "agreement": estimate(0.8, 0.15, 10), "quality": 0.9},
                {"annotator": 3, "labels": 80, "agreement": None, "quality": None},
                {"annotator": -5, "labels": 1, "agreement": None, "quality": None},
            ],
            "confusion": [
                [0.9 if row == column else 0.1 for column in range(len(classes))] for row in range(len(classes))
            ],
            "hardest": [[task, 0.5] for task in some[:3]],
            "sentence": "Krippendorff's alpha is 0.81 (0.71 to 0.91): good (0.8 or more).",
        },
        "spending": {
            "choice": "second",
            "score_new": 0.7,
            "score_second": 0.5,
            "second": some[:4],
            "sentence": "A second opinion tells more now than a new task.",
        },
        "coverage": {
            "reach": {
                "radius": 0.45,
                "covered": 0.83,
                "curve": [[0.1 * step, min(1.0, 0.17 * step)] for step in range(10)],
                "median": 0.31,
                "p95": 0.6,
                "farthest": 0.92,
            },
            "balance": {
                "labels": [120, 40],
                "predicted": [1300, 700],
                "ratio": 3.0,
                "effective": 1.8,
                "absent": [],
            },
            "slices": [
                {
                    "field": "language",
                    "name": name,
                    "tasks": 300,
                    "labelled": 12,
                    "accuracy": estimate(0.7, 0.2, 12) if flags else None,
                    "covered": 0.4,
                    "flags": flags,
                }
                for name, flags in (("<i>de</i>", ["less accurate", "few labels"]), ("fr", []))
            ],
            "slices_total": 2,
            "copies": {"groups": [some[:2], some[2:5]], "number": 14, "spared": 31},
            "outliers": [[task, 0.9] for task in some[:5]],
            "sentence": "83 % of the tasks lie within 0.45 of a label.",
        },
        "drift": {"new": 200, "old": 1800, "p": 0.001, "auc": 0.8, "alarm": True, "sentence": "They are told apart."},
        "stopping": {
            "stability": [{"labels": n, "agreement": 0.9, "kappa": 0.7 + n / 1000} for n in labels[1:]],
            "stable": False,
            "gain": estimate(0.021, 0.01),
            "cost": {"value": 48.0, "low": 30.0, "high": None, "n": 80},
            "advice": "go on",
            "sentence": "The next 100 labels are expected to add 2.1 points.",
            "rests_on": ["Successive models still differ.", "A power law through accuracies on 80 audit labels."],
        },
    }


def write_report(home: Path, report: dict[str, Any], project: int = 10) -> None:
    """As the learner writes it, with a map of all its tasks."""
    folder = Home(home).project(project)
    (folder / "insights.json").write_text(json.dumps(report))


def write_map(home: Path, tasks: Sequence[int], project: int = 10) -> None:
    """A map on which the tasks lie on a circle."""
    angle = np.linspace(0, 2 * np.pi, len(tasks), endpoint=False)
    np.savez(
        Home(home).project(project) / "insights.npz",
        tasks=np.asarray(tasks, dtype=np.int64),
        places=np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32),
        label=np.arange(len(tasks), dtype=np.int16) % 3 - 1,
        predicted=np.arange(len(tasks), dtype=np.int16) % 2,
        uncertainty=np.linspace(0, 1, len(tasks), dtype=np.float32),
    )
