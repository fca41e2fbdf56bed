"""A Label Studio of our own: started on loopback, watched until it answers, stopped with all its processes."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

import httpx

from labelcue.demo.accounts import Account, sign_up
from labelcue.demo.children import Background
from labelcue.demo.ports import free_port
from labelcue.demo.venv import Report
from labelcue.errors import LabelStudioDown, LabelStudioError

MIGRATIONS = 396
"""Migrations of release 1.23.2, for the bar of the first start."""
PATIENCE_S = 600.0
_SERVING = re.compile(r"Starting development server at http://127\.0\.0\.1:(\d+)/")
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ")
_QUIET = {
    "COLLECT_ANALYTICS": "false",
    "SENTRY_DSN": "",
    "FRONTEND_SENTRY_DSN": "",
    "LATEST_VERSION_CHECK": "false",
}
_REACH_US = {"ML_BLOCK_LOCAL_IP": "false", "SSRF_PROTECTION_ENABLED": "false"}
"""Label Studio refuses private addresses by default, and our service stands on one."""
_BEHAVIOUR = {
    "ENABLE_LEGACY_API_TOKEN": "true",
    "TASK_LOCK_TTL": "3600",  # by default, a browser left open keeps its task for a day
}


class Studio:
    """One Label Studio in its own data folder. `admin` becomes its first account when the folder is new."""

    def __init__(
        self, venv: Path, folder: Path, admin: Account, port: int = 0, extra: Mapping[str, str] | None = None
    ) -> None:
        """`folder` gets `label-studio/` (its data), `logs/` and a pid file; `port` is the first to try, 0 any.

        `extra` is added to its environment, as the plugin needs it.
        """
        self._extra = dict(extra or {})
        self.admin = admin
        self.port = port
        self.data = folder / "label-studio"
        self._wanted = port
        self.venv = venv
        self._folder = folder
        self._background: Background | None = None

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Its log."""
        return self._folder / "logs" / "label-studio.log"

    def start(self, report: Report) -> None:
        """Start it and wait until it answers as ours; `report` hears the migrations of a first start.

        Raises Ended (with the log's last lines), LabelStudioDown (no answer in ten minutes), LabelStudioError (it does
        not know our account).
        """
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._make_background(0).stop_leftover()  # before a port is chosen: it may hold ours
        self.port = free_port(self._wanted)
        self._background = self._make_background(self.port)
        self._background.start()
        try:
            self._wait(self._background, report)
            self._require_ours()
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Raises Ended unless it is running."""
        if self._background is not None:
            self._background.check()

    def stop(self) -> None:
        """Stop it; the data stay."""
        if self._background is not None:
            self._background.stop()
            self._background = None

    def sign_up(self, email: str, password: str) -> Account:
        """One more account, see `accounts.sign_up`."""
        return sign_up(self.url, email, password)

    def _make_background(self, port: int) -> Background:
        command = [str(self.venv / "bin" / "python"), str(self.venv / "bin" / "label-studio"), "start"]
        command += ["--no-browser", "--internal-host", "127.0.0.1", "--port", str(port), "--data-dir", str(self.data)]
        return Background("label-studio", command, self._folder, str(self.data), self.environment())

    def environment(self) -> dict[str, str]:
        """What it runs with, and nothing more: Label Studio reads names as common as HOST, PORT and DEBUG."""
        account = {
            "BASE_DATA_DIR": str(self.data),
            "USERNAME": self.admin.email,
            "PASSWORD": self.admin.password.get_secret_value(),
            "USER_TOKEN": self.admin.token.get_secret_value(),
        }
        ours = {**account, **_QUIET, **_REACH_US, **_BEHAVIOUR}
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        prefixed = {f"LABEL_STUDIO_{name}": value for name, value in ours.items()}
        return {**kept, **prefixed, "PYTHONUNBUFFERED": "1", **self._extra}

    def _wait(self, background: Background, report: Report) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            background.check()
            serving = _SERVING.search(background.words())
            if serving:
                # Where a program took the port since we looked, Label Studio has moved to the next one by itself.
                self.port = int(serving[1])
                if self._is_up():
                    return
            done = self._migrations()
            report(min(done, MIGRATIONS), MIGRATIONS if done < MIGRATIONS else 0, self._phase(done))
            time.sleep(0.2)
        raise LabelStudioDown(
            f"Label Studio did not answer within {PATIENCE_S:.0f} s.", f"Look into its log: {self.log}"
        )

    def _is_up(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health", timeout=5).is_success
        return False

    def _require_ours(self) -> None:
        """What answers has our process's port; that it knows our account shows that its data folder is whole."""
        headers = {"Authorization": f"Token {self.admin.token.get_secret_value()}"}
        try:
            answer = httpx.get(f"{self.url}/api/current-user/whoami", headers=headers, timeout=60)
        except httpx.HTTPError as error:
            raise LabelStudioDown(
                f"Label Studio does not answer: {error}.", f"Look into its log: {self.log}"
            ) from error
        if not answer.is_success or answer.json().get("email") != self.admin.email:
            raise LabelStudioError(
                f"The Label Studio at {self.url} does not know the account {self.admin.email} ({answer.status_code}).",
                f"Its data in {self.data} come from another or a half-finished start: start over with --fresh.",
            )

    def _migrations(self) -> int:
        """How many migrations a first start has applied; it prints nothing of it."""
        path = self.data / "label_studio.sqlite3"
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0)) as base:
            return int(base.execute("SELECT count(*) FROM django_migrations").fetchone()[0])
        return 0

    @staticmethod
    def _phase(done: int) -> str:
        if not done:
            return "loading"
        return "making its database" if done < MIGRATIONS else "starting"
