"""Predictions pass Label Studio's own checks, for the label configs and tasks that it really sent."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of, prediction
from labelcue.types import Scores, TaskId

PAYLOADS = Path(__file__).parent / "payloads"
ASKED = sorted(PAYLOADS.glob("ml_predict_*.json"))


@pytest.mark.parametrize("path", ASKED, ids=lambda path: path.stem)
def test_recorded_requests_get_valid_predictions(path: Path) -> None:
    body: dict[str, Any] = json.loads(path.read_text())
    spec = parse_config(body["label_config"])
    interface = LabelInterface(body["label_config"])
    for task in body["tasks"]:
        assert task["data"][spec.field]
        for label, probabilities in (("pos", (0.75, 0.25)), ("neg", (0.125, 0.875))):
            made = prediction(spec, Scores(TaskId(task["id"]), probabilities, ("pos", "neg"), "cue-4"))
            assert interface.validate_prediction(made, return_errors=True) == []
            assert (made["score"], made["model_version"]) == (max(probabilities), "cue-4")
            assert label_of(spec, made["result"]) == label


def test_the_predictions_that_label_studio_stored_are_read_back() -> None:
    body = json.loads((PAYLOADS / "ml_predict_test.json").read_text())
    spec = parse_config(body["label_config"])
    assert label_of(spec, body["tasks"][0]["predictions"][0]["result"]) == "pos"


def test_the_setup_body_names_a_config_that_can_be_read() -> None:
    body = json.loads((PAYLOADS / "ml_setup.json").read_text())
    assert parse_config(body["schema"]).classes == ("pos", "neg")


def test_a_hundred_predictions_take_little_time() -> None:
    spec = parse_config((PAYLOADS.parents[2] / "label_config.xml").read_text())
    prediction(spec, Scores(TaskId(1), (0.5, 0.5), spec.classes, "cue-1"))

    def batch() -> float:
        start = time.thread_time()
        for task in range(100):
            prediction(spec, Scores(TaskId(task), (0.1, 0.9), spec.classes, "cue-1"))
        return time.thread_time() - start

    assert min(batch() for _ in range(5)) < 0.02
