"""Label Studio down, slow, refusing, throttling for an hour of simulated time: no hot loop, then everything catches up.

The loops of reconcile and delivery run as they are; only their waiting passes simulated time in place of real time, in
which people go on working and the learner goes on publishing.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable
from unittest import mock

from pydantic import SecretStr

from labelcue.delivery import Delivery
from labelcue.errors import LabelCueError, LabelStudioDown, LabelStudioRefused
from labelcue.settings import Settings
from labelcue.store.connection import Connection
from labelcue.store.layout import Home
from labelstudio_double import PROJECT
from published import published
from reconcile_house import ACTIONS, House, act
from soak.proving import Figure, Trial

OUTAGE_S, AFTER_S, STEP_S = 3600.0, 1200.0, 10.0
"""Long enough afterwards for the longest wait that Label Studio may ask for."""
WAITING = "labelcue.labelstudio.backoff.wait_for"
HOT = 30
"""Requests of one loop in a minute of an outage, of which nothing good comes."""
FAULTS: dict[str, tuple[float, Callable[[], LabelCueError]]] = {
    "down": (0.01, lambda: LabelStudioDown("Label Studio cannot be reached.")),
    "slow or half-open": (30.0, lambda: LabelStudioDown("Label Studio did not answer in time.")),
    "401": (0.05, lambda: LabelStudioRefused("Label Studio refuses the token.")),
    "429": (0.05, lambda: LabelStudioDown("Label Studio answered 429.", "", 20.0)),
    "502": (0.5, lambda: LabelStudioDown("Label Studio answered 502.")),
}
"""What a request costs in seconds, and what it ends in."""


class Hour:
    """A house in simulated time: an outage of changing kinds, then a whole line."""

    def __init__(self, seed: str) -> None:
        self.rng, self.house, self.stop = random.Random(seed), House(), threading.Event()
        self.start = self.house.clock.now
        self.house.ls.import_tasks([{"text": f"mail {number}"} for number in range(300)])
        self.house.reconciler.poll()
        self.minutes: Counter[int] = Counter()
        self.house.ls.on_request = self._request
        self.each_step: list[Callable[[], None]] = []

    @property
    def out(self) -> bool:
        return self.house.clock.now - self.start < OUTAGE_S

    def wait(self, seconds: float, stop: threading.Event, wake: threading.Event | None = None) -> None:
        """In place of waiting: time passes, and people work in it."""
        if wake is not None and wake.is_set():
            wake.clear()
            return
        end = self.house.clock.now + max(seconds, 0.01)
        while self.house.clock.now < end:
            self.house.clock.now = min(end, self.house.clock.now + STEP_S)
            if self.out:
                for step in self.each_step:
                    step()
        if self.house.clock.now - self.start > OUTAGE_S + AFTER_S:
            stop.set()

    def work(self) -> None:
        """Somebody does something, and its webhook is lost."""
        with mock.patch.object(self.house.ls, "on_request", None):
            act(self.house, self.rng.choice([one for one in ACTIONS if one not in ("webhooks", "poll", "hour")]), 3, 1)
        self.house.ls.sent.clear()

    def _request(self, _name: str) -> None:
        if not self.out:
            return
        self.minutes[int((self.house.clock.now - self.start) // 60)] += 1
        kinds = sorted(FAULTS)
        cost, error = FAULTS[kinds[int((self.house.clock.now - self.start) // 120) % len(kinds)]]
        self.house.clock.now += cost
        raise error()


def outages_are_got_over(trial: Trial) -> Figure:
    """`amount` hours of each loop."""
    hottest = doubled = behind = requests = 0
    for number in range(trial.amount):
        reconciled, delivered = _reconcile(f"{trial.seed} {number}"), _deliver(trial, f"{trial.seed} {number}")
        for hour in (reconciled, delivered):
            hottest, requests = max(hottest, *hour.minutes.values()), requests + sum(hour.minutes.values())
        reconciled.house.assert_equal()
        ls = delivered.house.ls
        served = [one["task"] for one in ls.predictions if one["model_version"] == ls.fields["model_version"]]
        doubled += len(served) - len(set(served))
        behind += not served
        trial.tell(number + 1)
    words = (
        f"{trial.amount} simulated hours: at most {hottest} requests a minute ({requests / trial.amount:.0f} an hour)"
    )
    kept = hottest <= HOT and not doubled and not behind
    return Figure(kept, f"{words}, then equal after the first poll, {doubled} predictions twice, {behind} undelivered")


def _reconcile(seed: str) -> Hour:
    hour = Hour(seed)
    hour.each_step.append(hour.work)
    with mock.patch(WAITING, hour.wait), mock.patch("labelcue.reconcile.reconciler.wait_for", hour.wait):
        hour.house.reconciler.run(hour.stop)
    return hour


def _deliver(trial: Trial, seed: str) -> Hour:
    hour, rounds = Hour(seed), iter(range(1, 10_000))
    ls, home = hour.house.ls, Home(trial.folder / seed.replace(" ", "-"))
    connection = Connection(url="http://ls", project=PROJECT, token=SecretStr("none"))
    delivery = Delivery(
        ls,  # type: ignore[arg-type]
        home,
        PROJECT,
        Settings(),
        connection,
        clock=hour.house.clock,
        timer=hour.house.clock,
    )

    def publish() -> None:
        order = sorted(ls.task_rows)
        hour.rng.shuffle(order)
        delivery.publish(published(PROJECT, next(rounds), sorted(ls.task_rows), order))

    hour.each_step.append(publish)
    publish()
    with mock.patch(WAITING, hour.wait):
        delivery.run(hour.stop)
    return hour
