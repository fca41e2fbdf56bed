"""Our model behind the real label-studio-ml server, which is installed as our page on it tells users of pip to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from labelcue.demo.locking import only_one

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "backend" / "docs" / "label-studio-ml.md").read_text()
BESIDE = (
    "label-studio-ml==1.0.9",
    "redis==8.1.0",
    "async-timeout==5.0.1",
    "rq==3.0.0",
    "colorama==0.4.6",
    "label-studio-tools==0.0.4",
)
"""What that server's release needs beside what we have; it declares but half of it, and a Flask of 2020. Before Python
3.11.3 redis needs async-timeout, which pip knows where it is let to."""
OTHERS = ("async-timeout",)
"""What pip brings along by itself with those."""


@pytest.fixture(scope="module")
def ml_python() -> Path:
    """LABELCUE_ML_VENV, or an environment that is made once: those packages, and ours by a path."""
    folder = Path(os.environ.get("LABELCUE_ML_VENV") or ROOT / ".venv-label-studio-ml").absolute()
    python, stamp = folder / "bin" / "python", folder / "complete"
    with only_one(folder, wait=True):
        if not stamp.is_file() or stamp.read_text() != repr(BESIDE):
            _run(sys.executable, "-m", "venv", "--clear", str(folder))
            _run(str(python), "-m", "pip", "install", "-q", "--no-deps", *BESIDE)
            paths = _run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
            ours = "\n".join(dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib")))
            (Path(paths.strip()) / "ours.pth").write_text(ours)
            stamp.write_text(repr(BESIDE))
    return python


def _run(*command: str, **more: str) -> str:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=900)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-4000:])
    return done.stdout


def test_the_server_of_label_studio_ml_learns_and_predicts(ml_python: Path, tmp_path: Path) -> None:
    script = str(Path(__file__).with_name("ml_server.py"))
    path = f"{ROOT / 'backend'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    said = json.loads(_run(str(ml_python), script, str(tmp_path), PYTHONPATH=path).strip().splitlines()[-1])
    assert (said["health"], said["setup"], said["webhook"]) == ("UP", 200, 201)
    assert [(one["result"], one["score"]) for one in said["before"]] == [([], 0.0)] * 24
    assert "no model yet" in said["before"][0]["reason"]
    assert [json.loads(one)["version"] for one in said["jobs"]] == ["cue-1", "cue-2"]  # a deletion is learned too
    chosen = [one["result"][0]["value"]["choices"] for one in said["after"]]
    assert chosen == [["spam" if number % 2 else "ham"] for number in range(1, 25)]
    assert all(one["model_version"] == "cue-2" and 0.5 <= one["score"] <= 1 for one in said["after"])


def test_our_page_names_what_is_installed_here() -> None:
    assert all(one.partition("==")[0] in PAGE for one in BESIDE if not one.startswith(OTHERS))
    assert BESIDE[0] in PAGE
