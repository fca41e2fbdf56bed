"""Label Studio's environment is made, finished, or made anew; a tiny package stands in for Label Studio."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from labelcue.demo import venv
from labelcue.demo.venv import ensure_venv, lock_text
from labelcue.errors import ConfigError

LOCK = "# a comment\ntinypackage==1.0\n"


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where pip looks."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    info = "tinypackage-1.0.dist-info"
    with zipfile.ZipFile(folder / "tinypackage-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tinypackage.py", "")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinypackage\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def quiet(_done: int, _total: int, _what: str) -> None:
    pass


@pytest.mark.slow
def test_it_is_made_once_finished_where_possible_and_made_anew_where_not(tmp_path: Path, wheels: Path) -> None:
    path = tmp_path / "venv"
    heard: list[str] = []
    assert ensure_venv(path, lambda _done, _total, what: heard.append(what), LOCK) == path
    package = next(path.glob("lib/python*/site-packages/tinypackage.py"))
    assert heard[0] == "creating the virtual environment"
    heard.clear()
    ensure_venv(path, lambda _done, _total, what: heard.append(what), LOCK)
    assert heard == []

    mark = path / "made-by-the-first-run"
    mark.touch()
    (path / "labelcue-complete").unlink()  # cut off before the end
    package.unlink()
    next(path.glob("lib/python*/site-packages/tinypackage-*/METADATA")).unlink()
    next(path.glob("lib/python*/site-packages/tinypackage-*/RECORD")).unlink()
    ensure_venv(path, quiet, LOCK)
    assert package.exists()
    assert not mark.exists()

    mark.touch()
    ensure_venv(path, quiet, f"{LOCK}# other versions\n")
    assert mark.exists()


@pytest.mark.slow
def test_a_package_that_is_not_to_be_had_is_named_with_the_log(tmp_path: Path, wheels: Path) -> None:
    with pytest.raises(ConfigError, match=r"could not install.*otherpackage.*pip\.log"):
        ensure_venv(tmp_path / "venv", quiet, "otherpackage==2.0\n")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying ... Failed to establish a new connection: [Errno 111]\nERROR: No matching", "cannot reach"),
        ("Temporary failure in name resolution\nERROR: No matching distribution found", "cannot reach"),
        ("ERROR: Failed building wheel for lxml", "Failed building wheel for lxml"),
        ("", "it said nothing"),
    ],
)
def test_what_pip_says_is_told_with_a_remedy(tmp_path: Path, words: str, reason: str) -> None:
    log = tmp_path / "pip.log"
    log.write_text(words)
    error = venv._failure(log)
    assert reason in error.message
    assert error.remedy


def test_a_python_without_venv_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, stdout="ensurepip is not available", stderr="")
    monkeypatch.setattr(venv.subprocess, "run", lambda *_args, **_options: failed)
    with pytest.raises(ConfigError, match=r"ensurepip is not available.*python3-venv"):
        venv._create(tmp_path / "venv", quiet)


def test_a_full_disk_is_noticed_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venv, "NEEDED_MB", 10**9)
    with pytest.raises(ConfigError, match="Free some space"):
        ensure_venv(tmp_path / "venv", quiet, LOCK)


def test_the_lock_names_versions_alone() -> None:
    lines = [line for line in lock_text().splitlines() if not line.startswith("#")]
    assert f"label-studio=={venv.VERSION}" in lines
    assert all("==" in line and "://" not in line and " @ " not in line for line in lines)
