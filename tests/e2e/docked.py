"""docker/ without docker: the images' commands and the environment of compose.yaml, on this machine's loopback."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DOCKER = Path(__file__).parents[2] / "docker"
SECRETS = "/run/secrets/"
_DEFAULT = re.compile(r"^\$\{\w+:-(.*)\}$")
_ENV = re.compile(r"^ENV ((?:.*\\\n)*.*)$", re.MULTILINE)
_CMD = re.compile(r"^CMD (\[.*\])$", re.MULTILINE)


def compose() -> dict[str, Any]:
    """compose.yaml as it stands."""
    return dict(yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8")))


def made_secrets(folder: Path) -> Path:
    """The files that `make-secrets` writes, in a folder of the test's own."""
    shutil.copy(DOCKER / "make-secrets", folder)
    subprocess.run(["sh", str(folder / "make-secrets")], check=True, capture_output=True)
    return folder / "secrets"


def command_of(dockerfile: str) -> list[str]:
    """What the image runs."""
    [command] = _CMD.findall((DOCKER / dockerfile).read_text(encoding="utf-8"))
    return [str(part) for part in json.loads(command)]


def environment_of(service: str, dockerfile: str, secrets: Path, changes: Mapping[str, str]) -> dict[str, str]:
    """What a container has, from its image and from compose.yaml, with its secrets in `secrets`, and some changes."""
    image = " ".join(_ENV.findall((DOCKER / dockerfile).read_text(encoding="utf-8")))
    known = dict(re.findall(r"(\w+)=(\S+)", image.replace("\\\n", " ")))
    known |= {
        name: _DEFAULT.sub(r"\1", str(value)) for name, value in compose()["services"][service]["environment"].items()
    }
    ours = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TMPDIR") if name in os.environ}
    moved = {name: value.replace(SECRETS, f"{secrets}/") for name, value in known.items()}
    return {**ours, "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", **moved, **changes}


def with_server(venv: Path) -> Path:
    """The same environment of Label Studio with gunicorn, copied from ours, and the programs that the start calls."""
    spec = importlib.util.find_spec("gunicorn")
    assert spec is not None
    assert spec.origin is not None
    [packages] = venv.glob("lib/python3.*/site-packages")
    shutil.copytree(Path(spec.origin).parent, packages / "gunicorn", dirs_exist_ok=True)
    for name, module, function in (
        ("label-studio", "label_studio.server", "main"),
        ("gunicorn", "gunicorn.app.wsgiapp", "run"),
    ):
        program = venv / "bin" / name
        program.write_text(
            f"#!{venv}/bin/python\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"
        )
        program.chmod(0o755)
    return venv
