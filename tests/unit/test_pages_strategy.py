"""The page on which admins choose how to queue: saving, refusing, going back, single tasks."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labelcue.errors import BadRequest, WrongSetting
from labelcue.labels import kinds
from labelcue.offering import catalogue_of
from labelcue.queueing.acting import tasks_of
from labelcue.queueing.settings import QueueSettings
from labelcue.service.pages import choices, offers
from labelcue.store.layout import Home
from labelcue.store.snapshot_file import write_snapshot
from labelcue.types import Kind
from paging import Visitor, fill, visitor_of
from servicing import connect, offer, publish, service_of, snapshot_of

PAGE = "/projects/10/strategy"
FORM = {
    "if_version": "0",
    "strategy": "margin",
    "surrogate": "logistic",
    "audit": "5",
    "explore": "2,5",
    "second_opinions": "",
    "slice_field": "",
    "slices": "",
    "pre_annotation": "off",
}


@pytest.fixture
def visitor(tmp_path: Path) -> Visitor:
    connect(tmp_path)
    offer(tmp_path)
    publish(tmp_path, [1, 2])
    visitor = visitor_of(tmp_path)
    fill(visitor, {1: "first mail", 2: "second mail"}, {})
    visitor.log_in()
    visitor.get(PAGE)
    return visitor


def test_the_page_says_when_to_use_each(visitor: Visitor) -> None:
    text = visitor.get(PAGE).text
    for card in catalogue_of("herding", "logistic").strategies:
        assert card.name in text
    assert "nothing saved yet" in text


def test_without_a_learner_so_far_the_page_says_so(tmp_path: Path) -> None:
    connect(tmp_path)
    visitor = visitor_of(tmp_path)
    visitor.log_in()
    assert "Nobody knows yet what can be chosen" in visitor.get(PAGE).text


def test_saving_makes_a_version_and_one_click_goes_back(visitor: Visitor) -> None:
    text = visitor.post(PAGE, **FORM).text
    assert "Saved as version 1" in text
    assert "saved by Ada" in text
    assert "strategy from herding to margin" in text
    saved = [event for event in service_of(visitor.client.application).ledger.read(10) if event.kind is Kind.SETTINGS]
    assert saved[0].body["settings"]["explore"] == 0.025
    assert saved[0].body["by"] == "Ada"
    text = visitor.post(f"{PAGE}/back", version="0", if_version="1").text
    assert "Saved as version 2" in text
    assert "Back to version 0" in text


def test_what_stands_already_is_not_saved_again(visitor: Visitor) -> None:
    visitor.post(PAGE, **FORM)
    assert "Nothing to save" in visitor.post(PAGE, **{**FORM, "if_version": "1"}).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"audit": "60", "explore": "50"}, "sum to 1.1"),
        ({"audit": "many"}, "is no number"),
        ({"audit": "-5"}, "greater than or equal to 0"),
        ({"audit": "nan"}, "finite"),
        ({"classes.unknown": "5"}, "has no class"),
        ({"slices": "de 30"}, "has no &#39;=&#39;"),
        ({"slices": "de = 30"}, "slices need a slice_field"),
        ({"strategy": "nonsense"}, "There is no strategy"),
        ({"surrogate": "nonsense"}, "There is no surrogate"),
        ({"strategy": "power-margin", "params.power-margin.beta": "-7"}, "cannot be -7"),
        ({"if_version": "x"}, "which version"),
        ({"if_version": "7"}, "There is no version 7"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_the_old_stands(
    visitor: Visitor, changes: dict[str, str], said: str
) -> None:
    answer = visitor.post(PAGE, **{**FORM, **changes})
    assert 400 <= answer.status_code < 500
    assert said in answer.text
    assert "What stood before still stands" in answer.text
    assert "nothing saved yet" in answer.text
    if "explore" not in changes:
        assert 'value="2,5"' in answer.text  # what was typed is still there


def test_of_two_admins_the_second_hears_what_the_first_changed(visitor: Visitor) -> None:
    visitor.post(PAGE, **FORM)
    answer = visitor.post(PAGE, **{**FORM, "strategy": "random"})
    assert answer.status_code == 409
    assert "Ada changed strategy from herding to margin" in answer.text


def test_parameters_belong_to_the_strategy_that_is_chosen() -> None:
    catalogue = catalogue_of("herding", "logistic")
    form = {**FORM, "strategy": "power-margin", "params.power-margin.beta": "2", "params.hardness.alpha": "9"}
    assert choices.wanted(form, catalogue)["params"] == {"beta": 2.0}
    default = next(card for card in catalogue.strategies if card.name == "power-margin").params[0].default
    assert choices.wanted({**form, "params.power-margin.beta": f"{default:g}"}, catalogue)["params"] == {}


def test_quotas_are_fields_or_lines() -> None:
    catalogue = catalogue_of("herding", "logistic")
    form = {**FORM, "classes.pos": "40", "classes.neg": "", "slice_field": "lang", "slices": "a = b = 30\n\nfr=2.5 %"}
    found = choices.wanted(form, catalogue)
    assert found["classes"] == {"pos": 0.4}
    assert found["slices"] == {"a = b": 0.3, "fr": 0.025}
    assert choices.lines(found["slices"]) == "a = b = 30\nfr = 2.5"
    with pytest.raises(WrongSetting):
        choices.wanted({**form, "classes.pos": "x"}, catalogue)


def test_settings_are_shown_for_people() -> None:
    shown = dict(choices.shown(QueueSettings(classes={"pos": 0.4}, params={"beta": 2})))
    assert shown["Audit items"] == "5\u202f%"
    assert shown["Class quotas"] == "pos 40\u202f%"
    assert shown["Parameters"] == "beta 2"


def test_single_tasks_are_put_first_and_taken_back(visitor: Visitor) -> None:
    text = visitor.post("/projects/10/act", action="pin", tasks="1, #99", back="strategy").text
    assert "1 task put first. 1 task left out" in text
    assert "first mail" in text
    events = [event for event in service_of(visitor.client.application).ledger.read(10) if event.kind is Kind.PIN]
    assert [(event.body["task"], event.body["by"]) for event in events] == [(1, "Ada")]
    text = visitor.post("/projects/10/act", action="requeue", tasks="1", back="strategy").text
    assert "No task is put first" in text


def test_actions_that_make_no_sense_are_refused(visitor: Visitor) -> None:
    assert visitor.post("/projects/10/act", action="explode", tasks="1").status_code == 400
    assert visitor.post("/projects/10/act", action="pin", tasks="99").status_code == 400
    assert visitor.post("/projects/11/act", action="pin", tasks="1").status_code == 404
    assert visitor.post("/projects/10/act", action="pin", tasks="1", back="//evil").request.path == "/projects/10"


@pytest.mark.parametrize("text", ["", " , ", "x", "1.5", "-1", "0", "²", "1" * 40])
def test_numbers_of_tasks_are_whole_and_positive(text: str) -> None:
    with pytest.raises(BadRequest):
        tasks_of(text)


def test_numbers_of_tasks_come_with_commas_or_spaces() -> None:
    assert tasks_of("3, 1 2;#3\n4") == [3, 1, 2, 4]


@pytest.fixture
def of_numbers(tmp_path: Path, visitor: Visitor) -> Visitor:
    """The same project, whose labels are numbers from 1 to 5."""
    plain = snapshot_of([1, 2], classes=())
    numbers = {"probabilities": np.ones((2, 3)), "weights": np.ones((1, 4)), "bias": np.zeros(1)}
    arrays = {name: array.astype(np.float32) for name, array in numbers.items()}
    snapshot = replace(plain, kind={"name": "number", "bounds": [1, 5]}, **arrays)
    write_snapshot(Home(tmp_path).snapshot(10), snapshot)
    return visitor


def test_what_makes_no_sense_for_the_labels_is_grey_and_says_why(of_numbers: Visitor) -> None:
    text = of_numbers.get(PAGE).text
    options = dict(re.findall(r'<input type="radio" name="strategy" id="s-([\w-]+)" ([^>]*)>', text))
    assert "disabled" in options["margin"]
    assert "checked" in options["herding"]
    assert "disabled" not in options["herding"]
    assert "Makes no sense for labels that are numbers from 1 to 5." in text
    assert '<option value="logistic" selected>regression' in text  # what learns in its place
    assert "no task has a single class" in text
    assert 'name="classes' not in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "makes no sense for labels that are numbers from 1 to 5."),
        ({"strategy": "herding", "surrogate": "graph"}, "does not learn labels that are numbers"),
        ({"strategy": "herding", "classes": "pos = 20"}, "no task has a single class"),
    ],
)
def test_what_makes_no_sense_for_the_labels_is_refused(of_numbers: Visitor, changes: dict[str, str], said: str) -> None:
    answer = of_numbers.post(PAGE, **{**FORM, **changes})
    assert answer.status_code == 400
    assert said in answer.text
    assert "nothing saved yet" in answer.text


def test_the_form_of_numbers_saves_what_it_shows(of_numbers: Visitor) -> None:
    assert "Saved as version 1" in of_numbers.post(PAGE, **{**FORM, "strategy": "herding"}).text


def test_a_strategy_that_stands_may_stay_though_another_serves(tmp_path: Path, of_numbers: Visitor) -> None:
    del of_numbers
    visitor = visitor_of(tmp_path, strategy="margin")
    visitor.log_in()
    text = visitor.get(PAGE).text
    assert re.search(r'id="s-margin" value="margin" checked aria', text)
    assert "Until another is chosen, one that suits them serves." in text
    assert "Saved as version 1" in visitor.post(PAGE, **{**FORM, "audit": "7"}).text


def test_labels_that_strategies_take_as_another_kind_are_offered_what_that_one_is() -> None:
    catalogue = catalogue_of("herding", "logistic")
    pair = kinds.create("pair")
    assert pair.like
    offered = offers.strategies(catalogue, pair, "margin", "herding")
    plain = offers.strategies(catalogue, kinds.create(pair.like), "margin", "herding")
    assert [one.why_not for one in offered] == [one.why_not for one in plain]
    assert next(one for one in offered if one.card.name == "margin").chosen
