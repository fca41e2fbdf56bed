"""The commands that choose how a project's queue is made. Each save is a version in the ledger; any can come back."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from labelcue.errors import WrongSetting
from labelcue.flags import options
from labelcue.queueing.desk import Desk
from labelcue.queueing.settings import QueueSettings, in_words
from labelcue.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])
out = Console()
project_option = click.option("--project", "-p", type=int, required=True, help="The project's number.")


def _saving(function: F) -> F:
    """The options of whatever saves a version."""
    by = click.option("--by", default=None, help="Who saves it. [you, as this machine knows you]")
    expected = click.option(
        "--if-version", type=int, default=None, metavar="N", help="Save only if version N still stands."
    )
    return project_option(by(expected(options("home", "store", "busy_ms")(function))))


@contextmanager
def desk_of(settings: Settings, project: int) -> Iterator[Desk]:
    """Where its settings are read and saved."""
    from labelcue.offering import catalogue_of
    from labelcue.store import open_ledger

    ledger = open_ledger(settings.store_url, settings.busy_ms)
    try:
        yield Desk(settings, ledger, project, lambda: catalogue_of(settings.strategy, settings.surrogate))
    finally:
        ledger.close()


@click.command()
@click.argument("name", required=False)
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of the strategy; repeatable.")
@click.option("--surrogate", default=None, help="What learns from the labels: logistic, graph, committee.")
@_saving
def strategy(
    settings: Settings,
    project: int,
    name: str | None,
    params: tuple[str, ...],
    surrogate: str | None,
    by: str | None,
    if_version: int | None,
) -> None:
    """Show the strategies and when to use each, or choose one; the queue follows within a second.

    \b
    labelcue strategy -p 1
    labelcue strategy -p 1 herding
    labelcue strategy -p 1 power-margin --param beta=2
    """
    with desk_of(settings, project) as desk:
        if name is None and not params and surrogate is None:
            _show_strategies(desk)
            return
        wanted: dict[str, Any] = {"strategy": name} if name is not None else {}
        wanted |= {"params": dict(map(_pair, params))} if params or name is not None else {}
        wanted |= {"surrogate": surrogate} if surrogate is not None else {}
        _save(desk, wanted, by, if_version)


@click.command("set")
@click.argument("assignments", nargs=-1, metavar="[FIELD=VALUE]...")
@_saving
def set_fields(
    settings: Settings, project: int, assignments: tuple[str, ...], by: str | None, if_version: int | None
) -> None:
    """Show every setting of a project's queue and what it means, or save some; the queue follows within a second.

    \b
    labelcue set -p 1
    labelcue set -p 1 audit=0.1 pre_annotation=confident
    labelcue set -p 1 slice_field=language slices.de=0.3 slices.fr=0.2
    labelcue set -p 1 classes.spam=0.4 classes.ham=      # nothing after = takes one back
    """
    with desk_of(settings, project) as desk:
        if not assignments:
            _show_settings(desk)
            return
        _save(desk, assigned(assignments, desk.current.settings), by, if_version)


@click.command()
@project_option
@options("home", "store", "busy_ms")
def history(settings: Settings, project: int) -> None:
    """Show who changed what when; `labelcue back` returns to any version."""
    with desk_of(settings, project) as desk:
        table = Table("version", "when", "who", "what changed")
        for one in reversed(desk.versions):
            back = f" (back to version {one.back_to})" if one.back_to is not None else ""
            what = in_words(list(one.changed)) + back if one.number else "before anybody saved settings"
            table.add_row(str(one.number), _when(one.at), one.by or "-", what)
        out.print(table)


@click.command()
@click.argument("version", type=int)
@_saving
def back(settings: Settings, project: int, version: int, by: str | None, if_version: int | None) -> None:
    """Make the settings of an earlier VERSION those of now, as a new version."""
    with desk_of(settings, project) as desk:
        before = desk.current.number
        saved = desk.back(version, if_version=before if if_version is None else if_version, by=_name(by))
        _say(project, before, saved.number, in_words(list(saved.changed)))


@click.command()
@click.option("--share", default=None, metavar="SHARE", help="Share of the places that are drawn at random; 0: none.")
@click.option("--retire", is_flag=True, help="Let the model learn from all audits of so far; a new sample begins.")
@_saving
def audit(
    settings: Settings, project: int, share: str | None, retire: bool, by: str | None, if_version: int | None
) -> None:
    """Show the audits, which measure the model honestly; change their share, or retire them.

    \b
    labelcue audit -p 1
    labelcue audit -p 1 --share 0.1
    labelcue audit -p 1 --retire
    """
    with desk_of(settings, project) as desk:
        if share is not None:
            _save(desk, {"audit": share}, by, if_version)
        if retire:
            out.print(f"Retired {desk.retire(by=_name(by))} audits: the model learns from them in its next round.")
        if share is None and not retire:
            count = desk.audits()
            out.print(
                f"{desk.current.settings.audit:.1%} of the places are drawn at random. "
                f"Labelled so far, and held out of training: {count.labelled}; in the queue: {count.waiting}.",
                highlight=False,
            )


CHOOSING = (strategy, set_fields, audit, history, back)


def _save(desk: Desk, wanted: Mapping[str, Any], by: str | None, if_version: int | None) -> None:
    before = desk.current.number
    saved = desk.save(wanted, if_version=before if if_version is None else if_version, by=_name(by))
    _say(desk.project, before, saved.number, in_words(list(saved.changed)))


def _say(project: int, before: int, after: int, what: str) -> None:
    if after == before:
        out.print(f"Nothing to change: version {after} of project {project} says so already.", highlight=False)
        return
    out.print(f"Version {after} of project {project}: {what}. The queue follows within a second.", highlight=False)
    out.print(f"Take it back with: labelcue back -p {project} {before}", highlight=False)


def _name(by: str | None) -> str:
    return by or getpass.getuser()


def _show_strategies(desk: Desk) -> None:
    chosen = desk.current.settings.strategy.partition("@")[0]
    table = Table("", "strategy", "what it does", "when to use it", "parameters")
    for card in desk.catalogue.strategies:
        params = "; ".join(f"{one.name} ({one.default:g}): {one.says} {one.range}" for one in card.params)
        table.add_row("→" if card.name == chosen else "", card.name, card.summary, card.when, params)
    out.print(table)


def _show_settings(desk: Desk) -> None:
    current = desk.current
    table = Table("field", "value", "what it means", title=f"version {current.number}")
    values = current.settings.model_dump()
    for name, field in QueueSettings.model_fields.items():
        value = values[name]
        shown = ", ".join(f"{key}={one:g}" for key, one in value.items()) if isinstance(value, dict) else str(value)
        table.add_row(name, shown or "-", field.description)
    out.print(table)


def assigned(assignments: tuple[str, ...], settings: QueueSettings) -> dict[str, Any]:
    """`a=1 b.c=2` as fields, on top of what the fields with parts hold now."""
    wanted: dict[str, Any] = {}
    now = settings.model_dump()
    for text in assignments:
        path, _, value = text.partition("=")
        name, dot, part = path.partition(".")
        if "=" not in text or (dot and not isinstance(now.get(name), dict)):
            raise WrongSetting(name, f"{text!r} sets nothing.", "Write FIELD=VALUE, or FIELD.PART=VALUE for shares.")
        if not dot:
            wanted[name] = {} if isinstance(now.get(name), dict) and not value else value
            continue
        parts = wanted.setdefault(name, dict(now[name]))
        parts.pop(part, None)
        if value:
            parts[part] = value
    return wanted


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise WrongSetting("params", f"{text!r} sets no parameter.", "Write --param NAME=VALUE.")
    return name, value


def _when(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else "-"
