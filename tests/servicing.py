"""A home with one connected project and a published round, and an app on it, for tests of the service."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr

from labelcue.offering import catalogue_of
from labelcue.queueing.catalogue import write_catalogue
from labelcue.service.app import create_app
from labelcue.service.context import Service
from labelcue.settings import Settings
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.store.snapshot import Snapshot
from labelcue.store.snapshot_file import write_snapshot
from labelcue.types import Round

PASSWORD = "canary-basic-password"
SECRET = "canary-webhook-secret"
TOKEN = "canary-label-studio-token"
NOW = 1_800_000_000.5
XML = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    '<Choice value="pos"/><Choice value="neg"/></Choices></View>'
)
BASIC = {"Authorization": "Basic " + base64.b64encode(f"labelcue:{PASSWORD}".encode()).decode()}
BEARER = {"Authorization": f"Bearer {SECRET}"}
HOOK = {"LabelCue-Secret": SECRET}


def settings_of(home: Path, **changes: Any) -> Settings:
    """Settings with secrets and a ledger in memory."""
    fields: dict[str, Any] = {"home": home, "store": "memory:", "basic_password": PASSWORD, "webhook_secret": SECRET}
    fields["busy_ms"] = 60_000  # A busy machine is slow, not broken.
    return Settings(**{**fields, **changes})


def client_of(home: Path, **changes: Any) -> FlaskClient:
    """A client of a fresh app."""
    return create_app(settings_of(home, **changes), clock=lambda: NOW).test_client()


def service_of(app: Flask) -> Service:
    """What the app's requests share."""
    service: Service = app.extensions["labelcue"]
    return service


def connect(home: Path, project: int = 10, **changes: Any) -> None:
    """As `labelcue connect` leaves it."""
    fields: dict[str, Any] = {"url": "http://127.0.0.1:9", "project": project, "token": SecretStr(TOKEN)}
    Connection(**{**fields, "title": f"Project {project}", **changes}).save(Home(home).connection(project))


def offer(home: Path) -> None:
    """What a learner writes down at its start."""
    write_catalogue(Home(home).catalogue, catalogue_of("herding", "logistic"))


def publish(home: Path, ids: Sequence[int], **changes: Any) -> Snapshot:
    """Write a round in which tasks stand in the order of their ids; the first label is the less probable one."""
    snapshot = snapshot_of(ids, **changes)
    write_snapshot(Home(home).snapshot(snapshot.round.project), snapshot)
    return snapshot


def snapshot_of(
    ids: Sequence[int],
    *,
    project: int = 10,
    number: int = 3,
    classes: tuple[str, ...] = ("pos", "neg"),
    trained: bool = True,
    dim: int = 4,
    embedder: str = "letters",
) -> Snapshot:
    """n tasks whose probabilities for the classes are all different."""
    n, c = len(ids), len(classes)
    rng = np.random.default_rng(number)
    raw = rng.random((n, c)).astype(np.float32) + np.float32(0.1)
    return Snapshot(
        round=Round(project, number, 7, n, embedder, "coreset-margin", {}, 0, True, NOW - 60),
        classes=classes,
        trained=trained,
        temperature=2.0,
        l2=0.1,
        labelled=5,
        config_sha=hashlib.sha256(XML.encode()).hexdigest(),
        ids=np.array(sorted(ids), dtype=np.int64),
        probabilities=raw / raw.sum(axis=1, keepdims=True),
        priority=np.linspace(1, 0, n, dtype=np.float32),
        novelty=np.full(n, 0.25, dtype=np.float32),
        rank=np.arange(n, dtype=np.int64),
        weights=rng.standard_normal((c, dim)).astype(np.float32),
        bias=rng.standard_normal(c).astype(np.float32),
        cover=np.full(n, 4.0, dtype=np.float32),
    )
