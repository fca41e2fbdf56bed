"""The real label-studio-ml server with our model behind it; test_label_studio_ml.py runs it in its own environment.

Its last line is one JSON object: what each route said.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

PROJECT, MAILS, GIVEN = 3, 24, 12
CONFIG = (
    '<View><Text name="t" value="$text"/>'
    '<Choices name="c" toName="t"><Choice value="ham"/><Choice value="spam"/></Choices></View>'
)
PATIENCE_S = 300.0


def task(number: int) -> dict[str, Any]:
    text = f"Please bring the minutes of meeting {number} to the office"
    if number % 2:
        text = f"Win {number} free prizes now, click here, cheap pills and cash"
    return {"id": number, "project": PROJECT, "data": {"text": text}, "updated_at": "2026-01-01T00:00:00Z"}


def annotation(number: int) -> dict[str, Any]:
    value = {"choices": ["spam" if number % 2 else "ham"]}
    region = {"from_name": "c", "to_name": "t", "type": "choices", "value": value}
    told = {"id": 100 + number, "task": number, "completed_by": 1, "was_cancelled": False, "result": [region]}
    return {**told, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}


def labelled(action: str, numbers: range) -> dict[str, Any]:
    project = {"id": PROJECT, "title": "Mails", "label_config": CONFIG}
    rows = {"task": [task(number) for number in numbers], "annotation": [annotation(number) for number in numbers]}
    return {"action": action, "project": project, **rows}


def learned(folder: Path, jobs: int) -> list[str]:
    """The versions in the results of so many jobs, in their order."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        results = [one.read_text() for one in sorted(folder.glob("*/job_result.json"))]
        if len(results) >= jobs and all(one.endswith("}") for one in results):
            return results
        time.sleep(0.2)
    raise TimeoutError(f"{jobs} jobs in {folder}: {list(folder.glob('*'))}")


def main(folder: Path) -> dict[str, Any]:
    from label_studio_ml.api import init_app

    from labelcue.ml_backend import LabelCueModel

    client = init_app(LabelCueModel, model_dir=str(folder)).test_client()
    setup = {"project": f"{PROJECT}.1", "schema": CONFIG, "hostname": "http://127.0.0.1:1", "access_token": "x"}
    asked = {"tasks": [task(number) for number in range(1, MAILS + 1)], "project": f"{PROJECT}.1"}
    asked |= {"label_config": CONFIG, "params": {"login": None, "password": None, "context": None}}
    said: dict[str, Any] = {"health": client.get("/health").get_json()["status"]}
    said["setup"] = client.post("/setup", json=setup).status_code
    said["before"] = client.post("/predict", json=asked).get_json()["results"]
    said["webhook"] = client.post("/webhook", json=labelled("ANNOTATIONS_CREATED", range(1, GIVEN + 1))).status_code
    said["first"] = learned(folder, 1)
    gone = {"action": "ANNOTATIONS_DELETED", "project": {"id": PROJECT}, "annotations": [{"id": 101}]}
    client.post("/webhook", json=gone)
    said["jobs"] = learned(folder, 2)
    client.post("/setup", json=setup)
    said["after"] = client.post("/predict", json=asked).get_json()["results"]
    return said


if __name__ == "__main__":
    os.environ["MODEL_DIR"] = sys.argv[1]
    print(json.dumps(main(Path(sys.argv[1]))))
