"""A project's files become what admins read; the learner starts that now and then, and never waits for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from labelcue.errors import NotFound
from labelcue.insights.report import Report
from labelcue.labels import kinds
from labelcue.pool.vectors import VectorFile
from labelcue.queueing.settings import QueueSettings
from labelcue.rounds import Rounds
from labelcue.settings import load_settings
from labelcue.store import open_ledger
from labelcue.store.fold import fold
from labelcue.store.layout import Home
from labelcue.studies import FAILED_S, FIRST_S, REST, Studies
from labelcue.studying import gather, read_map, study, votes_of
from labelcue.types import Event, Kind, TaskId

PROJECT, DIM, TASKS = 3, 8, 80
CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text">'
    '<Choice value="ham"/><Choice value="spam"/></Choices></View>'
)
BOXES = (
    '<View><Image name="text" value="$text"/><RectangleLabels name="label" toName="text">'
    '<Label value="ham"/><Label value="spam"/></RectangleLabels></View>'
)


class Desk:
    """A project whose round has run."""

    def __init__(self, folder: Path, labels: int = 40, config: str = CONFIG) -> None:
        self.field = "rectanglelabels" if config == BOXES else "choices"
        self.home = Home(folder)
        self.ledger = open_ledger(f"sqlite:///{folder / 'ledger.sqlite3'}")
        self.side = np.arange(TASKS) % 2
        rng = np.random.default_rng(0)
        made = (rng.standard_normal((TASKS, DIM)) + 3 * np.eye(DIM)[self.side]).astype(np.float32)
        self.say(Kind.LABEL_CONFIG, "config", label_config=config, updated_at="2026-01-01T00:00:00Z")
        for task in range(TASKS):
            self.say(
                Kind.TASK, f"task:{task}", task=task, data={"text": str(task), "source": "ab"[task % 2]}, updated_at=""
            )
        vectors = VectorFile(self.home.vectors(PROJECT, "test@1"), DIM, embedder="test@1")
        vectors.append([TaskId(task) for task in range(TASKS)], made, [f"{task:016}".encode() for task in range(TASKS)])
        self.say(Kind.DRAW, "draw:5:1", task=5, stream="audit", propensity=0.125, round=1)
        for task in range(labels):
            self.label(task, user=1)
        self.label(0, user=2, wrong=True)
        self.label(1, user=2)
        rounds = Rounds(
            self.ledger,
            PROJECT,
            vectors,
            self.home.snapshot(PROJECT),
            holder="me",
            embedder="test@1",
            base=QueueSettings(strategy="margin", audit=0),
        )
        assert self.ledger.acquire(PROJECT, "me", 1e6)
        self.snapshot = rounds.run()

    def say(self, kind: Kind, key: str, **body: object) -> None:
        self.ledger.append([Event(PROJECT, kind, key, body)])

    def label(self, task: int, user: int, wrong: bool = False, when: int = 0, cancelled: bool = False) -> None:
        choice = ("ham", "spam")[int(self.side[task]) ^ wrong]
        region = {"from_name": "label", "to_name": "text", "type": self.field, "value": {self.field: [choice]}}
        number, at = 1000 * user + task, f"2026-01-01T01:{task % 60:02}:{when:02}Z"
        body = {"annotation": number, "task": task, "user": user, "updated_at": at, "cancelled": cancelled}
        self.say(Kind.ANNOTATION, f"annotation:{number}:{when}", **body, result=[region])


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def _study(desk: Desk) -> Report:
    return study(desk.home, desk.ledger, PROJECT, lambda _name, _step, _of: None)


def test_a_project_gets_its_two_files(desk: Desk) -> None:
    found = _study(desk)
    words = json.loads(desk.home.insights(PROJECT).read_text())
    assert (words["round"], words["position"]) == (desk.snapshot.round.number, desk.snapshot.round.position)
    assert (words["tasks"], words["labelled"], words["annotations"]) == (TASKS, 40, 42)
    assert words["agreement"]["shared"] == 2
    assert words["audit"]["labels"] == 1
    assert {"a", "b"} <= {one["name"] for one in words["coverage"]["slices"] if one["field"] == "source"}
    shown = read_map(desk.home.insights_map(PROJECT))
    assert shown is not None
    assert shown.tasks.tolist() == list(range(TASKS))
    with np.load(desk.home.insights_map(PROJECT)) as arrays:
        assert arrays["label"][2:40].tolist() == desk.side[2:40].tolist()
        assert (arrays["label"][40:] == -1).all()
    # The next run keeps the map as it is.
    assert np.array_equal(_study(desk).map.places, found.map.places)


def test_what_occurs_in_regions_is_studied_as_a_set(tmp_path: Path) -> None:
    desk = Desk(tmp_path, config=BOXES)
    assert desk.snapshot.kind["name"] == "regions"
    facts = gather(desk.home, desk.ledger, PROJECT, desk.snapshot)
    assert (facts.kind, facts.probabilities.shape) == ("set", (TASKS, 2))
    words = _study(desk)
    assert words.labelled == 40
    assert words.as_json()["agreement"]["shared"] == 2


def test_labels_are_those_that_stand(desk: Desk) -> None:
    desk.label(2, user=1, wrong=True, when=30)
    desk.label(3, user=1, when=30, cancelled=True)
    desk.label(79, user=9)
    state = fold(desk.ledger.read(PROJECT))
    votes, _ = votes_of(state, np.arange(79), kinds.create("class"), ("ham", "spam"))
    said = {
        (int(item), int(who)): int(label)
        for item, who, label in zip(votes.item, votes.annotator, votes.label, strict=True)
    }
    assert said[2, 1] == 1 - desk.side[2]
    assert (3, 1) not in said
    assert (79, 9) not in said
    assert said[0, 2] == 1 - desk.side[0]
    none = votes_of(state, np.empty(0, dtype=np.int64), kinds.create("class"), ("ham", "spam"))[0]
    assert len(none.item) == 0


def test_facts_stand_at_the_rounds_position_and_vectors_at_their_tasks(desk: Desk) -> None:
    desk.label(50, user=1)
    facts = gather(desk.home, desk.ledger, PROJECT, desk.snapshot)
    assert facts.labelled.tolist() == list(range(40))
    assert facts.row.tolist() == list(range(TASKS))
    assert facts.arrived is not None
    assert (facts.arrived > 0).all()
    assert (np.flatnonzero(facts.audit).tolist(), facts.propensity[5], int(np.isnan(facts.propensity).sum())) == (
        [5],
        0.125,
        TASKS - 1,
    )
    assert facts.slices["source"][:3] == ["a", "b", "a"]


def test_a_project_without_a_round_says_what_to_do(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    with pytest.raises(NotFound, match="first round"):
        study(Home(tmp_path), ledger, PROJECT, lambda _name, _step, _of: None)


@pytest.mark.parametrize("damage", [b"", b"PK nonsense"])
def test_a_damaged_map_is_drawn_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "map.npz").write_bytes(damage)
    assert read_map(tmp_path / "map.npz") is None
    assert read_map(tmp_path / "none.npz") is None


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Runs:
    """Children that do nothing until they are told to end."""

    def __init__(self) -> None:
        self.words: list[Sequence[str]] = []
        self.children: list[subprocess.Popen[bytes]] = []

    def __call__(self, words: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        assert environment["OMP_NUM_THREADS"] == "1"
        self.words.append(words)
        code = "import sys; sys.exit(int(sys.stdin.readline()))"
        self.children.append(subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE))
        return self.children[-1]

    def end(self, status: int = 0) -> None:
        self.children[-1].communicate(f"{status}\n".encode(), timeout=60)

    @property
    def projects(self) -> list[str]:
        return [words[words.index("--project") + 1] for words in self.words]


def _studies(tmp_path: Path, seconds: float = 60) -> tuple[Studies, Runs, Clock]:
    runs, clock = Runs(), Clock()
    return Studies(load_settings({"home": tmp_path, "insights_s": seconds}), runs, clock), runs, clock


def test_runs_start_one_at_a_time_and_rest_between(tmp_path: Path) -> None:
    studies, runs, clock = _studies(tmp_path)
    studies.step({1: 5, 2: 7})
    assert not runs.words
    clock.now += FIRST_S
    studies.step({1: 5, 2: 7})
    studies.step({1: 5, 2: 7})
    assert runs.projects == ["1"]
    clock.now += 30
    runs.end()
    studies.step({1: 6, 2: 7})
    assert runs.projects == ["1", "2"]
    runs.end()
    clock.now += REST * 30 - 1
    studies.step({1: 6, 2: 7})
    assert runs.projects == ["1", "2"]
    clock.now += 2
    studies.step({1: 6, 2: 7})
    assert runs.projects == ["1", "2", "1"]
    runs.end()
    clock.now += 1000
    studies.step({1: 6, 2: 7})
    assert len(runs.words) == 3
    studies.stop()


def test_a_run_that_failed_waits_longer_and_zero_means_none(tmp_path: Path) -> None:
    studies, runs, clock = _studies(tmp_path, 1)
    studies.step({1: 1})
    clock.now += 1
    studies.step({1: 1})
    runs.end(1)
    clock.now += 1
    studies.step({1: 2})
    clock.now += FAILED_S - 1
    studies.step({1: 2})
    assert len(runs.words) == 1
    clock.now += 2
    studies.step({1: 2})
    assert len(runs.words) == 2
    studies.stop()
    last = runs.children[-1]
    assert last.poll() is not None
    assert last.stdin is not None
    last.stdin.close()
    never, none, later = _studies(tmp_path, 0)
    later.now += 1000
    never.step({1: 1})
    assert not none.words


def test_a_project_whose_vectors_are_gone_says_who_brings_them_back(desk: Desk) -> None:
    [folder] = desk.home.project(PROJECT).glob("vectors-*")
    shutil.rmtree(folder)
    with pytest.raises(NotFound, match=f"has 0 of the {TASKS} vectors") as refused:
        _study(desk)
    assert "embeds" in refused.value.remedy
