"""How messages leave: one bounded queue and one thread an address, so that a slow receiver holds up nobody else.

Messages to one address keep their order, so that no 'resolved' overtakes its 'raised'. A message is sent until it was
taken, with longer and longer pauses; the same `id` may therefore arrive twice, and never is anything else sent twice.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import structlog

from labelcue.alarms.addresses import Address

log = structlog.get_logger(__name__)
WAITING = 100
"""Messages that wait for one address at most; beyond it the oldest is lost, and counted."""
TIMEOUT_S = 5.0
STOP_S = 1.0
"""A service that ends waits no longer for receivers."""
FIRST_S, LONGEST_S = 1.0, 300.0
"""Pause after the first failure, doubled by each further one, up to the longest."""
OLD_S = 86_400.0
"""A message that nobody took for so long is lost."""
REFUSALS = 3
"""So often a receiver may refuse one message (4xx) before it is lost: it would refuse it for ever."""
PATIENT = (408, 425, 429)
"""Refusals that are over soon: they count as failures, not as refusals."""
Outcome = Literal["sent", "failed", "lost"]


@dataclass
class Lane:
    """The messages to one address. Touched under the outbox's lock alone."""

    waiting: deque[dict[str, Any]] = field(default_factory=deque)
    failures: int = 0
    refusals: int = 0
    trouble: str = ""
    """Why the last attempt failed; empty where it did not."""
    last_ok: float | None = None
    """Unix seconds."""

    def as_json(self) -> dict[str, Any]:
        """For the file; `Lane.read` is its inverse."""
        return {"waiting": list(self.waiting), "trouble": self.trouble, "last_ok": self.last_ok}

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Lane:
        """Raises KeyError, TypeError or ValueError for anything else."""
        waiting = [dict(one) for one in said["waiting"]]
        last = None if said["last_ok"] is None else float(said["last_ok"])
        return cls(deque(waiting[-WAITING:]), trouble=str(said["trouble"]), last_ok=last)


class Outbox:
    """All addresses. `put` returns at once. Thread-safe."""

    def __init__(
        self,
        addresses: Sequence[Address],
        kept: Mapping[str, Lane],
        changed: Callable[[], None],
        count: Callable[[Outcome], None],
        clock: Callable[[], float] = time.time,
        first_s: float = FIRST_S,
    ) -> None:
        """`kept`: lanes by the addresses' keys, as they stood; `changed` is called when they are otherwise."""
        self.lanes = {address.key: kept.get(address.key) or Lane() for address in addresses}
        self._addresses = addresses
        self._changed, self._count = changed, count
        self._clock, self._first_s = clock, first_s
        self._wake = threading.Condition()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, args=(address,), name="alarms", daemon=True) for address in addresses
        ]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop; what was not sent is in `lanes`, what is being sent now too: it will be sent again."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        deadline = time.monotonic() + STOP_S
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def put(self, message: Mapping[str, Any]) -> None:
        """Send it to every address, behind what waits there."""
        with self._wake:
            for lane in self.lanes.values():
                lane.waiting.append(dict(message))
                if len(lane.waiting) > WAITING:
                    lane.waiting.popleft()
                    self._count("lost")
            self._wake.notify_all()

    def as_json(self) -> dict[str, Any]:
        """Every lane, by its address' key."""
        with self._wake:
            return {key: lane.as_json() for key, lane in self.lanes.items()}

    def _run(self, address: Address) -> None:
        lane = self.lanes[address.key]
        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as http:
            while (message := self._next(lane)) is not None:
                status, trouble = post(http, address, message)
                if self._settle(address, lane, message, status, trouble):
                    self._pause(lane)
                self._changed()

    def _next(self, lane: Lane) -> dict[str, Any] | None:
        with self._wake:
            self._wake.wait_for(lambda: self._stopping or lane.waiting)
            return None if self._stopping else lane.waiting[0]

    def _settle(self, address: Address, lane: Lane, message: dict[str, Any], status: int, trouble: str) -> bool:
        """Take note of an attempt; True where there is to be a pause before the next one."""
        with self._wake:
            lane.trouble = trouble
            if not trouble:
                lane.failures, lane.last_ok = 0, self._clock()
            else:
                lane.failures += 1
            refused = 400 <= status < 500 and status not in PATIENT
            lane.refusals = lane.refusals + 1 if refused else 0
            lost = bool(trouble) and (lane.refusals >= REFUSALS or self._clock() - float(message["at"]) > OLD_S)
            over = lost or not trouble
            if over:
                lane.refusals = 0
                if lane.waiting and lane.waiting[0] is message:  # else it was the oldest of too many
                    lane.waiting.popleft()
        self._count("lost" if lost else "failed" if trouble else "sent")
        if trouble:
            log.warning("alarm not sent", address=address.shown, alarm=message["alarm"], reason=trouble, lost=lost)
        return bool(trouble) and not lost

    def _pause(self, lane: Lane) -> None:
        """No address is asked again at once; ends early when the outbox stops."""
        seconds = min(LONGEST_S, self._first_s * 2.0 ** min(lane.failures - 1, 20))
        with self._wake:
            self._wake.wait_for(lambda: self._stopping, timeout=seconds)


def post(http: httpx.Client, address: Address, message: Mapping[str, Any]) -> tuple[int, str]:
    """Send one message once: the answer's status (0: none came) and why it counts as a failure, or ''.

    A redirect is a failure: messages go where the operator said, and nowhere else. The answer's body is not read.
    """
    try:
        with http.stream("POST", address.url, json=dict(message)) as answer:
            good = 200 <= answer.status_code < 300
            return (
                answer.status_code,
                "" if good else f"it answered {answer.status_code} {answer.reason_phrase}".strip(),
            )
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # The error's own words may hold the whole address.
        return 0, f"no answer ({type(error).__name__})"
