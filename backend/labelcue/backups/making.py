"""A home into one file, while it is at work."""

from __future__ import annotations

import hashlib
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO, TypeAlias

from labelcue.backups.manifest import FORMAT, LEDGER, LIST, Manifest, Part, allowed
from labelcue.backups.restoring import CHUNK, check_backup
from labelcue.errors import NotFound, StoreError
from labelcue.settings import FILE_NAME
from labelcue.store.base import Ledger
from labelcue.store.layout import Home

OnStep: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done, bytes or pages done, and their number."""


def make_backup(home: Home, ledger: Ledger, target: Path, *, vectors: bool = True, on_step: OnStep) -> Manifest:
    """Write the home into `target`, readable by its owner alone, and read it back to check it; what it holds.

    LabelCue may be at work meanwhile. What the learner publishes is copied before the ledger, and vectors after it:
    so the ledger knows the round that is published, and the vectors have every row that it names.
    Raises StoreError where the disk refuses, NotFound where there is no ledger.
    """
    if not (home.root / "projects").is_dir():  # Looking into the ledger of a mistyped home would make one.
        raise NotFound(f"{home.root} knows no project: there is nothing to keep.", "Look at --home.")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    copy = target.with_name(f".{target.name}.{os.getpid()}.ledger")
    try:
        manifest = _write(home, ledger, part, copy, vectors, on_step)
        check_backup(part, on_step)
        part.replace(target)
        return manifest
    except OSError as error:
        raise StoreError(
            f"The backup {target} cannot be written: {error.strerror or error}.",
            "Name a file in a folder that is there, that you may write to, and that has room for two ledgers.",
        ) from error
    finally:
        for leftover in (part, copy):
            with suppress(OSError):
                leftover.unlink(missing_ok=True)


def _write(home: Home, ledger: Ledger, part: Path, copy: Path, vectors: bool, on_step: OnStep) -> Manifest:
    files: dict[str, Part] = {}
    handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for path in _settings(home):
                _add(archive, home, path, files, on_step)
            at = time.time()
            events = ledger.copy_to(copy, lambda done, total: on_step("Copying the ledger", done, total))
            with copy.open("rb") as source:
                files[LEDGER] = _store(archive, LEDGER, source, on_step)
            for path in _vectors(home) if vectors else ():
                _add(archive, home, path, files, on_step)
            manifest = Manifest(
                format=FORMAT,
                version=_version(),
                at=at,
                projects=home.projects(),
                events=events,
                files=files,
            )
            archive.writestr(LIST, manifest.model_dump_json(indent=1))
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _settings(home: Home) -> Iterator[Path]:
    """What stands beside the ledger and is swapped whole."""
    yield from (home.root / FILE_NAME, home.root / "plugin.secret")
    for number in home.projects():
        folder = home.project(number)
        # The head belongs to the snapshot: a head of a later round is passed over, one of an earlier round too.
        yield from (home.connection(number), home.snapshot(number), home.head(number), folder / "frontiers.jsonl")


def _vectors(home: Home) -> Iterator[Path]:
    """Digests first: a row counts once it is complete everywhere, and theirs are written last."""
    for number in home.projects():
        for folder in sorted(home.project(number).glob("vectors-*")):
            names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != "lock")
            yield from (folder / name for name in sorted(names, key=lambda name: not name.startswith("digests")))


def _add(archive: zipfile.ZipFile, home: Home, path: Path, files: dict[str, Part], on_step: OnStep) -> None:
    """A file of the home, if it is there: what is half written has a name that no backup holds."""
    name = path.relative_to(home.root).as_posix()
    if not allowed(name):
        return
    try:
        with path.open("rb") as source:
            files[name] = _store(archive, name, source, on_step)
    except FileNotFoundError:
        return


def _store(archive: zipfile.ZipFile, name: str, source: BinaryIO, on_step: OnStep) -> Part:
    """As long as it is now: a file that grows meanwhile is cut there."""
    total = os.fstat(source.fileno()).st_size
    digest, done = hashlib.sha256(), 0
    with archive.open(name, "w", force_zip64=True) as into:
        while done < total and (piece := source.read(min(CHUNK, total - done))):
            into.write(piece)
            digest.update(piece)
            done += len(piece)
            on_step(f"Keeping {name}", done, total)
    return Part(size=done, sha256=digest.hexdigest())


def _version() -> str:
    try:
        return version("labelcue")
    except PackageNotFoundError:
        return "0"
