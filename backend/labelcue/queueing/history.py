"""Who saved which settings when: read from the ledger, and written to it one version after the other."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass

from labelcue.errors import BadRequest, Conflict, WrongSetting
from labelcue.queueing.settings import SHARES, Change, QueueSettings, changes, in_words, read_settings
from labelcue.settings import Settings
from labelcue.store.base import Ledger
from labelcue.store.choices import CHOICES, Choice, choices_of
from labelcue.store.connection import Connection
from labelcue.types import Event, Kind

LONGEST_NAME = 200
LISTENING = "external"
"""The surrogate of projects that were connected with another model."""


def base_of(settings: Settings, connection: Connection) -> QueueSettings:
    """What stands for a project before anybody saved settings: the operator's and the connection's."""
    return QueueSettings(
        strategy=settings.strategy,
        surrogate=LISTENING if connection.model else settings.surrogate,
        audit=settings.audit,
        pre_annotation=connection.pre_annotation,
    )


@dataclass(frozen=True)
class Version:
    """One version of the settings; number 0 is what stands before anybody saved one."""

    number: int
    settings: QueueSettings
    by: str = ""
    at: float = 0.0
    """Unix seconds."""
    back_to: int | None = None
    """The version that was gone back to."""
    changed: tuple[Change, ...] = ()
    """What differs from the version before."""


class History:
    """The versions of one project, read on from where the last look ended. Thread-safe."""

    def __init__(self, project: int) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._position = 0

    def choices(self, ledger: Ledger) -> list[Choice]:
        """Every saved version as the ledger has it now. Raises StoreError."""
        with self._lock:
            last = ledger.position(self._project)
            self._events += ledger.read(self._project, after=self._position, upto=last, kinds=CHOICES)
            self._position = max(self._position, last)
            return choices_of(self._events)

    def versions(self, ledger: Ledger, base: QueueSettings) -> list[Version]:
        """All versions, `base` first. Raises StoreError."""
        return versions_of(self.choices(ledger), base)

    def save(
        self,
        ledger: Ledger,
        base: QueueSettings,
        settings: QueueSettings,
        *,
        if_version: int,
        by: str,
        back_to: int | None = None,
    ) -> Version:
        """Make these the settings, if version `if_version` still stands; what stands already is not saved again.

        Of two who save at once the ledger takes one, as both write the same key. Raises Conflict that says who was
        faster and what they changed, BadRequest for a nameless one, StoreError.
        """
        name, versions = named(by), self.versions(ledger, base)
        _require(versions, if_version)
        last = versions[-1]
        if settings == last.settings:
            return last
        token = uuid.uuid4().hex
        body = {
            "version": if_version + 1,
            "settings": settings.model_dump(mode="json"),
            "was": last.settings.model_dump(mode="json"),
            "by": name,
            "back_to": back_to,
            "token": token,
        }
        ledger.append([Event(self._project, Kind.SETTINGS, f"settings:{if_version + 1}", body)])
        saved = self.choices(ledger)
        if saved[if_version].token != token:
            _require(versions_of(saved, base), if_version)
        return versions_of(saved, base)[if_version + 1]


def named(by: str) -> str:
    """The name of whoever does something; raises BadRequest where there is none."""
    if not by.strip() or len(by) > LONGEST_NAME:
        raise BadRequest("It is not said who does this.", f"Name yourself in 'by', in {LONGEST_NAME} letters at most.")
    return by.strip()


def counted_since(choices: list[Choice], first: int) -> int:
    """The position in the ledger from which on shares are counted: their last change, at least the first round's."""
    before: object = None
    for one in choices:
        shares = {name: one.settings.get(name) for name in SHARES}
        if shares != before:
            first = max(first, one.position)
        before = shares
    return first


def versions_of(choices: list[Choice], base: QueueSettings) -> list[Version]:
    """All versions, `base` first; a field that an older LabelCue did not save is as in `base`."""
    found = [Version(0, base)]
    for one in choices:
        known = {name: value for name, value in one.settings.items() if name in QueueSettings.model_fields}
        try:
            settings = read_settings(known, base)
        except WrongSetting:  # written by other hands than ours: what stood before it goes on
            settings = found[-1].settings
        changed = tuple(changes(found[-1].settings, settings))
        found.append(Version(one.version, settings, one.by, one.at, one.back_to, changed))
    return found


def _require(versions: list[Version], number: int) -> None:
    """Raises Conflict unless version `number` is the last one."""
    last = versions[-1]
    if number == last.number:
        return
    if not 0 <= number < last.number:
        raise Conflict(f"There is no version {number} of the settings.", f"Version {last.number} stands.")
    since = "; ".join(f"{one.by} changed {in_words(list(one.changed))}" for one in versions[number + 1 :])
    raise Conflict(
        f"The settings were saved meanwhile: {since}.",
        f"Version {last.number} stands. Look at it, then save on top of it.",
    )
