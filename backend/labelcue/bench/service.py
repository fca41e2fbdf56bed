"""How fast webhooks are acknowledged while a learner trains without pause, and how long /predict takes.

this process ── webhooks, open loop ──► service process ──► ledger (SQLite on disk)
                                        training process: rounds without pause, snapshots swapped as the learner does
"""

from __future__ import annotations

import base64
import http.client
import json
import multiprocessing
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from pydantic import SecretStr
from rich.console import Console
from rich.progress import Progress

from labelcue import keys
from labelcue.errors import LabelCueError, StoreError
from labelcue.processes import learning
from labelcue.settings import Settings
from labelcue.store.connection import Connection
from labelcue.store.layout import Home

PROJECT = 1
CLASSES = ("ham", "spam")
XML = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    '<Choice value="ham"/><Choice value="spam"/></Choices></View>'
)
START_S = 120.0
"""Seconds that the two processes may take to come up."""
CLIENTS = 16
PREDICTIONS = 20
_SPAWN = multiprocessing.get_context("spawn")


def run(seconds: float = 20, rate: float = 50, tasks: int = 10_000, dim: int = 384, seed: int = 0) -> dict[str, float]:
    """Post `rate` annotations a second for `seconds`, while rounds on `tasks` x `dim` vectors run without pause.

    `ack_*_ms`: from the moment an event was due to its acknowledgement, connecting included, as Label Studio does for
    each webhook. `predict_100_ms`: median of 20 /predict with 100 known tasks, training all the while. Also tells
    `events`, `rounds` (run meanwhile) and `cores`. Raises StoreError where an event was not acknowledged.
    """
    with tempfile.TemporaryDirectory(prefix="labelcue-bench-") as folder, ExitStack() as stack:
        settings = _connected(Path(folder))
        rounds = stack.enter_context(_training(settings, tasks, dim, seed))
        url = stack.enter_context(_serving(settings))
        client = _Client(url, settings)
        client.predict(100)  # loads what only the first request waits for
        before = rounds.value
        latencies, took = _post(client, max(1, int(seconds * rate)), rate, tasks)
        predictions = [client.predict(100) for _ in range(PREDICTIONS)]
        trained = rounds.value - before
        if not trained:
            raise LabelCueError("Nothing was trained meanwhile, so that the figures say nothing.", "See stderr.")
        p50, p99 = np.percentile(latencies, [50, 99])
        return {
            "ack_p50_ms": 1000 * float(p50),
            "ack_p99_ms": 1000 * float(p99),
            "ack_max_ms": 1000 * max(latencies),
            "events_per_s": len(latencies) / took,
            "predict_100_ms": 1000 * float(np.median(predictions)),
            "events": len(latencies),
            "rounds": trained,
            "cores": os.cpu_count() or 1,
        }


def _connected(home: Path) -> Settings:
    """Settings of a home with one project, whose Label Studio nobody will ask."""
    connection = Connection(url="http://127.0.0.1:9", project=PROJECT, token=SecretStr("none"), title="bench")
    connection.save(Home(home).connection(PROJECT))
    fields: dict[str, Any] = {"home": home, "port": 0, "log_level": "error", "log_format": "json"}
    password, secret = SecretStr(secrets.token_urlsafe(16)), SecretStr(secrets.token_urlsafe(16))
    return Settings(**fields, basic_password=password, webhook_secret=secret)


def _post(client: _Client, events: int, rate: float, tasks: int) -> tuple[list[float], float]:
    """Seconds from due to acknowledged for each event, and of all; a slow answer delays no later event."""
    latencies: list[float] = []
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("events", total=events)

        def one(number: int, due: float) -> float:
            client.annotate(number, 1 + number % tasks)
            progress.advance(bar)
            return time.perf_counter() - due

        with ThreadPoolExecutor(CLIENTS) as pool:
            start = time.perf_counter() + 0.1
            futures = []
            for number in range(events):
                due = start + number / rate
                time.sleep(max(0.0, due - time.perf_counter()))
                futures.append(pool.submit(one, number + 1, due))
            latencies = [future.result() for future in futures]
            return latencies, time.perf_counter() - start


class _Client:
    """What Label Studio sends, each request in a connection of its own."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._address = urlsplit(url).netloc
        pair = f"{settings.basic_user}:{settings.basic_password.get_secret_value()}".encode()
        self._hook = {"LabelCue-Secret": keys.webhook(settings.webhook_secret.get_secret_value(), PROJECT, 0)}
        self._basic = {"Authorization": "Basic " + base64.b64encode(pair).decode()}

    def annotate(self, number: int, task: int) -> None:
        """One ANNOTATION_CREATED of about 3 kB, as Label Studio's are."""
        self._send("/webhook", _annotation(number, task), self._hook)

    def predict(self, count: int) -> float:
        """Seconds of one /predict for `count` known tasks."""
        tasks = [{"id": 1 + place, "data": {"text": "a mail " * 40}} for place in range(count)]
        body = {"tasks": tasks, "project": f"{PROJECT}.1", "label_config": XML, "params": {"context": None}}
        began = time.perf_counter()
        answer = self._send("/predict", body, self._basic)
        took = time.perf_counter() - began
        empty = [one for one in answer["results"] if not one["result"]]
        if empty:
            raise StoreError(f"{len(empty)} of {count} known tasks got no prediction: {empty[0].get('reason')}.")
        return took

    def _send(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            raw = json.dumps(body).encode()
            connection.request("POST", path, raw, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            said = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise StoreError(f"{path} answered {answer.status}: {said[:200]!r}.")
        return json.loads(said)


def _annotation(number: int, task: int) -> dict[str, Any]:
    at = f"2026-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.{number % 10**6:06}Z"
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [CLASSES[task % 2]]}}
    return {
        "action": "ANNOTATION_CREATED",
        "annotation": {
            "id": number,
            "task": task,
            "project": PROJECT,
            "completed_by": 1,
            "was_cancelled": False,
            "created_at": at,
            "updated_at": at,
            "result": [{"id": "a1b2c3", **region}],
        },
        "task": {"id": task, "data": {"text": "a mail " * 60}, "updated_at": at, "project": PROJECT},
        "project": {"id": PROJECT, "title": "bench", "label_config": XML, "description": "x" * 1800, "updated_at": at},
    }


@contextmanager
def _serving(settings: Settings) -> Iterator[str]:
    """A service process; its address."""
    ours, theirs = _SPAWN.Pipe(duplex=False)
    process = _SPAWN.Process(target=_serve, args=(settings.home, _clear(settings), theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield str(_received(ours, "service"))
    finally:
        process.terminate()
        process.join(15)


def _serve(home: Path, clear: dict[str, str], said: Pipe) -> None:
    from labelcue.service.serve import serve

    settings = Settings(home=home, port=0, log_level="error", **clear)  # type: ignore[arg-type]
    sys.exit(serve(settings, said.send))


def _clear(settings: Settings) -> dict[str, str]:
    return {name: getattr(settings, name).get_secret_value() for name in ("basic_password", "webhook_secret")}


@contextmanager
def _training(settings: Settings, tasks: int, dim: int, seed: int) -> Iterator[Any]:
    """A process that trains without pause; the number of its rounds, shared."""
    ours, theirs = _SPAWN.Pipe(duplex=False)
    rounds = _SPAWN.Value("q", 0)
    process = _SPAWN.Process(
        target=_train, args=(Home(settings.home).snapshot(PROJECT), tasks, dim, seed, theirs, rounds), daemon=True
    )
    process.start()
    theirs.close()
    try:
        _received(ours, "training process")
        yield rounds
    finally:
        process.terminate()
        process.join(15)


def _received(pipe: Pipe, what: str) -> Any:
    try:
        if pipe.poll(START_S):
            return pipe.recv()
    except EOFError:
        pass
    raise LabelCueError(f"The {what} did not come up within {START_S:g} s.", "Look at what it printed.")


def _train(path: Path, tasks: int, dim: int, seed: int, said: Pipe, rounds: Any) -> None:
    """Rounds for ever, as the learner runs them, on its number of threads; every tenth is a full one."""
    from labelcue.engine import Cue
    from labelcue.store.snapshot_file import write_snapshot

    rng = np.random.default_rng(seed)
    truth = rng.integers(0, len(CLASSES), tasks)
    vectors = rng.standard_normal((tasks, dim)).astype(np.float32)
    vectors[:, 0] += 3 * truth
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cue = Cue(vectors, np.arange(1, tasks + 1), classes=CLASSES, seed=seed)
    cue.label({1 + int(row): CLASSES[truth[row]] for row in rng.choice(tasks, min(200, tasks // 2), replace=False)})
    with learning():
        while threading.main_thread().is_alive():
            number = rounds.value + 1
            outcome = cue.round(seed + number, full=number % 10 == 1, head=400)
            write_snapshot(path, _snapshot(outcome, number))
            rounds.value = number
            if number == 1:
                said.send("ready")
            task = int(outcome.ids[outcome.order[0]])
            cue.label({task: CLASSES[truth[task - 1]]})


def _snapshot(outcome: Any, number: int) -> Any:
    from labelcue.store.snapshot import Snapshot
    from labelcue.types import Round

    record = Round(
        PROJECT, number, number, len(outcome.ids), "minilm@1", "coreset-margin", {}, number, True, time.time()
    )
    return Snapshot(round=record, config_sha="", **vars(outcome))
