"""The commands that keep a home in one file, and bring it back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from labelcue.errors import Conflict
from labelcue.flags import options
from labelcue.settings import Settings, load_settings
from labelcue.store.layout import Home

out = Console()
err = Console(stderr=True)
_file = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("target", metavar="FILE", type=_file)
@click.option("--vectors/--no-vectors", default=True, show_default=True, help="Vectors too; tasks are embedded again.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@options("home", "store", "busy_ms")
def backup(settings: Settings, target: Path, vectors: bool, force: bool) -> None:
    """Keep the home folder in one FILE: ledger, settings, secrets, connections, vectors, the published queues.

    \b
    labelcue backup labelcue-backup.zip
    labelcue backup --no-vectors small.zip

    LabelCue goes on working meanwhile. FILE is read back and checked, and replaced whole. It holds every secret and
    what annotators wrote: keep it as private as Label Studio's database.
    """
    from labelcue.backups import make_backup
    from labelcue.store import open_ledger

    if target.exists() and not force:
        raise Conflict(f"There is a file {target} already.", "Overwrite it with --force, or name another.")
    with closing(open_ledger(settings.store_url, settings.busy_ms)) as ledger, _bar() as on_step:
        made = make_backup(Home(settings.home), ledger, target, vectors=vectors, on_step=on_step)
    _say(f"Kept {made.events:,} events, {len(made.projects)} projects and {len(made.files)} files in {target}.")
    with target.open("rb") as file:
        _say(f"SHA-256 {_sha256(file.read)}")


@click.command()
@click.argument("source", metavar="FILE", type=_file)
@options("home")
def restore(settings: Settings, source: Path) -> None:
    """Bring a FILE of `labelcue backup` back into an empty home folder. Nothing is there before all of it is checked.

    \b
    labelcue restore labelcue-backup.zip --home ~/.labelcue

    Then start `labelcue serve`: what Label Studio heard since the backup is found again by reconcile.
    """
    from labelcue.backups import restore_backup

    home = Home(settings.home)
    with _bar() as on_step:
        made = restore_backup(source, home, on_step)
    at = datetime.fromtimestamp(made.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    _say(f"Restored {made.events:,} events of {len(made.projects)} projects, as of {at}, to {home.root}.")
    store = load_settings({"home": home.root}).store_url
    if store != f"sqlite:///{home.ledger_path}":
        _say(f"Your settings place the ledger at {store}: move {home.ledger_path} there before you start.")


KEEPING = (backup, restore)


@contextmanager
def _bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on a terminal's standard error."""
    columns = (TextColumn("{task.description:<48}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("")

        def on_step(doing: str, done: int, total: int) -> None:
            progress.update(bar, description=doing[:48], completed=done, total=total or 1)

        yield on_step


def _say(words: str) -> None:
    out.print(words, highlight=False, markup=False, soft_wrap=True)


def _sha256(read: Callable[[int], bytes]) -> str:
    digest = hashlib.sha256()
    while piece := read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()
