"""The command that lets the ledger forget what nothing is made of any more."""

from __future__ import annotations

import time
from contextlib import closing

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from labelcue.errors import NotFound
from labelcue.flags import options
from labelcue.settings import Settings
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.store.compaction import Waste, compact
from labelcue.store.layout import Home

out = Console()
err = Console(stderr=True)
DAY_S = 86_400
KINDS = ("lease", "release", "annotation", "prediction", "round")
"""What may become superfluous; the last one is a record and no event."""


@click.command("compact")
@click.option("--project", "-p", type=int, help="Only this project.")
@click.option(
    "--keep-days", default=30, show_default=True, type=click.IntRange(min=1), help="All of the last days stays."
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and let nothing go.")
@click.option("--shrink", is_flag=True, help="Give free space back to the disk: nobody can write meanwhile.")
@options("home", "store", "busy_ms")
def compact_ledger(settings: Settings, project: int | None, keep_days: int, dry_run: bool, shrink: bool) -> None:
    """Let the ledger forget what nothing is made of any more: leases that are over, versions of annotations and of
    another model's predictions that later ones replaced, records of rounds that no restart replays.

    \b
    labelcue backup before.zip && labelcue compact --dry-run
    labelcue compact
    labelcue compact --shrink          best while LabelCue is stopped

    Exports, named snapshots, chances of draws and the queue stay the same to the byte; that is checked on your ledger
    before anything goes. LabelCue goes on working meanwhile, and you may interrupt it. What is free is used again.
    """
    home = Home(settings.home)
    if not (home.root / "projects").is_dir():  # Looking into the ledger of a mistyped home would make one.
        raise NotFound(f"{home.root} knows no project.", "Look at --home.")
    with closing(open_ledger(settings.store_url, settings.busy_ms)) as ledger:
        known = ledger.projects()
        if project is not None and project not in known:
            raise NotFound(f"The ledger has nothing of project {project}.", f"It knows: {known or 'none'}.")
        found = {one: _compacted(ledger, one, keep_days, dry_run) for one in (known if project is None else [project])}
        _say(found, keep_days, dry_run)
        if shrink and not dry_run:
            ledger.shrink()
        size, free = ledger.space()
    if size:
        out.print(f"The ledger takes {size / 1e6:.1f} MB; {free / 1e6:.1f} MB of it are free for what comes.")


def _compacted(ledger: Ledger, project: int, keep_days: int, dry_run: bool) -> Waste:
    columns = (TextColumn("Project {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task(str(project), total=None)
        return compact(
            ledger,
            project,
            time.time() - DAY_S * keep_days,
            dry=dry_run,
            on_step=lambda done, total: progress.update(bar, completed=done, total=total),
        )


def _say(found: dict[int, Waste], keep_days: int, dry_run: bool) -> None:
    table = Table("project", "events", *KINDS, "MB", title=f"Superfluous and older than {keep_days} days")
    for project, waste in found.items():
        counts = (f"{waste.counts[kind]:,}" for kind in KINDS)
        table.add_row(str(project), f"{waste.read:,}", *counts, f"{waste.bytes / 1e6:.1f}")
    out.print(table)
    rows, size = sum(one.counts.total() for one in found.values()), sum(one.bytes for one in found.values())
    done = "would go; nothing has" if dry_run else "gone"
    out.print(f"{rows:,} rows, about {size / 1e6:.1f} MB: {done}.", highlight=False)
