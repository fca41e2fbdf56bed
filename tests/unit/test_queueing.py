"""Settings of a queue: what they may be, who saved them, and two admins at once."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from labelcue.errors import BadRequest, Conflict, LabelCueError, NotFound, WrongSetting
from labelcue.labelstudio.way import STOCK, Way
from labelcue.offering import catalogue_of
from labelcue.queueing.catalogue import read_catalogue, write_catalogue
from labelcue.queueing.desk import Desk
from labelcue.queueing.history import History
from labelcue.queueing.settings import QueueSettings, changes, in_words, read_settings
from labelcue.store import open_ledger
from labelcue.store.base import Ledger
from labelcue.store.memory import MemoryLedger
from labelcue.types import Event, Kind
from servicing import connect, publish, settings_of

BASE = QueueSettings()
STOCK_WAY = Way(False, STOCK, "")


@pytest.fixture
def ledger() -> Ledger:
    return MemoryLedger(clock=lambda: 1000.0)


@pytest.fixture
def desk(tmp_path: Path, ledger: Ledger) -> Desk:
    connect(tmp_path)
    publish(tmp_path, range(5))
    return desk_of(tmp_path, ledger)


def desk_of(home: Path, ledger: Ledger, way: Way = STOCK_WAY) -> Desk:
    return Desk(settings_of(home), ledger, 10, lambda: catalogue_of("herding", "logistic"), way=lambda _: way)


def test_a_project_starts_with_what_operator_and_connection_say(tmp_path: Path, ledger: Ledger) -> None:
    connect(tmp_path, pre_annotation="confident")
    first = Desk(
        settings_of(tmp_path, strategy="margin", audit=0.1), ledger, 10, lambda: catalogue_of("a", "b")
    ).current
    assert (first.number, first.by) == (0, "")
    assert first.settings == QueueSettings(strategy="margin", audit=0.1, pre_annotation="confident")


def test_a_save_says_who_when_and_what(desk: Desk) -> None:
    saved = desk.save({"strategy": "power-margin", "params": {"beta": 2}}, if_version=0, by=" anna ")
    assert (saved.number, saved.by, saved.at, saved.back_to) == (1, "anna", 1000.0, None)
    assert [tuple(change) for change in saved.changed] == [
        ("strategy", "herding", "power-margin"),
        ("params", {}, {"beta": 2.0}),
    ]
    assert in_words(list(saved.changed)) == "strategy from herding to power-margin, params from none to beta=2"
    assert desk.current == saved


def test_another_strategy_starts_from_its_own_parameters(desk: Desk) -> None:
    desk.save({"strategy": "power-margin", "params": {"beta": 2}}, if_version=0, by="anna")
    assert desk.save({"strategy": "hardness"}, if_version=1, by="anna").settings.params == {}


def test_saving_what_stands_saves_nothing(desk: Desk, ledger: Ledger) -> None:
    assert desk.save({"strategy": "herding"}, if_version=0, by="anna").number == 0
    assert ledger.position(10) == 0


def test_whoever_saves_on_top_of_an_older_version_hears_who_was_faster(desk: Desk) -> None:
    desk.save({"audit": 0.1}, if_version=0, by="anna")
    with pytest.raises(Conflict, match=r"anna changed audit from 0\.05 to 0\.1"):
        desk.save({"strategy": "margin"}, if_version=0, by="ben")
    assert desk.current.settings == BASE.model_copy(update={"audit": 0.1})
    with pytest.raises(Conflict, match="no version 5"):
        desk.save({"strategy": "margin"}, if_version=5, by="ben")


def test_of_admins_who_save_at_the_same_moment_one_is_taken(tmp_path: Path) -> None:
    connect(tmp_path)
    names, said = [f"admin{number}" for number in range(6)], []
    start = threading.Barrier(len(names))

    def save(place: int) -> None:
        ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}", busy_ms=60_000)
        history = History(10)
        history.choices(ledger)
        start.wait(60)
        try:
            settings = QueueSettings(audit=(place + 1) / 100 + 0.1)
            said.append(history.save(ledger, BASE, settings, if_version=0, by=names[place]).by)
        except Conflict as error:
            said.append(str(error))
        finally:
            ledger.close()

    threads = [threading.Thread(target=save, args=(place,)) for place in range(len(names))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [one for one in said if one in names]
    assert len(winners) == 1
    assert sum(f"{winners[0]} changed audit from 0.05" in one for one in said) == len(names) - 1
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    assert [one.by for one in History(10).versions(ledger, BASE)] == ["", winners[0]]
    ledger.close()


def test_going_back_is_a_version_of_its_own(desk: Desk) -> None:
    desk.save({"audit": 0.1}, if_version=0, by="anna")
    desk.save({"strategy": "margin"}, if_version=1, by="ben")
    saved = desk.back(0, if_version=2, by="carl")
    assert (saved.number, saved.back_to, saved.settings) == (3, 0, BASE)
    assert [one.number for one in desk.versions] == [0, 1, 2, 3]
    with pytest.raises(NotFound, match="no version 9"):
        desk.back(9, if_version=3, by="carl")
    with pytest.raises(BadRequest, match="stands already"):
        desk.back(3, if_version=3, by="carl")


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"strategy": "best"}, "strategy", "Choose one of: herding, badge"),
    ({"strategy": "power-margin", "params": {"gamma": 1}}, "params.gamma", "It knows: beta"),
    ({"strategy": "power-margin", "params": {"beta": 99}}, "params.beta", "a number from 0 to 8"),
    ({"strategy": "cluster-margin", "params": {"batch": 1.5}}, "params.batch", "a whole number from 1 on"),
    ({"params": {"beta": "much"}}, "params.beta", "params:"),
    ({"surrogate": "forest"}, "surrogate", "Choose one of: logistic"),
    ({"audit": 1.5}, "audit", "less than or equal to 1"),
    ({"audit": "NaN"}, "audit", "finite"),
    ({"audit": 0.6, "explore": 0.5}, "audit", "sum to 1.1"),
    ({"classes": {"pos": 0.7, "neg": 0.4}}, "classes", "sum to 1.1"),
    ({"classes": {"pos": 0}}, "classes.pos", "greater than 0"),
    ({"classes": {"other": 0.2}}, "classes", "Choose among: pos, neg"),
    ({"second_opinions": 0.1}, "second_opinions", "only the plugin opens it again"),
    ({"slices": {"de": 0.2}}, "slice_field", "slices need a slice_field"),
    ({"pre_annotation": "maybe"}, "pre_annotation", "'off', 'confident' or 'on'"),
    ({"colour": "red"}, "colour", "The settings are: strategy, params"),
]


@pytest.mark.parametrize(("wanted", "field", "words"), WRONG, ids=[f"{one[0]}" for one in WRONG])
def test_what_cannot_be_is_refused_with_field_reason_and_remedy(
    desk: Desk, ledger: Ledger, wanted: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(WrongSetting) as refused:
        desk.save(wanted, if_version=0, by="anna")
    assert refused.value.field == field
    assert words in str(refused.value)
    assert refused.value.remedy
    assert ledger.position(10) == 0


@pytest.mark.parametrize("by", ["", "  ", "x" * 201])
def test_nobody_saves_without_a_name(desk: Desk, by: str) -> None:
    with pytest.raises(BadRequest, match="Name yourself"):
        desk.save({"audit": 0.1}, if_version=0, by=by)


def test_a_project_that_is_not_connected_has_no_settings(tmp_path: Path, ledger: Ledger) -> None:
    with pytest.raises(NotFound, match="labelcue connect"):
        desk_of(tmp_path, ledger)


def test_older_ledgers_and_other_hands(desk: Desk, ledger: Ledger) -> None:
    ledger.append(
        [
            Event(10, Kind.STRATEGY, "strategy:1", {"name": "margin@1", "params": None, "by": "before"}),
            Event(10, Kind.SETTINGS, "by hand", {"version": 2, "settings": {"audit": 7}, "by": "x", "token": ""}),
            Event(10, Kind.SETTINGS, "newer", {"version": 3, "settings": {"new": 1}, "by": "y", "token": ""}),
        ]
    )
    versions = desk.versions
    assert [one.settings.strategy for one in versions] == ["herding", "margin@1", "margin@1", "herding"]
    assert [one.settings.audit for one in versions] == [0.05] * 4
    assert desk.save({"audit": 0.2}, if_version=3, by="anna").number == 4


def test_a_change_is_told_field_by_field() -> None:
    after = read_settings({"classes": {"a": "0.3"}, "slice_field": "lang", "slices": {"de": 0.5}}, BASE)
    assert in_words(changes(BASE, after)) == (
        "classes from none to a=0.3, slice_field from none to lang, slices from none to de=0.5"
    )
    assert in_words([]) == "nothing"


def test_the_catalogue_survives_the_disk_and_puts_the_default_first(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    with pytest.raises(NotFound, match="labelcue serve"):
        read_catalogue(path)
    made = catalogue_of("margin@1", "graph")
    write_catalogue(path, made)
    assert read_catalogue(path) == made
    assert (made.strategies[0].name, made.surrogates[0].name) == ("margin", "graph")
    assert all(card.when and card.summary for card in (*made.strategies, *made.surrogates))
    path.write_text("{}")
    with pytest.raises(LabelCueError, match="no catalogue"):
        read_catalogue(path)


def test_a_share_of_second_opinions_is_taken_where_the_plugin_serves(tmp_path: Path, ledger: Ledger) -> None:
    connect(tmp_path)
    publish(tmp_path, range(5))
    plugged = desk_of(tmp_path, ledger, Way(True, "by the plugin", ""))
    assert plugged.save({"second_opinions": 0.1}, if_version=0, by="anna").settings.second_opinions == 0.1
    stock = desk_of(tmp_path, ledger)  # the plugin was taken away: everything else can still be changed
    assert stock.save({"audit": 0.2}, if_version=1, by="anna").number == 2
    with pytest.raises(WrongSetting, match="only the plugin"):
        stock.save({"second_opinions": 0.2}, if_version=2, by="anna")
    assert stock.save({"second_opinions": 0}, if_version=2, by="anna").number == 3


def test_where_label_studio_does_not_say_how_it_serves_no_share_is_taken(tmp_path: Path, ledger: Ledger) -> None:
    connect(tmp_path)
    publish(tmp_path, range(5))
    desk = Desk(settings_of(tmp_path), ledger, 10, lambda: catalogue_of("herding", "logistic"))
    with pytest.raises(WrongSetting, match="is not known") as refused:
        desk.save({"second_opinions": 0.1}, if_version=0, by="anna")
    assert refused.value.remedy
