"""Single tasks and comparisons by the command line."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from labelcue.cli import main
from labelcue.labelstudio.way import STOCK, Way
from labelcue.queueing.comparing import Comparison, Question, Seat, Side, ask, reply
from labelcue.settings import load_settings
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.types import Event, Kind
from paging import plant
from servicing import connect, publish


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    connect(tmp_path)
    publish(tmp_path, range(1, 7))
    monkeypatch.setenv("LABELCUE_HOME", str(tmp_path))
    monkeypatch.setattr("labelcue.acting.out._width", 300)
    with closing(_ledger()) as ledger:
        plant(ledger, {task: f"mail {task}" for task in range(1, 7)}, {1: "pos"})
    return tmp_path


def _ledger() -> Ledger:
    return open_ledger(load_settings({}).store_url)


def _said(kind: Kind) -> list[Event]:
    with closing(_ledger()) as ledger:
        return list(ledger.read(10, kinds=(kind,)))


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words[:1], "-p", "10", *words[1:]])


@pytest.mark.usefixtures("home")
def test_tasks_are_put_first_held_back_and_taken_back() -> None:
    assert "2 tasks put first." in run("pin", "3", "4", "--by", "anna").output
    assert [(event.body["task"], event.body["by"]) for event in _said(Kind.PIN)] == [(3, "anna"), (4, "anna")]
    told = run("hold", "#5,", "999", "--by", "anna").output
    assert "Left out, as it cannot be done to them: 1." in told
    assert "1 task held back." in told
    assert "back in the order" in run("requeue", "3").output
    assert "is no task's number" in run("pin", "eight").output
    assert "none of these tasks" in run("pin", "999").output
    assert len(_said(Kind.PIN)) == 2


@pytest.mark.usefixtures("home")
def test_a_second_opinion_needs_the_plugin_and_a_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelcue.acting.ask_way", lambda _: Way(False, STOCK, ""))
    assert "only the plugin" in run("second-opinion", "1").output
    monkeypatch.setattr("labelcue.acting.ask_way", lambda _: Way(True, "by the plugin", ""))
    assert "1 task to be labelled by one more annotator" in run("second-opinion", "1", "2").output
    assert [(event.body["task"], event.body["opinions"]) for event in _said(Kind.SECOND_OPINION)] == [(1, 2)]


def test_both_queues_stand_side_by_side_and_nothing_is_saved(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answered(folder: Path, question: Question) -> int:
        number = ask(folder, question)
        seats = [
            Seat(task=task, label=label, confidence=1, uncertainty=0, novelty=0, slice="", reason="", shared=task == 3)
            for task, label in ((3, "pos"), (5, None))
        ]
        sides = [
            Side(settings=one, strategy=one.strategy, places=places, classes={}, slices={})
            for one, places in ((question.a, seats), (question.b, seats[:1]))
        ]
        reply(folder, number, Comparison(a=sides[0], b=sides[1], overlap=1, error=""))
        return number

    monkeypatch.setattr("labelcue.acting.ask", answered)
    told = run("compare", "strategy=margin", "audit=0.1")
    assert told.exit_code == 0, told.output
    assert "strategy from herding to margin, audit from 0.05 to 0.1; 1 tasks are in both" in told.output
    assert "3 *" in told.output
    assert _said(Kind.SETTINGS) == []
    assert "There is no strategy" in run("compare", "strategy=nonsense").output


@pytest.mark.usefixtures("home")
def test_a_learner_that_does_not_answer_is_named() -> None:
    told = run("compare", "strategy=margin", "--seconds", "0")
    assert told.exit_code != 0
    assert "labelcue serve" in told.output
