"""`disconnect`: everything in Label Studio as it was before `connect`; the ledger and the vectors stay."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

from labelcue.connect import notes, ours
from labelcue.errors import LabelStudioError, LeaseLost, ProjectGone
from labelcue.labelstudio.client import LabelStudio
from labelcue.settings import Settings
from labelcue.store import open_ledger
from labelcue.store.connection import Connection
from labelcue.store.layout import Home

Said = Callable[[str], None]

PATIENCE = 30.0
"""Seconds, above the lease's own, in which a learner must let go; it may be in the middle of a delivery."""


def disconnect(ls: LabelStudio, home: Home, settings: Settings, project: int, *, on_step: Said) -> None:
    """Put the project back and forget the connection; what is gone already is passed over.

    Raises NotFound (not connected), LeaseLost (a learner does not let go), LabelStudioError and its kinds. Where it
    breaks off, the next run goes on; what annotators or admins changed since `connect` is left as they made it.
    """
    known = notes.find_connection(home, project)
    notes.set_aside(home, project)
    _wait_for_learner(settings, project)
    try:
        found = ls.project(project)
        _webhooks(ls, known, on_step)
        _predictions(ls, project, on_step)
        _backends(ls, known, on_step)
        _settings(ls, known, on_step)
        on_step(f"Project {project}, {found.get('title')!r}, is as it was")
    except ProjectGone:
        on_step(f"Project {project} is gone from Label Studio: there is nothing to put back")
    notes.forget(home, project)


def _wait_for_learner(settings: Settings, project: int) -> None:
    """Return when no learner holds the project: a delivery under way would undo what we do."""
    holder = f"disconnect:{uuid.uuid4().hex}"
    deadline = time.monotonic() + settings.lease_s + PATIENCE
    with closing(open_ledger(settings.store_url, settings.busy_ms)) as ledger:
        while not ledger.acquire(project, holder, settings.lease_s):
            if time.monotonic() > deadline:
                raise LeaseLost(
                    f"A learner still holds project {project}.", "Stop `labelcue serve`, then run this command again."
                )
            time.sleep(0.1)
        ledger.relinquish(project, holder)


def _webhooks(ls: LabelStudio, known: Connection, on_step: Said) -> None:
    """Before all else: what we change from here on is not worth a message."""
    url = ours.webhook_url(str(known.before.get("service", "")))
    kept: dict[str, Any] = known.before.get("webhooks", {})
    for hook in ls.webhooks(known.project):
        if str(hook["id"]) in kept:
            on_step(f"Put back the webhook {hook['id']}")
            ls.update_webhook(int(hook["id"]), **kept[str(hook["id"])])
        elif hook["id"] == known.webhook_id or hook["url"] == url:
            on_step("Deleted the webhook to LabelCue")
            ls.delete_webhook(int(hook["id"]))


def _predictions(ls: LabelStudio, project: int, on_step: Said) -> None:
    for version, held in ls.model_versions(project).items():
        if version and held and ours.is_our_version(version):
            on_step(f"Deleted the {held} predictions of {version}")
            ls.delete_predictions(project, version)


def _backends(ls: LabelStudio, known: Connection, on_step: Said) -> None:
    url = str(known.before.get("service", ""))
    kept: dict[str, Any] = known.before.get("backends", {})
    for backend in ls.backends(known.project):
        number = int(backend["id"])
        if str(number) in kept:
            on_step(f"Put back the backend {kept[str(number)].get('title')!r}")
            # Label Studio wants the password again, and takes an empty one for the one that it has.
            same = {"basic_auth_pass": ""} if kept[str(number)].get("auth_method") == "BASIC_AUTH" else {}
            ls.update_backend(number, project=known.project, **kept[str(number)], **same)
        elif number == known.backend_id or str(backend["url"]).rstrip("/") == url:
            on_step("Deleted the machine-learning backend")
            ls.delete_backend(number)


def _settings(ls: LabelStudio, known: Connection, on_step: Said) -> None:
    """Sampling and model version, unless somebody has chosen others since."""
    found = ls.project(known.project)
    fields: dict[str, Any] = {}
    sampling = known.before.get("sampling")
    if sampling and found.get("sampling") == ours.SAMPLING != sampling:
        fields["sampling"] = sampling
    shown = known.before.get("show_collab_predictions")
    if shown is not None and found.get("show_collab_predictions") != shown:
        fields["show_collab_predictions"] = shown
    current, wanted = found.get("model_version"), known.before.get("model_version")
    # Label Studio takes "" but not null; where null is wanted, deleting our predictions has just left it.
    if ours.is_our_version(current) and current != wanted and (current or wanted is not None):
        fields["model_version"] = wanted or ""
    if fields.get("show_collab_predictions") is False:
        fields.setdefault("model_version", current or "")  # Label Studio empties it otherwise.
    if not fields:
        return
    on_step("Set the project's " + ", ".join(f"{name} = {value!r}" for name, value in fields.items()))
    try:
        ls.update_project(known.project, **fields)
    except LabelStudioError as error:
        if not fields.get("model_version") or "model_version" not in error.message:
            raise
        on_step(f"The predictions of {wanted!r} are gone, so that the project is left without a model version")
        ls.update_project(known.project, **{**fields, "model_version": ""})
