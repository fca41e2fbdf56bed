"""The commands that take labels and predictions away as files, and name what stands."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from labelcue.errors import BadRequest, NotFound, StoreError
from labelcue.exports import marks
from labelcue.exports.formats import FORMATS, written
from labelcue.exports.kinds import KINDS, rows_of
from labelcue.exports.labelled import Row
from labelcue.flags import options
from labelcue.settings import Settings
from labelcue.store.base import Ledger
from labelcue.store.layout import Home
from labelcue.store.snapshot_file import read_snapshot

out = Console()
err = Console(stderr=True)
STDOUT = Path("-")
_file = click.Path(path_type=Path, dir_okay=False)
_project = click.option("--project", "-p", type=int, required=True, help="The project's number.")


@click.command()
@_project
@click.option("--what", type=click.Choice(list(KINDS)), default="labelled", show_default=True, help="What it holds.")
@click.option("--format", "kind", type=click.Choice(list(FORMATS)), default=None, help="How. [by FILE's ending]")
@click.option("--snapshot", default="", metavar="NAME", help="As it stood under this name. [as it stands now]")
@click.option("--output", "-o", "target", type=_file, required=True, metavar="FILE", help="- is the standard output.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@options("home", "store", "busy_ms")
def export(
    settings: Settings, project: int, what: str, kind: str | None, snapshot: str, target: Path, force: bool
) -> None:
    """Write a project's labels or predictions to FILE, as the page Data and the REST API give them.

    \b
    labelcue export -p 1 -o labels.json
    labelcue export -p 1 --what predictions -o predictions.parquet
    labelcue export -p 1 --snapshot "first release" --format csv -o - | head

    \b
    labelled       every labelled task: its data, the label of most annotators, everybody's own
    selected       every labelled task: how it was chosen, its chance, its importance weight
    disagreements  the labelled tasks whose annotators differ
    predictions    what the model says of every task; it needs a first round

    CSV and Parquet are flat, with columns data.<field>. A snapshot (`labelcue snapshot`) gives the same bytes of JSON
    and CSV whatever was labelled since. The service need not run.
    """
    kind = kind or _kind_of(target)
    if target != STDOUT and target.exists() and not force:
        raise BadRequest(f"There is a file {target} already.", "Overwrite it with --force, or name another.")
    with _ledger(settings, project) as ledger:
        mark = marks.find(ledger, project, snapshot) if snapshot else None
        rows, version = rows_of(
            ledger, project, what, mark, lambda: read_snapshot(Home(settings.home).snapshot(project))
        )
        counted = _Counted(rows)
        _write(target, written(counted, kind))
    _say(counted.rows, what, version, mark, target)


@click.command()
@_project
@click.argument("name", required=False)
@click.option("--by", default=None, help="Who names it. [you, as this machine knows you]")
@options("home", "store", "busy_ms")
def snapshot(settings: Settings, project: int, name: str | None, by: str | None) -> None:
    """Name the labels as they stand now, or show every snapshot that was named.

    \b
    labelcue snapshot -p 1
    labelcue snapshot -p 1 "first release"
    labelcue export -p 1 --snapshot "first release" -o first.json

    A snapshot never changes: its JSON has the SHA-256 that stands beside its name, next year as well.
    """
    with _ledger(settings, project) as ledger:
        if name is not None:
            made = marks.make(ledger, project, name, by or getpass.getuser())
            count = f"{made.rows:,} labelled {'task' if made.rows == 1 else 'tasks'}"
            out.print(f"Snapshot {made.name!r} holds {count}.", highlight=False, markup=False, soft_wrap=True)
            return
        table = Table("snapshot", "made", "by", "labelled tasks", "SHA-256 of its JSON")
        for one in reversed(marks.marks(ledger, project)):
            at = datetime.fromtimestamp(one.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
            table.add_row(one.name, at, one.by, f"{one.rows:,}", one.sha256)
        if table.row_count:
            out.print(table)
        else:
            out.print(f"Nothing is named yet. Name what stands now: labelcue snapshot -p {project} NAME")


@click.command()
@_project
@click.argument("before")
@click.argument("after", required=False)
@click.option("--limit", "-n", default=50, show_default=True, type=click.IntRange(min=1), help="Tasks to show.")
@options("home", "store", "busy_ms")
def changes(settings: Settings, project: int, before: str, after: str | None, limit: int) -> None:
    """Show what became of labels between the snapshots BEFORE and AFTER, or between BEFORE and now.

    \b
    labelcue changes -p 1 "first release"
    labelcue changes -p 1 "first release" "second release"
    """
    with _ledger(settings, project) as ledger:
        start = marks.find(ledger, project, before)
        end = marks.find(ledger, project, after).upto if after else ledger.position(project)
        counts, found = marks.changes(ledger, project, start.upto, end)
        table = Table("task", "before", "after", "what", title=", ".join(f"{counts[one]:,} {one}" for one in counts))
        for one in islice(found, limit):
            table.add_row(str(one.task), Text(one.was or "-"), Text(one.now or "-"), one.change)
        total = counts.total()
        out.print(table if total else f"Nothing changed between {before!r} and {after or 'now'!r}.")
        if total > limit:
            out.print(f"{total - limit:,} more: --limit {total}", highlight=False)


EXPORTING = (export, snapshot, changes)


def _say(rows: int, what: str, version: str, mark: marks.Mark | None, target: Path) -> None:
    """To the standard error: the standard output may be the file."""
    of = version if what == "predictions" else f"position {version} of the ledger"
    named = f"snapshot {mark.name!r}, " if mark is not None else ""
    where = f" to {target}" if target != STDOUT else ""
    words = f"Wrote {rows:,} {'row' if rows == 1 else 'rows'}{where}: {what}, {named}{of}."
    err.print(words, highlight=False, markup=False, soft_wrap=True)


class _Counted:
    """Rows that are counted as they pass."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._of = rows
        self.rows = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._of:
            self.rows += 1
            yield row


@contextmanager
def _ledger(settings: Settings, project: int) -> Iterator[Ledger]:
    """The ledger, if the home knows the project, connected still or not. Raises NotFound, StoreError."""
    from labelcue.store import open_ledger

    # The folder outlives the connection; a ledger of a mistyped home would be made by looking into it.
    if not Home(settings.home).project(project).is_dir():
        raise NotFound(
            f"{settings.home} knows no project {project}.",
            "Look at the number in Label Studio's address, and at --home; `labelcue status` lists projects.",
        )
    with closing(open_ledger(settings.store_url, settings.busy_ms)) as ledger:
        yield ledger


def _kind_of(target: Path) -> str:
    kind = "json" if target == STDOUT else target.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise BadRequest(
            f"The ending of {target.name} says no format.", f"Add --format: {', '.join(FORMATS)}; or end it so."
        )
    return kind


def _write(target: Path, pieces: Iterable[bytes]) -> None:
    """Put the pieces into the file in one step: whatever fails, what stood there still does. Raises StoreError."""
    if target == STDOUT:
        for piece in pieces:
            click.echo(piece, nl=False)
        return
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            file.writelines(pieces)
        part.replace(target)
    except OSError as error:
        raise StoreError(
            f"{target} cannot be written: {error.strerror or error}.",
            "Name a file in a folder that is there and that you may write to.",
        ) from error
    finally:
        part.unlink(missing_ok=True)
