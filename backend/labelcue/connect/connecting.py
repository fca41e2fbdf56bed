"""`connect`: backend, webhook, sampling and model version of one project, each mended only where it must be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timezone
from typing import Any, Literal

from pydantic import SecretStr

from labelcue.connect import notes, ours
from labelcue.connect.mending import Mending
from labelcue.connect.reach import require_service
from labelcue.consulting.naming import require_model
from labelcue.embedders import embedders
from labelcue.embedders.fitting import embedder_for
from labelcue.errors import ConfigError, NotFound
from labelcue.labelstudio.client import LabelStudio
from labelcue.labelstudio.config import parse_config, words_of
from labelcue.labelstudio.events import label_config_event
from labelcue.labelstudio.way import way_of
from labelcue.settings import Settings
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.types import Kind

Said = Callable[[str], None]


def connect(
    ls: LabelStudio,
    home: Home,
    settings: Settings,
    project: int,
    *,
    token: SecretStr,
    embedder: str,
    pre_annotation: Literal["off", "confident", "on"],
    model: str = "",
    renew: bool = False,
    on_step: Said,
) -> Connection:
    """Put the project in order and remember how it was; a second run changes nothing and says so.

    `embedder` may be `auto`: the one that suits the label config. `model` names another model that is asked what it
    says of the tasks. `renew` gives the webhook a new secret; the old one opens nothing any more.

    Raises ConfigError (service, secrets, address, another Label Studio), UnsupportedConfig, LabelStudioError and its
    kinds. What was done until then stays noted: run it again, or `disconnect`.
    """
    require_model(model)
    found = _examine(ls, home, settings, project, on_step)
    embedder = embedder_for(embedder, parse_config(str(found["label_config"])).object)
    full_name = embedders.resolve(embedder)
    known = _known(home, project, found)
    draft = Connection(
        url=ls.url,
        project=project,
        token=token,
        title=str(found.get("title", "")),
        backend_id=known.backend_id if known else None,
        webhook_id=known.webhook_id if known else None,
        renewals=(known.renewals if known else 0) + renew,
        embedder=embedder,
        pre_annotation=pre_annotation,
        model=model,
        before={**(known.before if known else _as_it_is(found)), "service": settings.base_url},
    )
    mending = Mending(ls, home, settings, draft, on_step, fresh=known is None)
    mending.webhook()
    mending.backend()
    mending.strays()
    mending.project()
    with closing(open_ledger(settings.store_url, settings.busy_ms)) as ledger:
        _record_config(ledger, project, str(found["label_config"]))
    _finish(home, mending, full_name)
    on_step(f"Annotators are served {way_of(ls, project).words}")
    return mending.connection


def _examine(ls: LabelStudio, home: Home, settings: Settings, project: int, on_step: Said) -> dict[str, Any]:
    """Everything that may be wrong before anything is changed; the project as it is."""
    service = ours.service_url(settings)
    user = ls.whoami()
    on_step(f"Label Studio {ls.version()} at {ls.url}, as {user.get('email', user.get('id'))}")
    _only_one(home, ls.url, project)
    found = ls.project(project)
    spec = parse_config(str(found["label_config"]))
    on_step(f"Project {project}, {found.get('title')!r}: {words_of(spec)}")
    require_service(settings)
    on_step(f"The service answers; Label Studio will call it at {service}")
    return found


def _only_one(home: Home, url: str, project: int) -> None:
    """One ledger knows projects by number alone, so that two Label Studios would be mixed up."""
    for number in home.projects():
        other = Connection.load(home.connection(number))
        if other.url != url:
            raise ConfigError(
                f"This home is connected to {other.url} (project {number}), and serves one Label Studio alone.",
                f"Use another --home and --port for {url}; or, if Label Studio has moved, `labelcue disconnect` first.",
            )


def _known(home: Home, project: int, found: dict[str, Any]) -> Connection | None:
    try:
        known = notes.find_connection(home, project)
    except NotFound:
        return None
    if known.before.get("created_at") != found.get("created_at"):
        raise ConfigError(
            f"Project {project} is not the one that was connected here: it was made at {found.get('created_at')}.",
            "Label Studio was set up anew, it seems. Use another --home: this one knows other tasks by these numbers.",
        )
    return known


def _as_it_is(found: dict[str, Any]) -> dict[str, Any]:
    version = found.get("model_version")
    return {
        "created_at": found.get("created_at"),
        "sampling": found.get("sampling"),
        "show_collab_predictions": found.get("show_collab_predictions"),
        "model_version": "" if version and ours.is_our_version(version) else version,
        "webhooks": {},
        "backends": {},
    }


def _record_config(ledger: Ledger, project: int, xml: str) -> None:
    """Tell the ledger the label config, unless it knows it."""
    marks = ((event.body, event.key) for event in ledger.read(project) if event.kind is Kind.LABEL_CONFIG)
    latest = max(marks, key=lambda mark: (mark[0]["updated_at"], mark[1]), default=({}, ""))[0]
    if latest.get("label_config") != xml:
        now = datetime.now(timezone.utc).isoformat()
        ledger.append([label_config_event(project, xml, now)])


def _finish(home: Home, mending: Mending, embedder: str) -> None:
    path = home.connection(mending.connection.project)
    try:
        same = Connection.load(path) == mending.connection
    except NotFound:
        same = False
    if not same:
        mending.connection.save(path)
        mending.on_step(f"Remembered the connection; tasks are embedded by {embedder}")
    notes.forget(home, mending.connection.project)
    if same and not mending.changes:
        mending.on_step("Everything stands as it should: nothing was changed")
