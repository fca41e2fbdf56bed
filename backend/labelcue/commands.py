"""What the commands of the command line do, and how they show it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

from pydantic import SecretStr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from labelcue.errors import ConfigError, LabelCueError, NotFound
from labelcue.settings import PREFIX, Settings
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.store.snapshot_file import read_snapshot
from labelcue.store.status import read_status
from labelcue.types import TaskId

WAIT_S = 3600.0
"""How long `connect` follows a project before it leaves it to itself."""
FRESH_S = 15.0
"""A learner that has said nothing for so long is taken for dead."""
_MARKS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "bad": "[red]✗[/]"}


def connect(
    out: Console, settings: Settings, url: str, project: int, token: str, *, wait: bool, renew: bool = False
) -> None:
    """Connect a project, then follow its learner until the queue stands in Label Studio."""
    from labelcue import connect as connecting
    from labelcue.labelstudio.client import LabelStudio

    home = Home(settings.home)
    with closing(LabelStudio(url, token)) as ls:
        connecting.connect(
            ls,
            home,
            settings,
            project,
            token=SecretStr(token),
            embedder=settings.embedder,
            pre_annotation=settings.pre_annotation,
            model=settings.model,
            renew=renew,
            on_step=lambda words: out.print(f"  {words}", highlight=False),
        )
    if wait:
        follow(out, home, project)
    out.print(f"Connected. See it with: labelcue status -p {project}; check it with: labelcue doctor -p {project}")


def follow(out: Console, home: Home, project: int) -> None:
    """Progress bars of taking over and embedding, until the first frontier is delivered."""
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    deadline = time.monotonic() + WAIT_S
    with Progress(*columns, console=out) as bars:
        reading = bars.add_task("Reading tasks and labels", total=None)
        embedding = bars.add_task("Embedding", total=None)
        while time.monotonic() < deadline:
            words = read_status(home.status(project))
            done, total = _part(words.get("reconcile", {}).get("progress"))
            bars.update(reading, completed=done or words.get("tasks", 0), total=total or words.get("tasks") or None)
            embedded = words.get("embedding", {})
            bars.update(embedding, completed=embedded.get("done", 0), total=embedded.get("total") or None)
            delivered = words.get("delivery", {}).get("version")
            if delivered and embedded.get("done") == embedded.get("total"):
                return
            if words.get("config_error"):
                raise ConfigError(str(words["config_error"]), "Change the label config in Label Studio.")
            time.sleep(0.2)


def _part(progress: Any) -> tuple[int, int]:
    return (int(progress[0]), int(progress[1])) if isinstance(progress, list) and len(progress) == 2 else (0, 0)


def disconnect(out: Console, settings: Settings, project: int) -> None:
    """Put Label Studio back as it was."""
    from labelcue import connect as connecting
    from labelcue.labelstudio.client import LabelStudio

    home = Home(settings.home)
    known = connecting.find_connection(home, project)
    with closing(LabelStudio(known.url, known.token.get_secret_value())) as ls:
        connecting.disconnect(
            ls, home, settings, project, on_step=lambda words: out.print(f"  {words}", highlight=False)
        )
    out.print("Disconnected. Labels and ledger are kept.")


def pages(out: Console, settings: Settings) -> None:
    """The pages' address and a one-time link; the code stands behind the #, so that no server logs it."""
    from labelcue.service.pages.session import new_code

    out.print(f"Pages of all projects: {settings.base_url}/", highlight=False, soft_wrap=True)
    if settings.basic_password.get_secret_value():
        link = f"{settings.base_url}/login#code={new_code(settings)}"
        out.print(f"Log in once, within ten minutes: {link}", highlight=False, soft_wrap=True)


def doctor(out: Console, settings: Settings, project: int | None) -> int:
    """Print every finding with its remedy; 1 if something is broken."""
    from labelcue.doctor import examine

    findings = list(examine(Home(settings.home), settings, project))
    for finding in findings:
        out.print(f"{_MARKS[finding.level]} [bold]{finding.name}[/]: {finding.what}", highlight=False)
        if finding.level != "ok" and finding.remedy:
            out.print(f"    → {finding.remedy}", highlight=False)
    return int(any(finding.level == "bad" for finding in findings))


def status(out: Console, settings: Settings, project: int | None, *, as_json: bool) -> None:
    """One row a project, or everything as JSON."""
    home = Home(settings.home)
    numbers = [project] if project is not None else home.projects()
    words = {number: read_status(home.status(number)) for number in numbers}
    if as_json:
        out.print_json(json.dumps({str(number): word for number, word in words.items()}))
        return
    if not words:
        out.print("No project is connected. Connect one: labelcue connect URL --project N")
        return
    for number, word in words.items():
        table = Table("project", str(number), title_justify="left")
        table.add_row("served", _served(home, number))
        for name, value in _rows(word):
            table.add_row(name, value)
        out.print(table)


def _served(home: Home, project: int) -> str:
    """The way in which annotators get the queue; Label Studio is asked, once and not for long."""
    from labelcue.labelstudio.client import LabelStudio
    from labelcue.labelstudio.way import way_of

    try:
        known = Connection.load(home.connection(project))
        with closing(LabelStudio(known.url, known.token.get_secret_value(), timeout=3, wait=_no_pause)) as ls:
            return way_of(ls, project).words
    except LabelCueError as error:
        return f"unknown: {error.message}"


def _no_pause(_seconds: float) -> None:
    """Somebody looks at the screen."""


def _rows(words: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What one project's learner said, as lines for people."""
    now = time.time()
    embedding, last, delivery, reconciled, other = (
        words.get(at) or {} for at in ("embedding", "round", "delivery", "reconcile", "model")
    )
    yield "learner", "running" if abs(now - float(words.get("at", 0))) < FRESH_S else "[red]not running[/]"
    yield "tasks", f"{words.get('tasks', 0)}, of which {embedding.get('unreadable', 0)} cannot be read"
    yield "embedded", f"{embedding.get('done', 0)} of {embedding.get('total', 0)}"
    if other.get("model"):
        yield "other model", f"heard of {other.get('heard', 0)}, says nothing that counts of {other.get('missing', 0)}"
    yield from _crops(words.get("crops") or {})
    yield "labels", str(last.get("labelled", 0))
    if last:
        yield "model", f"cue-{last['number']}, ordered by {last['strategy']}, {1000 * last['seconds']:.0f} ms"
    yield "frontier", f"{delivery.get('version') or 'none yet'}, {delivery.get('left', 0)} tasks left"
    if reconciled.get("last_ok"):
        yield "last reconcile", f"{now - reconciled['last_ok']:.0f} s ago"
    for where in (words, embedding, delivery, reconciled, other, words.get("crops") or {}):
        if where.get("error"):
            yield "[red]error[/]", str(where["error"])
    if words.get("gone"):
        yield "[red]deleted[/]", "The project is gone from Label Studio; let go of it: labelcue disconnect"
    if words.get("config_error"):
        yield "[red]label config[/]", str(words["config_error"])


def _crops(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is learned of the classes of boxes, where another model draws them."""
    if told.get("learned"):
        learned = f"{told['learned']} boxes of {told['classes']} classes learned"
        yield "crops", f"{learned}, {told['judged']} tasks judged, {told['waiting']} wait"
    elif told:
        yield "crops", f"no model yet, which takes some boxes of two classes; {told['kept']} boxes embedded"


def insights(
    out: Console, err: Console, settings: Settings, project: int, asked: Mapping[str, str], *, as_json: bool
) -> None:
    """Compute a project's insights and write them beside its snapshot; the sentences, or everything as JSON.

    `asked`: a target, the price of a label and its currency, as far as they are given. Ends when whoever started it
    does, as the learner may.
    """
    from labelcue.processes import learning
    from labelcue.store import open_ledger
    from labelcue.studying import study
    from labelcue.supervisor import end_with_supervisor

    end_with_supervisor(lambda: os._exit(0))
    bars = Progress(
        TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), console=err, transient=True
    )
    with learning(1), closing(open_ledger(settings.store_url, settings.busy_ms)) as ledger, bars:
        bar = bars.add_task("reading", total=None)

        def progress(name: str, step: int, of: int) -> None:
            bars.update(bar, description=name, completed=step, total=of)

        found = study(Home(settings.home), ledger, project, progress)
    if as_json:
        out.print_json(json.dumps(found.as_json()))
        return
    for name in ("audit", "curve", "errors", "agreement", "spending", "coverage", "drift", "stopping"):
        out.print(f"[bold]{name:>10}[/]  {getattr(found, name).sentence}", highlight=False, soft_wrap=True)
    if asked:
        out.print(
            f"[bold]{'target':>10}[/]  {_budget(asked, found.as_json()['curve'])}", highlight=False, soft_wrap=True
        )


def _budget(asked: Mapping[str, str], curve: Mapping[str, Any]) -> str:
    """What a target still takes, in labels, hours and money. Raises BadRequest."""
    from labelcue.service.pages import words
    from labelcue.service.pages.budget import budget

    found = budget(asked, {}, curve)
    said = [found.sentence or f"{curve['sentence']} Without that, nobody can say what a target takes."]
    if found.hours is not None:
        hours = words.interval(found.hours, lambda value: words.span(None if value is None else 3600 * value))
        said.append(f"Time of labelling at the present pace: {hours}.")
    if found.money is not None:
        said.append(f"Money: {words.interval(found.money, lambda value: words.money(value, found.currency))}.")
    return " ".join(said)


def queue(out: Console, settings: Settings, project: int, limit: int) -> None:
    """The head of the published queue."""
    snapshot = read_snapshot(Home(settings.home).snapshot(project))
    table = Table(
        "place", "task", "priority", "uncertainty", "novelty", "predicted", "why", title=f"{snapshot.version}"
    )
    for place, task in enumerate(snapshot.order[:limit]):
        standing = snapshot.of(TaskId(int(task)))
        if standing is None:
            continue
        predicted = f"{standing.label} {standing.confidence:.2f}" if standing.label else "-"
        figures = (f"{value:.3f}" for value in (standing.priority, standing.uncertainty, standing.novelty))
        table.add_row(str(place), str(task), *figures, predicted, standing.reason)
    out.print(table)


def reconcile(out: Console, settings: Settings, project: int) -> None:
    """Touch the file that the learner watches."""
    home = Home(settings.home)
    if not home.connection(project).is_file():
        raise NotFound(f"Project {project} is not connected.", "Run `labelcue connect` first.")
    (home.project(project) / "wake").touch()
    out.print("Asked. The result stands in: labelcue status")


def show_settings(out: Console, settings: Settings) -> None:
    """Every setting with its value, its variable and what it does."""
    table = Table("setting", "value", "variable", "what it does")
    for name, field in Settings.model_fields.items():
        table.add_row(name, str(getattr(settings, name)), f"{PREFIX}{name.upper()}", field.description)
    out.print(table)
