"""A PostgreSQL of the tests' own, from what is installed; nothing is fetched."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from places import kept_port

from waiting import until


def programs() -> Path | None:
    """The folder of initdb and postgres, None where there is none that we may run."""
    folders = [Path(found).resolve().parent for found in [shutil.which("initdb")] if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = next((folder for folder in folders if (folder / "postgres").exists()), None)
    return found if found is not None and (os.geteuid() != 0 or _account() is not None) else None


def _account() -> str | None:
    """PostgreSQL refuses to run as root; Debian's package brings a user for it."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return None


@contextmanager
def running(password: str = "") -> Iterator[dict[str, str]]:
    """A server in a folder of its own, which its account may reach; the environment with which Label Studio uses it.

    With a password it admits nobody without; else anybody.
    """
    new_folder = tempfile.TemporaryDirectory(prefix="labelcue-postgres-", ignore_cleanup_errors=True)
    with new_folder as folder, kept_port() as port:
        yield from _serve(Path(folder), port, password)


def _serve(folder: Path, port: int, password: str) -> Iterator[dict[str, str]]:
    programs_at, account = programs(), _account()
    assert programs_at is not None
    data, log, secret = folder / "data", folder / "log", folder / "password"
    secret.write_text(password or "unused")
    if account is not None:
        shutil.chown(folder, account)
        shutil.chown(secret, account)
    initdb = [str(programs_at / "initdb"), "-D", str(data), "-U", "postgres", "--no-sync", "--pwfile", str(secret)]
    initdb += ["-A", "scram-sha-256" if password else "trust"]
    subprocess.run(initdb, check=True, capture_output=True, user=account, cwd="/")
    options = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)]
    options += ["-c", "fsync=off", "-c", "max_connections=200"]
    with log.open("wb") as out:
        server = subprocess.Popen(
            [str(programs_at / "postgres"), *options], stdout=out, stderr=out, user=account, cwd="/"
        )
    try:
        until(lambda: b"ready to accept connections" in log.read_bytes(), what="PostgreSQL")
        yield {
            "DJANGO_DB": "default",
            "POSTGRE_USER": "postgres",
            "POSTGRE_PASSWORD": password,
            "POSTGRE_NAME": "postgres",
            "POSTGRE_HOST": "127.0.0.1",
            "POSTGRE_PORT": str(port),
        }
    finally:
        server.send_signal(signal.SIGINT)  # SIGTERM would wait for whoever is connected still
        server.wait()
