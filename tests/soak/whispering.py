"""Secrets stay secret: canaries in every field that comes in; all logs at debug and all answers are searched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labelcue import keys
from labelstudio_double import LabelStudioDouble
from servicing import BASIC, PASSWORD, SECRET, TOKEN, connect
from soak.faults import broken_line
from soak.posting import config, post, tasks
from soak.processes import HOOK, PROJECT, Process, serving
from soak.proving import Figure, Trial
from soak.studio import standing_in
from waiting import until

CANARY = "canary-in-what-comes"
OURS = (PASSWORD, SECRET, TOKEN, HOOK["LabelCue-Secret"], keys.bearer(SECRET, PROJECT), BASIC["Authorization"])
COMMANDS = (("status",), ("settings",), ("doctor",))


def nothing_is_told(trial: Trial) -> Figure:
    """`amount` rounds of bodies, good and broken; service, learner and commands at debug, Label Studio refusing."""
    answers: list[str] = []
    os.environ["LABELCUE_LOG_LEVEL"] = "debug"
    try:
        with standing_in(LabelStudioDouble()) as (_, port), broken_line(port, trial.seed) as (line, url):
            line.broken = 0.5
            connect(trial.folder, PROJECT, url=url, embedder="tfidf-svd")
            with serving(trial.folder) as service:
                for body in (config(), tasks(90)):
                    post(service.url, body)
                learner = Process(trial.folder, "learner")
                learner.start()
                try:
                    until(lambda: "reconcile" in _log(trial.folder, "learner"), 300, "the learner's first words")
                    for number in range(trial.amount):
                        answers += _answers(service.url)
                        trial.tell(number + 1)
                    answers += [_command(trial.folder, *words) for words in COMMANDS]
                finally:
                    learner.kill()
    finally:
        del os.environ["LABELCUE_LOG_LEVEL"]
    logs = [_log(trial.folder, what) for what in ("service", "learner")]
    # The token is in connection.json and nowhere else: what the learner publishes is searched, too.
    files = [path for path in trial.folder.rglob("*.json") if path.name != "connection.json"]
    texts = [*answers, *logs, *(path.read_text(errors="replace") for path in files)]
    found = sorted({secret[:12] for secret in OURS for text in texts if secret in text})
    found += [CANARY] * any(CANARY in text for text in (*answers, *logs))
    lines = sum(text.count("\n") for text in logs)
    words = f"{len(found)} secrets in {len(answers):,} answers and {lines:,} lines of logs at debug"
    return Figure(not found, f"{words}{': ' if found else ''}{', '.join(found)}")


def _bodies() -> Iterator[tuple[str, Any]]:
    project = {"id": PROJECT, "token": CANARY, "task_data_password": CANARY, "title": CANARY, "description": CANARY}
    task = {"id": 5, "data": {"text": CANARY, CANARY: CANARY}}
    odd = {"id": CANARY, "task": CANARY, "result": [{"value": CANARY}], "completed_by": {"email": CANARY}}
    yield "/setup", {"project": "10.1", "schema": CANARY, "access_token": CANARY, "extra_params": {"x": CANARY}}
    yield "/predict", {"project": "10.1", "tasks": [task, CANARY], "params": {"login": CANARY, "password": CANARY}}
    yield "/predict", {"project": CANARY, "tasks": [task], "label_config": CANARY}
    yield "/webhook", {"action": "ANNOTATION_CREATED", "project": project, "task": task, "annotation": odd}
    yield "/webhook", {"action": "START_TRAINING", "project": project}
    yield "/webhook", {"action": "TASKS_CREATED", "project": project, "tasks": [{"id": CANARY}, CANARY]}
    yield "/webhook", b'{"' + CANARY.encode()
    yield f"/{CANARY}", {CANARY: CANARY}


def _answers(url: str) -> list[str]:
    headers = (
        {**BASIC, **HOOK},
        HOOK,
        {"Authorization": f"Bearer {CANARY}"},
        {"LabelCue-Secret": CANARY},
        {"Cookie": CANARY},
    )
    return [json.dumps(post(url, body, path, given)) for given in headers for path, body in _bodies()]


def _log(folder: Path, what: str) -> str:
    path = folder / f"{what}.log"
    return path.read_text(errors="replace") if path.exists() else ""


def _command(home: Path, *words: str) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LABELCUE_BASIC_PASSWORD": PASSWORD,
        "LABELCUE_WEBHOOK_SECRET": SECRET,
        "LABELCUE_HOME": str(home),
    }
    done = subprocess.run(
        [sys.executable, "-m", "labelcue.cli", *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
    return done.stdout + done.stderr
