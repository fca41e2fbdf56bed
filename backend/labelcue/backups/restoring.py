"""A backup into an empty home. The file may come from anywhere: nothing in it is trusted before it is checked.

Names are those of a home and of nothing else; sizes are bounded by the list, the list by the archive and the disk;
every file has the SHA-256 that the list says; the ledger has our tables and passes SQLite's own check. Only then does
anything move into its place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from labelcue.backups.manifest import FORMAT, LEDGER, LIST, LIST_BYTES, Manifest, no_backup, read_manifest
from labelcue.errors import ConfigError, Conflict, NotFound, StoreError, TooLarge
from labelcue.settings import FILE_NAME, load_settings
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.store.sqlite import SqliteLedger

CHUNK = 1 << 20
RATIO = 400
"""Text of a ledger shrinks to a twentieth; nothing honest of it to a four-hundredth."""
SPARE = 64_000_000
"""Bytes that any archive may unfold to."""
_OURS = ("projects", LEDGER, "plugin.secret", FILE_NAME)
"""What a home begins with; moved in this order, so that a home that can be served has everything."""


def restore_backup(source: Path, home: Home, on_step: Callable[[str, int, int], None]) -> Manifest:
    """Unfold `source` into a home that has nothing of LabelCue yet; what it held.

    Raises Conflict where the home is taken, Corrupt where the file is no whole backup, TooLarge where it unfolds to
    more than there is room for, ConfigError where a later LabelCue made it, StoreError.
    """
    _require_free(home)
    if not source.is_file():
        raise NotFound(f"There is no backup {source}.", "Look at its name.")
    try:
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=home.root) as name:
            staged = Home(Path(name))
            manifest = _unfold(source, staged, on_step)
            _check_home(source, staged)
            for child in _OURS:
                if (staged.root / child).exists():
                    os.rename(staged.root / child, home.root / child)
            return manifest
    except OSError as error:
        raise StoreError(
            f"{home.root} cannot be restored: {error.strerror or error}.",
            "Free disk space and let this user write there; what has come of it can be deleted.",
        ) from error


def check_backup(source: Path, on_step: Callable[[str, int, int], None]) -> Manifest:
    """Read a backup whole, without writing anything; raises what `restore_backup` raises of the file itself."""
    with _opened(source) as (archive, manifest):
        for name in manifest.files:
            for _ in _pieces(archive, name, manifest, source, on_step, "Checking"):
                pass
    return manifest


def _require_free(home: Home) -> None:
    taken = [name for name in _OURS if (home.root / name).exists()]
    if taken:
        raise Conflict(
            f"There is a LabelCue in {home.root} already ({', '.join(taken)}).",
            "Stop it and move that folder away, or name an empty one by --home.",
        )


@contextmanager
def _opened(source: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """The archive and its list; whatever a damaged or hostile file makes zipfile raise leaves as one of our errors."""
    try:
        with source.open("rb") as file, zipfile.ZipFile(file) as archive:
            yield archive, _listed(archive, source)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise no_backup(source, f"it cannot be unfolded ({type(error).__name__})") from error


def _listed(archive: zipfile.ZipFile, source: Path) -> Manifest:
    names = archive.namelist()
    if names.count(LIST) != 1 or archive.getinfo(LIST).file_size > LIST_BYTES:
        raise no_backup(source, "it has no list of what it holds")
    with archive.open(LIST) as file:
        manifest = read_manifest(file.read(LIST_BYTES), source)
    if manifest.format > FORMAT:
        raise ConfigError(
            f"LabelCue {manifest.version[:40]!r} made {source}, and this one knows backups up to format {FORMAT}.",
            "Upgrade LabelCue.",
        )
    if sorted(names) != sorted([LIST, *manifest.files]):
        raise no_backup(source, "it does not hold what its list says")
    if manifest.size > SPARE + RATIO * source.stat().st_size:
        raise TooLarge(f"{source} claims to unfold to {manifest.size:,} bytes.", "No backup does: delete it.")
    return manifest


def _unfold(source: Path, staged: Home, on_step: Callable[[str, int, int], None]) -> Manifest:
    with _opened(source) as (archive, manifest):
        free = shutil.disk_usage(staged.root).free
        if manifest.size > free:
            raise TooLarge(f"{source} needs {manifest.size:,} bytes, and {free:,} are free.", "Free disk space.")
        for name in manifest.files:
            path = staged.root / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                for piece in _pieces(archive, name, manifest, source, on_step, "Restoring"):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
    return manifest


def _pieces(
    archive: zipfile.ZipFile,
    name: str,
    manifest: Manifest,
    source: Path,
    on_step: Callable[[str, int, int], None],
    doing: str,
) -> Iterator[bytes]:
    """The content of one file, never more of it than the list says, its SHA-256 checked at the end."""
    part, digest, done = manifest.files[name], hashlib.sha256(), 0
    stream: IO[bytes]
    with archive.open(name) as stream:
        while piece := stream.read(min(CHUNK, part.size - done + 1)):
            done += len(piece)
            if done > part.size:
                break
            digest.update(piece)
            on_step(f"{doing} {name}", done, part.size)
            yield piece
    if done != part.size or digest.hexdigest() != part.sha256:
        raise no_backup(source, f"{name} is not what its list says")


def _check_home(source: Path, staged: Home) -> None:
    """What was unfolded can be worked with. Raises ConfigError, Corrupt."""
    _check_schema(source, staged.ledger_path)
    with closing(SqliteLedger(staged.ledger_path)) as ledger:
        ledger.check()
    for number in staged.projects():
        if Connection.load(staged.connection(number)).project != number:
            raise no_backup(source, f"the connection of project {number} is another one's")
    if (staged.root / FILE_NAME).exists():
        load_settings({"home": staged.root})


def _check_schema(source: Path, path: Path) -> None:
    """Our tables and nothing that runs by itself: SQL in a foreign file's triggers and views is code."""
    try:
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA trusted_schema = OFF")
            found = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    except sqlite3.Error as error:
        raise no_backup(source, "its ledger is no SQLite file that can be read") from error
    known = {("table", "event"), ("table", "round"), ("table", "learner"), ("table", "sqlite_sequence")}
    known |= {("index", "event_of_project")}
    known |= {("index", name) for kind, name, made in found if str(name).startswith("sqlite_auto") and made is None}
    plain = [(kind, name) for kind, name, made in found if not str(made).upper().startswith("CREATE VIRTUAL")]
    foreign = [name for kind, name, _ in found if (kind, name) not in known or (kind, name) not in plain]
    if foreign:
        raise no_backup(source, f"its ledger has {str(foreign[0])[:60]!r}, which is none of ours")
