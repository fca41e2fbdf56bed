"""Choosing a queue's settings by the command line and by the REST API."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient

from labelcue.cli import main
from labelcue.queueing.comparing import Comparison, answer, questions, reply
from labelcue.store.layout import Home
from labelcue.types import Kind
from servicing import BEARER, client_of, connect, offer, publish, service_of

PATH = "/api/projects/10/settings"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    connect(tmp_path)
    publish(tmp_path, range(6))
    monkeypatch.setenv("LABELCUE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words[:1], "-p", "10", *words[1:]])


def said(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelcue.choosing.out._width", 300)


@pytest.mark.usefixtures("home")
def test_the_command_line_from_the_first_choice_to_the_way_back() -> None:
    assert "Always: the first labels" in said("strategy")
    assert "Version 1 of project 10: strategy from herding to margin." in said("strategy", "margin", "--by", "anna")
    assert "audit from 0.05 to 0.1" in said("set", "audit=0.1")
    assert "classes from none to pos=0.4" in said("set", "classes.pos=0.4", "pre_annotation=on")
    assert "classes from pos=0.4 to none" in said("set", "classes.pos=")
    assert "says so already" in said("strategy", "margin")
    assert "strategy" in said("back", "0", "--by", "carl")
    told = said("history")
    assert "carl" in told
    assert "(back to version 0)" in told
    assert "Share of the places" in said("set")


@pytest.mark.usefixtures("home")
def test_audits_by_the_command_line() -> None:
    assert "audit from 0.05 to 0.1" in said("audit", "--share", "0.1")
    assert "10.0% of the places are drawn at random." in said("audit")
    assert "Retired 0 audits" in said("audit", "--retire", "--by", "anna")


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("strategy", "best"), "no strategy 'best'"),
        (("strategy", "margin", "--param", "beta"), "sets no parameter"),
        (("set", "audit"), "sets nothing"),
        (("set", "audit.x=1"), "sets nothing"),
        (("set", "audit=0.2", "--if-version", "4"), "no version 4"),
        (("back", "3"), "no version 3"),
    ],
)
def test_the_command_line_refuses_in_two_lines(words: tuple[str, ...], why: str) -> None:
    result = run(*words)
    assert result.exit_code == 1
    assert "Traceback" not in result.output + result.stderr
    assert why in result.stderr.replace("\n", " ")
    assert "no settings" not in said("history")


@pytest.fixture
def client(home: Path) -> FlaskClient:
    offer(home)
    return client_of(home)


def test_the_rest_api_saves_refuses_and_goes_back(client: FlaskClient) -> None:
    first = client.get(PATH, headers=BEARER).json
    assert (first["current"]["version"], first["current"]["at"], len(first["history"])) == (0, None, 1)
    body = {"settings": {"strategy": "power-margin", "params": {"beta": 2}}, "if_version": 0, "by": "anna"}
    saved = client.put(PATH, json=body, headers=BEARER).json
    assert (saved["version"], saved["by"]) == (1, "anna")
    assert saved["words"] == "strategy from herding to power-margin, params from none to beta=2"
    late = client.put(PATH, json={**body, "settings": {"audit": 0.2}, "by": "ben"}, headers=BEARER)
    assert late.status_code == 409
    assert late.json["error"]["code"] == "conflict"
    assert "anna changed strategy" in late.json["error"]["message"]
    back = client.post(f"{PATH}/back", json={"version": 0, "if_version": 1, "by": "ben"}, headers=BEARER).json
    assert (back["version"], back["back_to"], back["settings"]["strategy"]) == (2, 0, "herding")
    assert [one["version"] for one in client.get(PATH, headers=BEARER).json["history"]] == [2, 1, 0]


def test_the_rest_api_names_what_is_wrong(client: FlaskClient) -> None:
    wrong = {"settings": {"strategy": "best"}, "if_version": 0, "by": "anna"}
    answer = client.put(PATH, json=wrong, headers=BEARER)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "wrong_setting")
    for body in (
        {"settings": [], "if_version": 0, "by": "a"},
        {"settings": {}, "by": "a"},
        {"settings": {}, "if_version": 0},
    ):
        assert client.put(PATH, json=body, headers=BEARER).status_code == 400
    assert client.put(PATH, json=wrong).status_code == 401
    assert client.get(PATH, headers=BEARER).json["current"]["version"] == 0


def test_audits_are_retired_by_name(client: FlaskClient) -> None:
    counted = client.get("/api/projects/10/audits", headers=BEARER).json
    assert counted == {"share": 0.05, "labelled": 0, "waiting": 0}
    assert client.post("/api/projects/10/audits/retire", json={}, headers=BEARER).status_code == 400
    assert client.post("/api/projects/10/audits/retire", json={"by": "anna"}, headers=BEARER).json == {"retired": 0}
    events = list(service_of(client.application).ledger.read(10, kinds=(Kind.RETIRE,)))
    assert [event.body for event in events] == [{"by": "anna"}]


def test_the_catalogue_comes_from_the_learner(home: Path) -> None:
    client = client_of(home)
    assert client.get("/api/catalogue", headers=BEARER).status_code == 404
    offer(home)
    cards = client.get("/api/catalogue", headers=BEARER).json["strategies"]
    assert cards[0]["name"] == "herding"
    assert next(card for card in cards if card["name"] == "power-margin")["params"][0]["most"] == 8


def test_a_comparison_is_asked_answered_and_fetched(
    home: Path, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, folder = "/api/projects/10/comparisons", Home(home).project(10)
    monkeypatch.setattr("labelcue.service.choosing.WAIT_S", 0.05)
    asked = client.post(path, json={"b": {"strategy": "margin"}, "places": 5}, headers=BEARER)
    assert (asked.status_code, asked.json["answer"]) == (202, None)
    number = asked.json["comparison"]
    assert client.get(f"{path}/{number}", headers=BEARER).status_code == 202
    (folder / "compare" / "1.ask.json").write_text("{}")
    ((_, nonsense), (found, question)) = sorted(questions(folder))
    assert (found, nonsense) == (number, None)
    assert question is not None
    assert (question.a.strategy, question.b.strategy, question.places) == ("herding", "margin", 5)
    reply(folder, number, Comparison(a=None, b=None, overlap=0, error="no"))
    told = client.get(f"{path}/{number}", headers=BEARER)
    assert (told.status_code, told.json["answer"]["error"]) == (200, "no")
    assert client.get(f"{path}/{number + 1}", headers=BEARER).status_code == 404
    for wrong in ({"a": 3}, {"places": 0}, {"b": {"strategy": "best"}}):
        assert client.post(path, json=wrong, headers=BEARER).status_code == 400


def test_what_nobody_fetched_is_swept_out(tmp_path: Path) -> None:
    said = Comparison(a=None, b=None, overlap=0, error="")
    reply(tmp_path, 1, said)
    os.utime(tmp_path / "compare" / "1.answer.json", (0, 0))
    reply(tmp_path, 2, said)
    assert (answer(tmp_path, 1), answer(tmp_path, 2)) == (None, said)
