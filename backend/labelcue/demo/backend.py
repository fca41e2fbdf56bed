"""`labelcue serve` as the demo runs it: its settings, its process, and what its learner says."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx

from labelcue.connect.reach import require_service
from labelcue.demo.children import Background
from labelcue.demo.ports import free_port
from labelcue.demo.venv import Report
from labelcue.errors import ConfigError, LabelStudioDown
from labelcue.settings import FILE_NAME, Settings, load_settings
from labelcue.setup import write_secrets
from labelcue.store.atomic import replace_file
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelcue.store.status import read_status
from labelcue.supervisor import command
from labelcue.types import Json

PATIENCE_S = 180.0
"""For the service's start: a machine that is busy takes a minute to load what it needs."""
FIRST_QUEUE_S = 1800.0


class Backend:
    """Service and learner of one home folder, on loopback."""

    def __init__(self, home: Path, port: int, studio_url: str) -> None:
        """`port`: the first one to try. Connections are turned to the address at which Label Studio stands today."""
        self.home = Home(home)
        self._started = 0.0
        leftover = Background("labelcue", [], home, str(home), {})
        leftover.stop_leftover()
        self.settings = _settings(home, free_port(port))
        flags = {"home": home, "host": self.settings.host, "port": self.settings.port, "url": self.settings.url}
        arguments = [word for name, value in flags.items() for word in (f"--{name}", str(value))]
        self._background = Background("labelcue", command("serve", *arguments), home, str(home), os.environ)
        _turn(self.home, studio_url)

    @property
    def log(self) -> Path:
        """Log of both processes."""
        return self._background.log

    def start(self) -> None:
        """Start both processes and wait until the service answers. Raises Ended, ConfigError."""
        self._started = time.time()
        self._background.start()
        deadline = time.monotonic() + PATIENCE_S
        try:
            while not self._answers():
                self._background.check()
                if time.monotonic() > deadline:
                    raise ConfigError(f"The service did not answer within {PATIENCE_S:.0f} s.", f"Its log: {self.log}")
                time.sleep(0.1)
            require_service(self.settings)
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Raises Ended unless it is running."""
        self._background.check()

    def stop(self) -> None:
        """Stop both; the data stay."""
        self._background.stop()

    def words(self, project: int) -> dict[str, Json]:
        """What the learner has said since `start`; {} until it has."""
        words = read_status(self.home.status(project))
        return words if float(words.get("at", 0)) >= self._started else {}

    def follow_embedding(self, project: int, report: Report) -> None:
        """Return when every task has its vector. Raises ConfigError, Ended."""

        def embedded(words: dict[str, Json]) -> bool:
            part = words.get("embedding") or {}
            done, total = int(part.get("done", 0)), int(part.get("total", 0))
            report(done, total, "")
            return bool(total) and done >= total

        self._follow(project, embedded)

    def follow_delivery(self, project: int) -> str:
        """Return the frontier's version when one stands in Label Studio. Raises ConfigError, Ended."""
        self._follow(project, lambda words: bool((words.get("delivery") or {}).get("version")))
        return str(self.words(project)["delivery"]["version"])

    def follow_labels(self, project: int, labels: int) -> None:
        """Return when the learner knows so many labels. Raises ConfigError, Ended, LabelStudioDown.

        Where a webhook was lost, which Label Studio sends once and waits one second for, it looks for itself.
        """
        (self.home.project(project) / "wake").touch()
        self._follow(project, lambda words: int((words.get("round") or {}).get("labelled", 0)) >= labels)

    def _follow(self, project: int, arrived: Callable[[dict[str, Json]], bool]) -> None:
        deadline = time.monotonic() + FIRST_QUEUE_S
        while not arrived(words := self.words(project)):
            self.check()
            if words.get("config_error"):
                raise ConfigError(str(words["config_error"]), "Change the label config in Label Studio.")
            if time.monotonic() > deadline:
                raise LabelStudioDown(
                    f"The learner is not done after {FIRST_QUEUE_S:.0f} s: {words.get('error') or 'no reason given'}.",
                    f"Its log: {self.log}",
                )
            time.sleep(0.1)

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.settings.base_url}/health", timeout=2).is_success
        return False


def _settings(home: Path, port: int) -> Settings:
    """The demo's settings, with secrets in its labelcue.toml, where other commands find them and the port too."""
    write_secrets(load_settings({"home": home}))
    path = home / FILE_NAME
    others = re.sub(r"(?m)^port\s*=.*\n?", "", path.read_text(encoding="utf-8"))
    replace_file(path, f"{others.rstrip()}\nport = {port}\n".encode())
    return load_settings({"home": home, "host": "127.0.0.1", "port": port, "url": f"http://127.0.0.1:{port}"})


def _turn(home: Home, studio_url: str) -> None:
    """Label Studio may have moved to another port since the last run; its data are the same."""
    for number in home.projects():
        path = home.connection(number)
        known = Connection.load(path)
        if known.url.rstrip("/") != studio_url.rstrip("/"):
            known.model_copy(update={"url": f"{studio_url.rstrip('/')}/"}).save(path)
