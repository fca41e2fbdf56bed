"""The head of a queue placed anew without the pool is the one that the pool itself would place."""

import numpy as np
import pytest

from labelcue.engine import Cue
from labelcue.pool.standby import Standby

ROWS = 320
TRUTH = ["spam" if row % 3 == 0 else "ham" for row in range(ROWS)]


def cue_of(strategy: str, labelled: int = 12, shift: int = 1000) -> Cue:
    """Ids do not stand in the order of rows."""
    rng = np.random.default_rng(4)
    vectors = rng.standard_normal((8, 12))[rng.integers(0, 8, ROWS)] + 0.6 * rng.standard_normal((ROWS, 12))
    vectors[::3, 0] += 1.5
    cue = Cue(vectors.astype(np.float32), shift + rng.permutation(ROWS), strategy, classes=["spam", "ham"])
    cue.label({shift + item: TRUTH[item] for item in range(labelled)})
    return cue


def ready(cue: Cue) -> Standby:
    cue.round(1, head=60)
    standby = cue.standby(60)
    assert standby is not None
    return standby


@pytest.mark.parametrize("strategy", ["herding", "coreset", "coreset-margin"])
def test_it_is_what_the_pool_would_place(strategy):
    cue = cue_of(strategy)
    standby = ready(cue)
    first = [one.id for one in cue.rank(20)]
    assert standby.head(20) == first
    standby.leave({first[0]: True, first[3]: False, 5: True})
    cue.label({first[0]: "ham"})
    cue.skip([first[3]])
    assert standby.head(20) == cue.rerank(20)
    standby.leave({first[7]: True})
    cue.label({first[7]: "spam"})
    assert standby.head(20) == cue.rerank(20)
    assert not {first[0], first[3], first[7]} & set(standby.head(60) or ())


@pytest.mark.parametrize("strategy", ["herding", "coreset-margin"])
def test_what_becomes_of_the_pool_meanwhile_changes_nothing(strategy):
    cue, still = cue_of(strategy), cue_of(strategy)
    standby, same = ready(cue), ready(still)
    first = standby.head(10)
    assert first is not None
    cue.label({item: TRUTH[item - 1000] for item in range(1100, 1200)})
    cue.remove([first[0]])
    cue.add(np.eye(12, dtype=np.float32), list(range(12)))
    cue.round(2, full=True, head=60)
    for one in (standby, same):
        one.leave({first[1]: True, first[2]: False})
    assert standby.head(30) == same.head(30)


@pytest.mark.parametrize("strategy", ["herding", "coreset-margin"])
def test_places_by_lot_and_pins_stay_as_the_round_gave_them(strategy):
    cue = cue_of(strategy)
    cue.audit(0.2, seed=3)
    cue.explore(0.1)
    cue.pin([1200, 1201])
    standby = ready(cue)
    first = standby.head(40)
    assert first == [one.id for one in cue.rank(40)]
    drawn = [item for item in first if item in cue.drawn]
    assert len(drawn) > 6
    ours = [item for item in first if item not in drawn and item not in (1200, 1201)]
    standby.leave({1200: True, drawn[0]: True, ours[0]: True})
    then = standby.head(40)
    assert then is not None
    assert then[0] == 1201
    assert [item for item in then if item in cue.drawn][: len(drawn) - 1] == drawn[1:]
    assert not {1200, drawn[0], ours[0]} & set(then)
    assert len(set(then)) == len(then)


def test_a_labelled_audit_covers_nothing():
    cue = cue_of("herding")
    cue.audit(0.3, seed=3)
    standby, other = ready(cue), ready(cue)
    audit = next(iter(cue.drawn))
    standby.leave({audit: True})
    other.leave({audit: False})
    assert standby.head(30) == other.head(30)


def test_there_is_none_where_each_place_depends_on_those_before_it_or_the_strategy_has_no_such_places():
    cue = cue_of("herding")
    ready(cue)
    cue.next()
    assert cue.standby(10) is None
    cue.label({1050: "ham"})
    assert cue.standby(10) is None
    cue.quota({"late": 0.5}, of=dict.fromkeys(range(1150, 1300), "late"))
    cue.round(2)
    assert cue.standby(10) is None
    margin = cue_of("margin")
    margin.round(1)
    assert margin.standby(10) is None


def test_a_cold_core_set_waits_for_its_round():
    standby = ready(cue_of("coreset-margin", labelled=0))
    assert standby.head(10) is None
    standby.leave({1000: True})
    assert len(standby.head(10) or ()) == 10
    assert len(ready(cue_of("herding", labelled=0)).head(10) or ()) == 10
