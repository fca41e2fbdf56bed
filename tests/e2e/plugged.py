"""A real Label Studio with the plugin: its own small environment over the installed one, nothing fetched."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from stack import Stack

from labelcue.demo.accounts import easy_password
from labelcue.demo.studio import Studio
from labelcue.settings import load_settings
from labelcue.setup import write_plugin_secret, write_secrets

ROOT = Path(__file__).parents[2]
PATIENT = {"LABELCUE_WAIT_S": "12"}
"""A loaded machine answers late, and the tests look at what comes, not when."""
NAMES = ("ada", "ben", "cleo", "dan", "eve", "fay", "gus", "hal")


_INSIDE = "str(pathlib.Path(label_studio.__file__).parent)"
_OUTSIDER = """
import pathlib, sys
import label_studio
sys.path.insert(0, {inside})
import django
django.setup()
from organizations.models import Organization
from users.models import User
user = User.objects.create_user(email="{email}", password="elsewhere-1234")
user.active_organization = Organization.create_organization(user, "Elsewhere", legacy_api_tokens_enabled=True)
user.save()
print("token=" + user.auth_token.key)
"""


@dataclass
class House:
    """Label Studio with the plugin, beside service and learner."""

    studio: Studio
    stack: Stack
    tokens: list[str]

    @staticmethod
    def accounts(studio: Studio) -> list[str]:
        """Tokens of eight new accounts."""
        made = [studio.sign_up(f"{name}@labelcue.local", easy_password()) for name in NAMES]
        return [one.token.get_secret_value() for one in made]

    def studio_get(self, path: str, **params: Any) -> Any:
        """What Label Studio answers the admin."""
        headers = {"Authorization": f"Token {self.stack.token}"}
        answer = httpx.get(f"{self.studio.url}{path}", params=params, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def studio_post(self, path: str, body: dict[str, Any]) -> Any:
        """What Label Studio answers the admin."""
        headers = {"Authorization": f"Token {self.stack.token}"}
        answer = httpx.post(f"{self.studio.url}{path}", json=body, headers=headers, timeout=60)
        assert answer.is_success, answer.text
        return answer.json()

    def outsider(self, name: str) -> str:
        """The token of a new account in a new organisation, which only Label Studio's own code can make."""
        code = _OUTSIDER.format(email=f"{name}@elsewhere.local", inside=_INSIDE)
        command = [str(self.studio.venv / "bin" / "python"), "-c", code]
        made = subprocess.run(
            command, env=self.studio.environment(), capture_output=True, text=True, check=False, timeout=300
        )
        assert made.returncode == 0, made.stderr
        return made.stdout.split("token=")[-1].strip()

    def log(self) -> str:
        return self.studio.log.read_text()


def plugged_venv(studio_venv: Path, folder: Path) -> Path:
    """An environment that has all of `studio_venv`, and the plugin as pip installs it."""
    python = studio_venv / "bin" / "python"
    subprocess.run([str(python), "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True)
    [packages] = folder.glob("lib/python3.*/site-packages")
    [theirs] = studio_venv.glob("lib/python3.*/site-packages")
    (packages / "label-studio.pth").write_text(f"{theirs}\n")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    pip += ["--disable-pip-version-check", "--target", str(packages), str(ROOT / "plugin")]
    subprocess.run(pip, check=True, capture_output=True)
    shutil.copy(studio_venv / "bin" / "label-studio", folder / "bin" / "label-studio")
    return folder


def prepared(folder: Path, port: int) -> tuple[Path, dict[str, str]]:
    """A home with secrets for a service on this port, and the three variables that switch the plugin on."""
    home = folder / "home"
    write_secrets(load_settings({"home": home}))
    secret = write_plugin_secret(load_settings({"home": home}))
    return home, {
        "DJANGO_SETTINGS_MODULE": "labelcue_plugin.settings",
        "LABELCUE_URL": f"http://127.0.0.1:{port}",
        "LABELCUE_SECRET_FILE": str(secret),
    }


def asked(house: House, token: str, project: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """What Label Studio's own page gets: `body` says by which entrance; None is GET /api/projects/N/next."""
    headers = {"Authorization": f"Token {token}"}
    with httpx.Client(base_url=house.studio.url, headers=headers, timeout=60) as client:
        if body is None:
            answer = client.get(f"/api/projects/{project}/next")
        else:
            answer = client.post("/api/dm/actions", params={"id": "next_task", "project": project}, json=body)
    assert answer.status_code == 200, answer.text
    task: dict[str, Any] = answer.json()
    return task


def act(house: House, project: int, action: str, tasks: list[int], token: str = "") -> httpx.Response:
    """What the Data Manager's menu does, for the admin or another account."""
    return httpx.post(
        f"{house.studio.url}/api/dm/actions",
        params={"id": f"labelcue_{action}", "project": project},
        json={"selectedItems": {"all": False, "included": tasks}},
        headers={"Authorization": f"Token {token or house.stack.token}"},
        timeout=120,
    )


def tasks_of(house: House, project: int, only: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The Data Manager's tasks by rank."""
    query = {"ordering": ["tasks:cue_rank"], "filters": {"conjunction": "and", "items": only}}
    found = house.studio_get("/api/tasks", project=project, page_size=300, fields="all", query=json.dumps(query))
    return list(found["tasks"])


def ranked(house: House, project: int, number: int) -> list[dict[str, Any]]:
    """All tasks by rank once so many of them have one.

    Label Studio sorts first and reads the columns then: between the two the mirror may be written.
    """
    found = tasks_of(house, project, [])
    ranks = [task["cue_rank"] for task in found if task.get("cue_rank") is not None]
    return found if len(ranks) == number and ranks == sorted(ranks) else []
