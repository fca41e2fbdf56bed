"""What the images run, as compose.yaml has it, without docker: PostgreSQL, several processes, secrets from files."""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from docked import DOCKER, command_of, compose, environment_of, made_secrets, with_server
from places import kept_port
from plugged import PATIENT, plugged_venv
from postgres import programs, running
from stack import ANSWERS, SPEC, is_current

from labelcue.demo.children import Background
from labelcue.demo.project import label_config
from labelcue.demo.simulate import choice
from labelcue.errors import LabelStudioError
from labelcue.labelstudio.client import LabelStudio
from labelcue.labelstudio.way import way_of
from labelcue.store.layout import Home
from labelcue.store.snapshot_file import read_snapshot
from waiting import until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(programs() is None, reason="no PostgreSQL that this user may run is installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="needs a second loopback address, as Linux has it"),
]
CUE = "127.0.0.95"
"""Stands for LabelCue's address in the compose network."""
BANNED = "LABEL_STUDIO_USER_ADDITIONAL_BANNED_SUBNETS"


@dataclass
class Whole:
    """LabelCue and Label Studio as their containers run them."""

    studio: str
    cue: str
    home: Path
    secrets: Path
    at_cue: dict[str, str]
    """The environment of LabelCue's container."""


@pytest.fixture(scope="module")
def whole(studio_venv: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("docked")
    secrets = made_secrets(folder)
    venv = with_server(plugged_venv(studio_venv, folder / "venv"))
    with ExitStack() as cleanup:
        ports = cleanup.enter_context(kept_port()), cleanup.enter_context(kept_port())
        made = Whole(f"http://127.0.0.1:{ports[0]}", f"http://{CUE}:{ports[1]}", folder / "cue", secrets, {})
        base = cleanup.enter_context(running((secrets / "postgres_password").read_text()))
        made.at_cue = labelcue_environment(made, ports[1])
        at_studio = studio_environment(made, venv, folder / "studio", ports[0], base)
        for name, file, environment in (
            ("labelcue", "Dockerfile", made.at_cue),
            ("labelstudio", "labelstudio.Dockerfile", at_studio),
        ):
            command = command_of(file)
            if command == ["labelstudio-start"]:
                command = ["sh", str(DOCKER / "labelstudio-start")]
            program = Background(name, command, folder, str(folder), environment)
            cleanup.callback(program.stop)
            program.start()
            address = made.cue if name == "labelcue" else made.studio
            until(lambda at=address, it=program: is_up(at, it), timeout=900, what=f"{name}'s health")  # type: ignore[misc]
        yield made


def labelcue_environment(made: Whole, port: int) -> dict[str, str]:
    changes = {"LABELCUE_HOME": str(made.home), "HOME": str(made.home), "LABELCUE_URL": made.cue}
    made.home.mkdir()
    changes |= {"LABELCUE_HOST": CUE, "LABELCUE_PORT": str(port)}
    beside = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return environment_of("labelcue", "Dockerfile", made.secrets, {**changes, "PATH": beside})


def studio_environment(made: Whole, venv: Path, data: Path, port: int, base: dict[str, str]) -> dict[str, str]:
    data.mkdir()
    there = {name: value for name, value in base.items() if name.startswith("POSTGRE_") and "PASSWORD" not in name}
    changes = {"HOME": str(data), "LABEL_STUDIO_BASE_DATA_DIR": str(data), "LISTEN": f"127.0.0.1:{port}"}
    changes |= PATIENT
    changes |= {"LABELCUE_URL": made.cue, "WEB_CONCURRENCY": "2", "PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
    loopback, ours = ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network(CUE)
    banned = compose()["services"]["labelstudio"]["environment"][BANNED].split(",")
    banned.remove(str(loopback))
    banned += [str(part) for part in loopback.address_exclude(ours)]
    changes[BANNED] = ",".join(banned)
    environment = environment_of("labelstudio", "labelstudio.Dockerfile", made.secrets, {**there, **changes})
    environment.pop("PYTHONPATH", None)  # its own environment has all that it needs
    return environment


def is_up(address: str, program: Background) -> bool:
    program.check()
    with suppress(httpx.HTTPError):
        return httpx.get(f"{address}/health", timeout=5).is_success
    return False


@pytest.fixture(scope="module")
def token(whole: Whole) -> str:
    """A personal access token of the first account, whose password stands in the secret's file."""
    password = (whole.secrets / "admin_password").read_text()
    with httpx.Client(base_url=whole.studio, timeout=60) as browser:
        browser.get("/user/login/")
        form = {"email": "admin@example.org", "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        assert browser.post("/user/login/", data=form, headers={"Referer": whole.studio}).status_code == 302
        headers = {"Referer": whole.studio, "X-CSRFToken": browser.cookies["csrftoken"]}
        answer = browser.post("/api/token/", headers=headers)
        assert answer.is_success, answer.text
        return str(answer.json()["token"])


def test_the_whole_serves_the_queue_with_every_secret_from_a_file(whole: Whole, token: str) -> None:
    with closing(LabelStudio(whole.studio, token)) as ls:
        project = int(ls.create_project("Mails in containers", label_config())["id"])
        ls.import_tasks(project, [{"data": {"text": text}} for text in list(ANSWERS)[:40]])
        connect = ["labelcue", "connect", whole.studio, "--project", str(project)]
        at_cue = {**whole.at_cue, "LABEL_STUDIO_API_KEY": token}
        said = subprocess.run(connect, env=at_cue, capture_output=True, text=True, check=False, timeout=900)
        assert said.returncode == 0, said.stdout + said.stderr
        assert way_of(ls, project).by_plugin
        published = until(lambda: whole_queue(whole, project, 40), what="the queue of all tasks")
        task: Any = ls.next_task(project)
        assert (task["id"], task["queue"]) == (published[0], "LabelCue queue")
        ls.annotate(int(task["id"]), choice(SPEC, ANSWERS[task["data"]["text"]]))
        # The webhook came through Label Studio's protection against private addresses, which lets nothing else through.
        state = until(lambda: project_state(whole, project), what="the webhook")
        assert state["id"] == project
        with pytest.raises(LabelStudioError, match="reserved network address"):
            ls.create_webhook(project, f"{whole.studio}/webhook")
    written = {path.name for path in whole.home.iterdir()}
    assert not written & {"labelcue.toml", "plugin.secret"}, "it made secrets of its own"


def whole_queue(whole: Whole, project: int, tasks: int) -> list[int]:
    """The published order once it has so many tasks and no round follows it by itself, else nothing."""
    snapshot = read_snapshot(Home(whole.home).snapshot(project))
    current = len(snapshot.order) == tasks and is_current(f"sqlite:///{whole.home}/ledger.sqlite3", snapshot)
    return [int(task) for task in snapshot.order] if current else []


def project_state(whole: Whole, project: int) -> dict[str, Any]:
    """What LabelCue says of the project, once it has heard of a webhook."""
    password = (whole.secrets / "labelcue.toml").read_text().split('basic_password = "')[1].split('"')[0]
    answer = httpx.get(f"{whole.cue}/api/projects/{project}", auth=("labelcue", password), timeout=60)
    state: dict[str, Any] = answer.raise_for_status().json()
    return state if state["last_webhook_at"] else {}


def test_nobody_signs_up_without_an_invitation(whole: Whole) -> None:
    with httpx.Client(base_url=whole.studio, timeout=60) as browser:
        browser.get("/user/signup/")
        form = {
            "email": "x@example.org",
            "password": "a-long-password",
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
        }
        assert browser.post("/user/signup/", data=form, headers={"Referer": whole.studio}).status_code == 403
