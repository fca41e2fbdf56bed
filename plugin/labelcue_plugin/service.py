"""What Label Studio asks of LabelCue. Nothing here raises, and nothing takes longer than it was given."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labelcue_plugin import PROTOCOL, __version__
from labelcue_plugin.circuit import Circuit
from labelcue_plugin.configuration import SECRET_FILE, Configuration
from labelcue_plugin.showing import Shown, shown_of
from labelcue_plugin.wire import Wire, WireError

log = logging.getLogger(__name__)
LIMIT = 50
"""Candidates that are asked for: the free one is among the first few."""
MOST = 1000
"""Candidates that are looked at, however many come."""
ASK_SHARE = 5 / 6
"""Of the time that an annotator may wait, for one question."""
BACKGROUND_S = 10.0
RECOVER_S = 5.0
"""How long the first answer after trouble may take."""
RECHECK_S = 10.0
"""How long a project that is not connected is left alone."""
LONGEST_LEASE_S = 30 * 86400
"""As long as LabelCue gives one; a lock may last longer."""
_ID_LIMIT = 2**63
_PROJECT = re.compile(r"/api/projects/([1-9][0-9]*)(?![^/?])")


class BadAnswer(Exception):
    """LabelCue answered something that it should not have; the message says what, and what to do."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What LabelCue said last of a project, and when (monotonic seconds)."""

    connected: bool
    order: tuple[int, ...]
    at: float
    shown: Mapping[int, Shown]
    begun: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Task ids, the next one first; `fresh` where LabelCue has just said so, else its last known order."""

    order: tuple[int, ...]
    fresh: bool
    begun: tuple[int, ...] = ()
    """Those of them that somebody has labelled, and that wait for another annotator."""
    shown: Mapping[int, Shown] = field(default_factory=dict, compare=False)
    """What goes with each, when it is served."""


class LabelCue:
    """The way to one LabelCue, shared by all requests of this process."""

    def __init__(self, configuration: Configuration, clock: Callable[[], float] = time.monotonic) -> None:
        self._wire = Wire(configuration.url, lambda path: _headers(configuration, path), clock)
        self.wait_s = configuration.wait_s
        """How long an annotator may wait for LabelCue, all calls of a request together."""
        self._clock = clock
        self._heard: dict[int, Heard] = {}
        self._trouble = ""
        self._kind: type[Exception] = Exception
        """Of that trouble: no answer in time, or a wrong one."""
        self.circuit = Circuit(clock)

    @property
    def ask_s(self) -> float:
        """How long one question may take of that, so that something is left for what follows it."""
        return ASK_SHARE * self.wait_s

    @property
    def trouble(self) -> str:
        """Why LabelCue is not used at the moment; empty where it is."""
        return self._trouble

    def serves(self, project: int) -> bool | None:
        """Whether the project is connected, by what was heard last; None where that must be asked."""
        heard = self._heard.get(project)
        if heard is None or (not heard.connected and self._clock() - heard.at >= RECHECK_S):
            return None
        return heard.connected

    def candidates(
        self, project: int, user: int, after: int | None, seconds: float, overlap: int = 1
    ) -> Candidates | None:
        """The tasks that this user may get next; None where the project is none of LabelCue's, as far as is known.

        `overlap`: how many annotations complete a task of the project.
        """
        body: dict[str, Any] = {"user": user, "limit": LIMIT}
        if after is not None:
            body["after_annotation"] = after
        if overlap > 1:
            body["overlap"] = overlap
        answer = self._ask("POST", f"/api/projects/{project}/next", body, seconds)
        if answer is not None:
            status, said = answer
            shown = _candidates(said) if status == 200 else {}
            begun = _begun(said) if status == 200 else ()
            self._heard[project] = Heard(status == 200, tuple(shown), self._clock(), shown, begun)
            return Candidates(tuple(shown), True, begun, shown) if status == 200 else None
        heard = self._heard.get(project)
        known = heard is not None and heard.connected
        return Candidates(heard.order, False, heard.begun, heard.shown) if heard is not None and known else None

    def about(self, project: int, user: int, task: int, seconds: float) -> Shown | None:
        """What goes with a task that the user holds; None where LabelCue does not know it, or is not well."""
        answer = self._ask("POST", f"/api/projects/{project}/next", {"user": user, "task": task}, seconds)
        return _candidates(answer[1]).get(task) if answer is not None and answer[0] == 200 else None

    def lease(self, project: int, task: int, user: int, ttl: int, seconds: float) -> None:
        """Tell LabelCue that the user holds the task for `ttl` seconds, if it is well and can be told in time.

        Label Studio's own lock is what keeps others away; a lease that is not told costs them a look at one more task.
        """
        if seconds <= 0 or not self.circuit.is_closed:
            return
        body = json.dumps({"task": task, "user": user, "seconds": min(ttl, LONGEST_LEASE_S)}).encode()
        try:
            self._wire.exchange("POST", f"/api/projects/{project}/leases", body, seconds)
        except WireError as error:
            log.info("LabelCue was not told of a lease: %s", error)

    def release(self, project: int, task: int, user: int, seconds: float) -> None:
        """Tell LabelCue that the user holds the task no longer, though he has not labelled it; as with `lease`."""
        if not self.circuit.is_closed:
            return
        try:
            self._wire.exchange("DELETE", f"/api/projects/{project}/leases/{task}?user={user}", None, seconds)
        except WireError as error:
            log.info("LabelCue was not told of the end of a lease: %s", error)

    def served(self) -> list[int]:
        """The projects that are connected, by what was heard last."""
        return [project for project, heard in list(self._heard.items()) if heard.connected]

    def read(self, path: str) -> tuple[int, Any] | None:
        """200 or 404 with its JSON, for work that nobody waits for; None where LabelCue is not well."""
        if not self.circuit.is_closed:
            return None
        try:
            status, data = self._wire.exchange("GET", path, None, BACKGROUND_S)
            return status, _read(status, data)
        except (WireError, BadAnswer) as error:
            log.info("LabelCue was not read: %s", error)
            return None

    def recover(self, project: int) -> None:
        """After trouble, ask whether LabelCue is back: here nobody waits, and one that has just started is slow."""
        if not self.circuit.is_closed:
            self._ask("POST", f"/api/projects/{project}/next", {"user": 1, "limit": 1}, RECOVER_S, force=True)

    def act(
        self, project: int, action: str, tasks: list[int], user: int | None, seconds: float, opinions: int | None = None
    ) -> bool:
        """Whether LabelCue took up what an admin asks for. `opinions`: by how many the tasks are to be labelled."""
        body = {"action": action, "tasks": tasks, "user": user}
        if opinions is not None:
            body["opinions"] = opinions
        raw = json.dumps(body).encode()
        try:
            status, _ = self._wire.exchange("POST", f"/api/projects/{project}/actions", raw, seconds)
        except WireError as error:
            log.warning("LabelCue did not take up %r: %s", action, error)
            return False
        return status == 202

    def probe(self, project: int, seconds: float) -> bool | None:
        """Whether LabelCue has the project connected; None where it does not answer. Also closes the circuit."""
        answer = self._ask("GET", f"/api/projects/{project}", None, seconds, force=True)
        return None if answer is None else answer[0] == 200

    def _ask(
        self, method: str, path: str, body: dict[str, Any] | None, seconds: float, *, force: bool = False
    ) -> tuple[int, Any] | None:
        """200 with its JSON, or 404; None where there is no such answer, of which the log is told once."""
        if not self.circuit.enter() and not force:
            return None
        try:
            raw = None if body is None else json.dumps(body).encode()
            status, data = self._wire.exchange(method, path, raw, seconds)
            said = _read(status, data)
            if path.endswith("/next") and status == 200:
                _candidates(said)
        except (WireError, BadAnswer) as error:
            self.circuit.failed()
            # Whoever asks beside the annotators waits longer, and would tell the same trouble in other words.
            known = force and type(error) is self._kind
            self._kind = type(error)
            self._tell(self._trouble if known and self._trouble else str(error))
            return None
        except BaseException:
            self.circuit.failed()
            raise
        self.circuit.succeeded()
        self._tell("")
        return status, said

    def _tell(self, trouble: str) -> None:
        """One line when trouble begins, changes or ends; not one a request."""
        before, self._trouble = self._trouble, trouble
        if trouble and trouble != before:
            log.warning("LabelCue cannot be used, its last known order or Label Studio's own serves: %s", trouble)
        elif before and not trouble:
            log.warning("LabelCue answers again.")


def _headers(configuration: Configuration, path: str) -> dict[str, str]:
    """Each project's requests carry a secret that opens nothing of another one; what names no project carries none."""
    named = _PROJECT.match(path)
    secret = {"Authorization": f"Bearer {configuration.bearer(int(named[1]))}"} if named else {}
    return {
        **secret,
        "Content-Type": "application/json",
        "LabelCue-Protocol": str(PROTOCOL),
        "User-Agent": f"labelcue-plugin/{__version__}",
    }


def _read(status: int, data: bytes) -> Any:
    """The JSON of an answer. Raises BadAnswer."""
    if status == 401:
        raise BadAnswer(f"it refuses the secret; copy plugin.secret of its home into {SECRET_FILE} and restart.")
    if status not in (200, 404):
        raise BadAnswer(f"it answered {status}; look into its log, and whether plugin and LabelCue fit together.")
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or (status == 404 and "error" not in said):
        raise BadAnswer("what answers is not LabelCue; look at the address.")
    return said


def _candidates(said: Any) -> dict[int, Shown]:
    """The candidates in their order, each once, with what goes with them. Raises BadAnswer."""
    tasks = said.get("tasks")
    if not isinstance(tasks, list) or not all(isinstance(task, dict) for task in tasks):
        raise BadAnswer("its candidates cannot be read; look whether plugin and LabelCue fit together.")
    found: dict[int, Shown] = {}
    for task in tasks[:MOST]:
        number = task.get("id")
        if type(number) is not int or not 0 < number < _ID_LIMIT:
            raise BadAnswer("its candidates have odd ids; look whether plugin and LabelCue fit together.")
        found.setdefault(number, shown_of(task))
    return found


def _begun(said: Any) -> tuple[int, ...]:
    """Of candidates that can be read, those that somebody has labelled."""
    return tuple(dict.fromkeys(task["id"] for task in said["tasks"][:MOST] if task.get("begun") is True))
