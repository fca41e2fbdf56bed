"""Label Studio's own virtual environment, made with pip from the versions of labelstudio.lock."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

from labelcue.demo.locking import only_one
from labelcue.errors import ConfigError

VERSION = "1.23.2"
NEEDED_MB = 2500
"""Free disk space that the environment takes while it is made; it keeps about 1,000 MB."""
_STAMP = "labelcue-complete"
_COLLECTED = re.compile(r"^(?:Collecting|Ignoring|Requirement already satisfied:)\s+([\w.\[\]-]+)")
_UNREACHABLE = re.compile(
    r"new connection|name resolution|Name or service not known|timed out|ProxyError|SSLError|"
    r"ConnectTimeout|ConnectionReset|Network is unreachable|Could not fetch URL",
    re.IGNORECASE,
)

Report = Callable[[int, int, str], None]
"""Hears (done, total, what is being done now)."""


def ensure_venv(path: Path, report: Report, lock: str | None = None) -> Path:
    """The environment's folder, complete: made, finished or made anew where it must be. Returns at once where it is.

    `lock`: requirements with every version; by default those of labelstudio.lock.

    Raises ConfigError: no `venv` in this Python, disk full, no package registry, a package that does not install.
    """
    path, lock = path.absolute(), lock or lock_text()
    if _is_complete(path, lock):
        return path
    with only_one(path, wait=True):
        if not _is_complete(path, lock):
            _require_space(path)
            if not _can_be_finished(path):
                _create(path, report)
            _install(path, lock, report)
            (path / _STAMP).write_text(_fingerprint(lock))
    return path


def lock_text() -> str:
    """The locked versions."""
    return (files("labelcue.demo") / "labelstudio.lock").read_text(encoding="utf-8")


def _fingerprint(lock: str) -> str:
    """Changes with the lock and with Python's minor version."""
    return hashlib.sha256(f"{sys.version_info[:2]}\n{lock}".encode()).hexdigest()


def _is_complete(path: Path, lock: str) -> bool:
    """Finished from these versions, and its Python still exists."""
    if not os.access(path / "bin" / "python", os.X_OK):
        return False
    try:
        return (path / _STAMP).read_text() == _fingerprint(lock)
    except FileNotFoundError:
        return False


def _can_be_finished(path: Path) -> bool:
    """Whether pip works there and no package was cut off while it was unpacked (its RECORD is written last)."""
    packages = _packages(path)
    if not packages.is_dir() or any(not (info / "RECORD").exists() for info in packages.glob("*.dist-info")):
        return False
    with suppress(OSError):
        pip = [str(path / "bin" / "python"), "-m", "pip", "--version"]
        return subprocess.run(pip, capture_output=True, check=False, env=_environment()).returncode == 0
    return False


def _packages(path: Path) -> Path:
    return path / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"


def _require_space(path: Path) -> None:
    parent = next(folder for folder in path.parents if folder.exists())
    free = shutil.disk_usage(parent).free // 1_000_000
    if free < NEEDED_MB:
        raise ConfigError(
            f"Label Studio needs {NEEDED_MB} MB while it is installed, and {parent} has {free} MB left.",
            "Free some space, or name a folder on another disk with --studio-venv.",
        )


def _create(path: Path, report: Report) -> None:
    report(0, 0, "creating the virtual environment")
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(path)],
        capture_output=True,
        text=True,
        check=False,
        env=_environment(),
    )
    if made.returncode:
        said = (made.stdout + made.stderr).strip()
        raise ConfigError(
            f"Python cannot make a virtual environment at {path}: {said[-400:]}",
            "On Debian and Ubuntu: install the package python3-venv. Elsewhere: use a Python with venv and ensurepip.",
        )


def _install(path: Path, lock: str, report: Report) -> None:
    log, requirements = path / "pip.log", path / "requirements.txt"
    requirements.write_text(lock, encoding="utf-8")
    command = [str(path / "bin" / "python"), "-m", "pip", "install", "--no-deps", "--no-input", "-r", str(requirements)]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "--no-color"]
    with log.open("wb") as out:
        pip = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
        )
    total = sum(bool(line.strip()) and not line.startswith("#") for line in lock.splitlines())
    try:
        while pip.poll() is None:
            _tell(path, total, log, report)
            time.sleep(0.2)
    finally:
        if pip.poll() is None:
            os.killpg(pip.pid, signal.SIGTERM)
            pip.wait()
    if pip.returncode:
        raise _failure(log)


def _tell(path: Path, total: int, log: Path, report: Report) -> None:
    """Half of the way is collecting, half is installing."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    collected = [match[1] for line in lines if (match := _COLLECTED.match(line))]
    if any(line.startswith("Installing collected packages") for line in lines):
        installed = sorted(_packages(path).glob("*.dist-info"), key=lambda info: info.stat().st_mtime)
        name = installed[-1].name.partition("-")[0] if installed else ""
        report(total + min(len(installed), total), 2 * total, f"installing {name}")
    else:
        report(min(len(collected), total), 2 * total, f"fetching {collected[-1]}" if collected else "starting pip")


def _failure(log: Path) -> ConfigError:
    """What pip's log means, in words that say what to do."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    text = "\n".join(lines)
    reason = next((line for line in reversed(lines) if "rror" in line), lines[-1] if lines else "it said nothing")
    if "No space left on device" in text:
        return ConfigError("The disk is full.", f"Free {NEEDED_MB} MB and run this again: it goes on where it stopped.")
    if _UNREACHABLE.search(text):
        return ConfigError(
            f"pip cannot reach its package registry: {reason.strip()[:300]}",
            "Check the network, the proxy and pip's configuration (`pip config list`), then run this again.",
        )
    return ConfigError(
        f"pip could not install Label Studio {VERSION}: {reason.strip()[:300]}",
        f"The whole log is {log}. Mend what it names and run this again: it goes on where it stopped.",
    )


def _environment() -> dict[str, str]:
    """Ours, without what would lead another Python astray."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
