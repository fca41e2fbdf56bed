"""What Label Studio failed to deliver is found, over a line that breaks: webhooks and answers are lost or late."""

from __future__ import annotations

import random

import httpx

from labelcue.errors import LabelCueError
from labelcue.labelstudio.client import LabelStudio
from labelcue.reconcile import Reconciler
from labelcue.service.app import create_app
from labelcue.settings import Settings
from labelstudio_double import PROJECT, LabelStudioDouble
from reconcile_house import ACTIONS, Clock, act, assert_equal, deliver_badly
from scripted_studio import TOKEN
from servicing import SECRET, connect, service_of, settings_of
from soak.faults import HELD_S, broken_line, told
from soak.proving import Figure, Trial
from soak.studio import StandIn, standing_in

BROKEN = 0.3
STEPS = 30
WORK = [action for action in ACTIONS if action != "crash"]
"""Label Studio itself does not die here between two of its own writes, which leaves its counters wrong."""
TRIES = 200
"""Polls until one comes through; with three in ten requests broken, a handful is enough."""


class Patience(httpx.HTTPTransport):
    """Waits `seconds` for an answer, whatever the client says."""

    seconds = HELD_S / 2

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), self.seconds)
        return super().handle_request(request)


class House:
    """People at work in a stand-in of Label Studio, a service that hears of some of it, and a reconciler."""

    def __init__(self, stand: StandIn, trial: Trial, url: str, number: int) -> None:
        self.stand, self.clock = stand, Clock()
        home = trial.folder / f"home{number}"
        connect(home, PROJECT)
        app = create_app(settings_of(home))
        self._client = app.test_client()
        self.ledger = service_of(app).ledger
        self.patience = Patience()
        self.client = LabelStudio(url, TOKEN, transport=self.patience, wait=lambda _: None)
        self.reconciler = Reconciler(self.client, self.ledger, PROJECT, Settings(), clock=self.clock)

    @property
    def ls(self) -> LabelStudioDouble:
        return self.stand.double

    def deliver(self, raw: bytes) -> None:
        """A webhook arrives."""
        answer = self._client.post("/webhook", data=raw, headers={"LabelCue-Secret": SECRET})
        assert answer.status_code == 200, answer.get_data()

    def poll(self) -> int:
        """Until one comes through; how many did not."""
        for failed in range(TRIES):
            try:
                self.reconciler.poll()
            except LabelCueError:
                self.patience.seconds *= 1.2  # A slow machine is not a broken line.
                continue
            return failed
        raise AssertionError("no poll came through")

    def equal_after_a_poll(self) -> bool:
        """False: only after the hourly comparison of everything, where two losses had hidden each other from counters.

        Raises AssertionError where not even then.
        """
        self.reconciler.poll()
        try:
            assert_equal(self.ls, self.ledger)
        except AssertionError:
            self.clock.now += Settings().reconcile_full_s + 1
            self.reconciler.poll()
            assert_equal(self.ls, self.ledger)
            return False
        return True


def what_was_missed_is_found(trial: Trial) -> Figure:
    """`amount` runs of people at work; after each, a poll over a whole line, and the ledger is Label Studio's."""
    failed = requests = late = 0
    with standing_in(LabelStudioDouble()) as (stand, port), broken_line(port, trial.seed) as (line, url):
        for run in range(trial.amount):
            stand.double = LabelStudioDouble(reuse_ids=bool(run % 2))
            house, rng = House(stand, trial, url, run), random.Random(f"{trial.seed} {run}")
            line.broken = BROKEN
            failed += _work(house, rng)
            line.broken = 0.0
            with stand.lock:
                deliver_badly(house, rng)
            house.patience.seconds = 60.0
            late += not house.equal_after_a_poll()
            house.client.close()
            trial.tell(run + 1)
        requests = stand.asked
    words = f"{trial.amount - late:,} of {trial.amount:,} runs equal after one poll, {late} after the hourly comparison"
    words += f"; {requests:,} requests, {failed:,} polls failed meanwhile"
    return Figure(late <= trial.amount / 100, f"{words}; of requests: {told(line.done)}")


def _work(house: House, rng: random.Random) -> int:
    failed = 0
    house.ls.import_tasks([{"text": f"first {number}"} for number in range(3)])
    for _ in range(STEPS):
        action = rng.choice(WORK)
        if action == "webhooks":
            deliver_badly(house, rng)
        elif action == "poll":
            failed += house.poll()
        else:
            with house.stand.lock:
                act(house, action, rng.randrange(8), rng.randint(1, 4))
    return failed
