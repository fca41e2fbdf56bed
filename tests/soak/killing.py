"""kill -9 of the service and of the learner at random moments, while clients post: nothing acknowledged is lost."""

from __future__ import annotations

import http.client
import random
from contextlib import closing
from itertools import chain
from pathlib import Path

from labelcue.store import open_ledger
from soak.posting import Mark, annotations, config, post, stored, tasks
from soak.processes import PROJECT, Crowd, Process, serving
from soak.proving import Figure, Trial
from waiting import until

CLIENTS = 4
BULK = 60
"""Most annotations of one webhook: Label Studio sends up to 5,000."""
LEARNERS = 8
"""One in so many kills hits the learner: it takes seconds to start, the service one."""


def acknowledged_outlives_kills(trial: Trial) -> Figure:
    """`amount` kills; the learner reads the same ledger all the while, and is killed too."""
    rng, home = random.Random(trial.seed), trial.folder
    with serving(home) as service:
        for body in (config(), tasks(90)):
            assert post(service.url, body)[0] == 200
        learner = Process(home, "learner")
        learner.start()
        crowd = Crowd(CLIENTS, lambda client, turn: _post(service, client, turn, random.Random(f"{client} {turn}")))
        try:
            for kill in range(1, trial.amount + 1):
                crowd.until(crowd.acknowledged.qsize() + rng.randint(1, 100))
                victim = learner if kill % LEARNERS == 0 else service
                victim.kill()
                victim.start()
                trial.tell(kill)
            until(lambda: _rounds(home), what="a round of the learner")
        finally:
            said = crowd.end()
            learner.kill()
    marks = list(chain.from_iterable(said))  # type: ignore[arg-type]
    lost = set(marks) - stored(home)
    rounds = _rounds(home)
    kept = not lost and len(marks) > trial.amount and rounds == list(range(1, len(rounds) + 1))
    words = f"{len(lost)} lost of {len(marks):,} acknowledged, {trial.amount} kills, {len(rounds)} rounds without a gap"
    return Figure(kept, words)


def _post(service: Process, client: int, turn: int, rng: random.Random) -> list[Mark] | None:
    """One webhook; None where nobody acknowledged it, which is what happens while the service is dead."""
    body, marks = annotations(client, turn, rng.choice((1, 1, 5, BULK)))
    url = service.url
    if not url:
        until(lambda: service.url, what="the next service")
        return None
    try:
        status, said = post(url, body)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    assert status != 200 or said["stored"] == len(marks)
    return marks if status == 200 else None


def _rounds(home: Path) -> list[int]:
    with closing(open_ledger(f"sqlite:///{home / 'ledger.sqlite3'}", 60_000)) as ledger:
        return [record.number for record in ledger.rounds(PROJECT)]
