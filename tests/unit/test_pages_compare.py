"""Comparing a form's settings with what stands, before anything is saved; every step without scripts."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

import pytest

from labelcue.queueing.comparing import Comparison, Question, Seat, Side, questions, reply
from labelcue.store.layout import Home
from labelcue.store.status import write_status
from labelcue.types import Kind
from paging import Visitor, fill, visitor_of
from servicing import NOW, connect, offer, publish, service_of

PAGE = "/projects/10/strategy"
FORM = {
    "if_version": "0",
    "strategy": "margin",
    "surrogate": "logistic",
    "audit": "2,5",
    "explore": "",
    "slices": "",
    "classes.pos": "40",
    "params.power-margin.beta": "3",
    "pre_annotation": "off",
}
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@pytest.fixture
def visitor(tmp_path: Path) -> Visitor:
    connect(tmp_path)
    offer(tmp_path)
    publish(tmp_path, [1, 2, 3])
    visitor = visitor_of(tmp_path)
    fill(visitor, {1: "first <b>mail", 2: "second mail", 3: "third mail"}, {})
    visitor.log_in()
    visitor.get(PAGE)
    return visitor


def seat(task: int, label: str | None, shared: bool) -> Seat:
    return Seat(
        task=task, label=label, confidence=0.8, uncertainty=0.3, novelty=0.2, slice="de", reason="why", shared=shared
    )


def side(question: Question, which: str, seats: list[Seat], classes: dict[str, int]) -> Side:
    settings = question.a if which == "a" else question.b
    slices = {"de": len(seats)}
    return Side(settings=settings, strategy=settings.strategy, places=seats, classes=classes, slices=slices)


def answered(home: Path) -> Question:
    """What the learner does with the question that waits."""
    folder = Home(home).project(10)
    ((number, question),) = questions(folder)
    assert question is not None
    a = side(question, "a", [seat(1, "pos", True), seat(2, None, False)], {"pos": 1})
    b = side(question, "b", [seat(3, "neg", False), seat(1, "pos", True)], {"neg": 1, "pos": 1})
    reply(folder, number, Comparison(a=a, b=b, overlap=1, error=""))
    return question


def test_a_comparison_is_waited_for_shown_and_saved(tmp_path: Path, visitor: Visitor) -> None:
    write_status(tmp_path / "projects" / "10" / "status.json", {"at": NOW})
    waiting = visitor.post(f"{PAGE}/compare", **FORM)
    address = waiting.request.path
    assert re.fullmatch(rf"{PAGE}/compare/\d+", address)
    assert '<meta http-equiv="refresh" content="1">' in waiting.text
    assert "The learner ranks both; this page looks again in 1 s." in waiting.text
    assert "not running" not in waiting.text

    question = answered(tmp_path)
    assert (question.a.strategy, question.b.strategy, question.places) == ("herding", "margin", 50)
    text = visitor.get(address).text
    assert "http-equiv" not in text
    assert "strategy from herding to margin, audit from 0.05 to 0.025" in text
    assert "<strong>1 task</strong> of the first 2 is in both" in text
    assert text.count("in both</span>") == 2
    assert "first &lt;b&gt;mail" in text
    assert 'href="http://127.0.0.1:9/projects/10/data?task=3"' in text
    assert '<th scope="row">neg</th><td class="number">0</td><td class="number">1</td>' in text
    assert '<th scope="row">de</th><td class="number">2</td><td class="number">2</td>' in text

    typed = {name: html.unescape(value) for name, value in _HIDDEN.findall(text[text.index(f'action="{PAGE}"') :])}
    typed.pop("csrf")
    assert typed == FORM
    assert "Saved as version 1" in visitor.post(PAGE, **typed).text
    assert "asks for what stands already" not in visitor.get(address).text


def test_back_to_the_form_keeps_what_was_typed(tmp_path: Path, visitor: Visitor) -> None:
    number = visitor.post(f"{PAGE}/compare", **FORM).request.path.rpartition("/")[2]
    text = visitor.get(f"{PAGE}?typed={number}").text
    assert "nothing of it is saved" in text
    assert 'value="2,5"' in text
    assert re.search(r'id="s-margin" value="margin" checked', text)
    assert re.search(r'name="params.power-margin.beta"[^>]* value="3"', text)
    assert "nothing saved yet" in text
    assert "nothing of it is saved" not in visitor.get(f"{PAGE}?typed=x").text
    assert visitor.get(f"{PAGE}?typed=7").status_code == 404


def test_two_admins_hear_of_each_other_there_too(tmp_path: Path, visitor: Visitor) -> None:
    address = visitor.post(f"{PAGE}/compare", **FORM).request.path
    visitor.post(PAGE, **{**FORM, "strategy": "random"})
    answered(tmp_path)
    visitor.get(address)
    answer = visitor.post(PAGE, **FORM)
    assert answer.status_code == 409
    assert "Ada changed strategy from herding to random" in answer.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"audit": "60", "explore": "50"}, "sum to 1.1"),
        ({"audit": "many"}, "is no number"),
        ({"classes.unknown": "5"}, "has no class"),
        ({"strategy": "nonsense"}, "There is no strategy"),
        ({"if_version": "x"}, "which version"),
    ],
)
def test_wrong_settings_come_back_in_the_form(
    tmp_path: Path, visitor: Visitor, changes: dict[str, str], said: str
) -> None:
    answer = visitor.post(f"{PAGE}/compare", **{**FORM, **changes})
    assert answer.status_code == 400
    assert said in answer.text
    assert 'name="params.power-margin.beta"' in answer.text
    assert questions(Home(tmp_path).project(10)) == []


def test_comparing_saves_nothing_and_needs_the_forms_token(visitor: Visitor) -> None:
    visitor.post(f"{PAGE}/compare", **FORM)
    ledger = service_of(visitor.client.application).ledger
    assert not [event for event in ledger.read(10) if event.kind is Kind.SETTINGS]
    assert visitor.post(f"{PAGE}/compare", **{**FORM, "csrf": "x"}).status_code == 400
    assert visitor.post("/projects/11/strategy/compare", **FORM).status_code == 404


def test_what_stands_already_and_what_cannot_be_ranked_is_said(tmp_path: Path, visitor: Visitor) -> None:
    folder, stands = Home(tmp_path).project(10), {"if_version": "0", "strategy": "herding", "surrogate": "logistic"}
    same = visitor.post(f"{PAGE}/compare", **stands, audit="5", pre_annotation="off").request.path
    answered(tmp_path)
    text = visitor.get(same).text
    assert "asks for what stands already" in text
    assert "Save these settings" not in text
    other = visitor.post(f"{PAGE}/compare", **FORM).request.path
    reply(folder, int(other.rpartition("/")[2]), Comparison(a=None, b=None, overlap=0, error="No round yet."))
    assert "cannot be compared:</strong> No round yet." in visitor.get(other).text


def test_without_a_learner_the_page_says_so_and_old_comparisons_are_gone(tmp_path: Path, visitor: Visitor) -> None:
    waiting = visitor.post(f"{PAGE}/compare", **FORM)
    assert "learner is not running" in waiting.text
    assert visitor.get(f"{PAGE}/compare/7").status_code == 404
    assert visitor.get(f"{PAGE}/compare/{2**53}").status_code == 404
    folder = Home(tmp_path).project(10)
    for path in (folder / "compare").iterdir():
        os.utime(path, (0, 0))
    reply(folder, 1, Comparison(a=None, b=None, overlap=0, error=""))
    assert list((folder / "compare").iterdir()) == [folder / "compare" / "1.answer.json"]
    assert "kept for an hour" in visitor.get(waiting.request.path).text


def test_a_damaged_form_is_named(tmp_path: Path, visitor: Visitor) -> None:
    address = visitor.post(f"{PAGE}/compare", **FORM).request.path
    (tmp_path / "projects" / "10" / "compare" / f"{address.rpartition('/')[2]}.typed.json").write_text("[]")
    answer = visitor.get(address)
    assert answer.status_code == 500
    assert "Fill it in again" in answer.text
