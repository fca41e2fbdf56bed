"""How often drift is told where there is none, and where there is."""

from __future__ import annotations

import numpy as np

from labelcue.bench.efficiency.dataset import LabelledSet
from labelcue.bench.insights.rates import Rate
from labelcue.insights.drift import drift
from labelcue.types import Bools, Json

REPLAYS = 100
NEW = (50, 200, 500)
"""Tasks of the new import, in turn."""
SHIFTED = 0.5
"""Share of a changed import that is all of one class."""


def replay(data: LabelledSet) -> Json:
    """`{alarms, below_1, below_5, found}`: of random imports the share of alarms, and of p below 1 and 5 %; of imports
    half of which is a single class, the share of alarms."""
    vectors = np.concatenate([data.vectors, data.test_vectors])
    targets = np.concatenate([data.targets, data.test_targets])
    alarms, below_1, below_5, found = Rate(), Rate(), Rate(), Rate()
    for seed in range(REPLAYS):
        rng, size = np.random.default_rng([seed, 13]), NEW[seed % len(NEW)]
        same = drift(vectors.__getitem__, _some(rng.permutation(len(targets))[:size], len(targets)), seed)
        alarms.add(same.alarm)
        below_1.add(same.p is not None and same.p < 0.01)
        below_5.add(same.p is not None and same.p < 0.05)
        one = rng.permutation(np.flatnonzero(targets == rng.integers(len(data.classes))))[: int(SHIFTED * size)]
        others = rng.permutation(np.setdiff1d(np.arange(len(targets)), one))[: size - len(one)]
        found.add(drift(vectors.__getitem__, _some(np.concatenate([one, others]), len(targets)), seed).alarm)
    rates = {"alarms": alarms, "below_1": below_1, "below_5": below_5, "found": found}
    return {name: rate.as_json() for name, rate in rates.items()}


def _some(rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]], n: int) -> Bools:
    new = np.zeros(n, dtype=np.bool_)
    new[rows] = True
    return new
