"""`labelcue doctor`: the way there and back, and every trap between, each with its remedy.

It changes nothing but for one harmless save of each project, which makes Label Studio send us a webhook.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from labelcue.doctor.finding import Case, Finding
from labelcue.doctor.learner import learner_findings
from labelcue.doctor.project import project_findings
from labelcue.doctor.service import service_findings
from labelcue.doctor.studio import studio_findings
from labelcue.doctor.wiring import wiring_findings
from labelcue.errors import Corrupt, LabelStudioDown, LabelStudioError, LabelStudioRefused, NotFound, ProjectGone
from labelcue.labelstudio.client import LabelStudio
from labelcue.settings import Settings
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.store.status import read_status

__all__ = ["Finding", "examine"]


def examine(home: Home, settings: Settings, project: int | None = None) -> list[Finding]:
    """Every finding about the service and about one project, or about every connected one. Raises StoreError."""
    findings = list(service_findings(settings))
    projects = home.projects() if project is None else [project]
    if not projects:
        words = f"No project is connected in {home.root}.", "Run `labelcue connect URL --project N`."
        findings.append(Finding("connection", "warn", *words))
    for number in projects:
        findings += _examine_project(home, settings, number)
    return findings


def _examine_project(home: Home, settings: Settings, project: int) -> Iterator[Finding]:
    try:
        connection = Connection.load(home.connection(project))
    except (NotFound, Corrupt) as error:
        yield Finding("connection", "bad", error.message, error.remedy, project)
        return
    status = read_status(home.status(project))
    yield from learner_findings(project, status)
    try:
        ls = LabelStudio(connection.url, connection.token.get_secret_value(), timeout=15)
    except LabelStudioRefused as error:
        yield Finding("token", "bad", error.message, error.remedy, project)
        return
    with closing(ls):
        yield from _examine_studio(ls, settings, connection, status)


def _examine_studio(
    ls: LabelStudio, settings: Settings, connection: Connection, status: dict[str, object]
) -> Iterator[Finding]:
    project = connection.project
    try:
        yield from studio_findings(ls, connection)
        case = Case(
            ls,
            settings,
            connection,
            found=ls.project(project),
            hooks=ls.webhooks(project),
            backends=ls.backends(project),
            versions=ls.model_versions(project),
            status=status,
        )
        yield from wiring_findings(case)
        yield from project_findings(case)
    except ProjectGone as error:
        remedy = f"Deleted? `labelcue disconnect --project {project}`. Else use a token of somebody who sees it."
        yield Finding("project", "bad", error.message, remedy, project)
    except LabelStudioRefused as error:
        yield Finding("token", "bad", error.message, error.remedy, project)
    except LabelStudioDown as error:
        yield Finding("label-studio", "bad", error.message, error.remedy, project)
    except LabelStudioError as error:
        remedy = error.remedy or "Look into Label Studio's log; run `labelcue connect` again."
        yield Finding("label-studio", "bad", error.message, remedy, project)
