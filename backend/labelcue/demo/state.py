"""What the demo remembers of itself: accounts, ports, project. One file, readable by its owner alone."""

from __future__ import annotations

import json
import secrets
import shutil
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from labelcue.demo.accounts import Account, easy_password
from labelcue.errors import ConfigError, Corrupt
from labelcue.settings import FILE_NAME
from labelcue.store.atomic import replace_file

STATE = "demo.json"
ADMIN = "admin@labelcue.local"
ANNOTATORS = ("ada@labelcue.local", "ben@labelcue.local")
_MADE = (
    "label-studio",
    "logs",
    "projects",
    "ledger.sqlite3*",
    "*.pid",
    "learning-curve.*",
    "media",
    "simulated.json",
    FILE_NAME,
)


class State(BaseModel):
    """Changed by `change` alone, which writes it at once: every step can be taken up where it broke off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    admin: Account
    annotators: tuple[Account, Account]
    """The simulated ones; their token is empty until they have signed up."""
    studio_port: int
    service_port: int
    mails: int
    """Items of the pool at most."""
    images: bool = False
    """It is about photographs, and else about mails."""
    project: int = 0
    """The project in Label Studio; 0: not made yet."""
    imported: bool = False
    """Every mail has been imported; mails that are missing from then on were deleted on purpose."""


class StateFile:
    """The state of the demo in one home folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / STATE

    def open(self, *, studio_port: int, service_port: int, mails: int, images: bool = False) -> State:
        """What an earlier run left, or a new state with these fields and new secrets.

        Raises ConfigError where the folder is somebody else's, Corrupt where the file cannot be read.
        """
        if self.path.exists():
            return self._of_subject(images)
        if any((self.home / name).exists() for name in ("projects", FILE_NAME, "ledger.sqlite3")):
            raise ConfigError(
                f"{self.home} is the home of a LabelCue that is no demo.", "Name another folder with --home."
            )
        admin, *others = (_account(email) for email in (ADMIN, *ANNOTATORS))
        admin = admin.model_copy(update={"token": SecretStr(secrets.token_hex(20))})
        state = State(
            admin=admin,
            annotators=(others[0], others[1]),
            studio_port=studio_port,
            service_port=service_port,
            mails=mails,
            images=images,
        )
        return self._save(state)

    def load(self) -> State:
        """What stands in the file. Raises ConfigError where there is none, Corrupt."""
        try:
            return State.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            raise ConfigError(f"There is no demo in {self.home}.", "Start one with `labelcue demo`.") from None
        except ValidationError:
            raise Corrupt(f"{self.path} cannot be read.", "Start over with `labelcue demo --fresh`.") from None

    def _of_subject(self, images: bool) -> State:
        """Without a word on images, the demo goes on as what it is."""
        state = self.load()
        if images and not state.images:
            raise ConfigError(
                f"The demo in {self.home} is about mails.",
                "Start over with --fresh, or name another folder with --home.",
            )
        return state

    def change(self, state: State, **fields: Any) -> State:
        """The state with these fields, written."""
        return state if not fields else self._save(state.model_copy(update=fields))

    def forget(self) -> None:
        """Delete what the demo made in the folder, and nothing else; nothing happens in a folder without a demo."""
        if not self.path.exists():
            return
        for pattern in _MADE:
            for path in self.home.glob(pattern):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.path.unlink()

    def _save(self, state: State) -> State:
        replace_file(self.path, json.dumps(state.model_dump(mode="json"), indent=1).encode())
        return state


def _account(email: str) -> Account:
    return Account(email=email, password=SecretStr(easy_password()), token=SecretStr(""))
