"""SIGTERM under load: everything that was acknowledged is there, the exit status is 0, within ten seconds."""

from __future__ import annotations

import http.client
import random
import signal
import time
from itertools import chain

from labelcue.supervisor import STOP_S
from soak.posting import Mark, annotations, post, stored
from soak.processes import Crowd, Process, serving
from soak.proving import Figure, Trial
from waiting import until


def it_stops_cleanly(trial: Trial) -> Figure:
    """`amount` times: four clients post, SIGTERM at a random moment, start again."""
    rng, slowest, bad = random.Random(trial.seed), 0.0, 0
    with serving(trial.folder) as service:
        crowd = Crowd(4, lambda client, turn: _post(service, client, turn))
        try:
            for time_ in range(1, trial.amount + 1):
                crowd.until(crowd.acknowledged.qsize() + rng.randint(1, 60))
                began = time.monotonic()
                bad += service.end(signal.SIGTERM) != 0
                slowest = max(slowest, time.monotonic() - began)
                service.start()
                trial.tell(time_)
        finally:
            said = crowd.end()
    marks = set(chain.from_iterable(said))  # type: ignore[arg-type]
    lost = marks - stored(trial.folder)
    kept = not lost and not bad
    return Figure(
        kept,
        f"{trial.amount} stops, slowest {slowest:.1f} s of {STOP_S:.0f}, {bad} with another exit status, "
        f"{len(lost)} lost of {len(marks):,}",
    )


def _post(service: Process, client: int, turn: int) -> list[Mark] | None:
    body, marks = annotations(client, turn, 1 + turn % 3)
    url = service.url
    if not url:
        until(lambda: service.url, what="the next service")
        return None
    try:
        status, said = post(url, body)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    return marks if status == 200 and said["stored"] == len(marks) else None
