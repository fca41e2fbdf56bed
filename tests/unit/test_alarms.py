"""Which alarms stand: what is judged, and that each is raised once and resolved once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from insightful import report_of
from labelcue.alarms import Address, Alarm, Book, Judged, Sight, Standing, addresses, judge
from labelcue.alarms.book import message
from labelcue.alarms.conditions import FRESH, HOLD_S, JUDGED, MOST_SLICES, STUDIED
from labelcue.alarms.kept import Best, Kept, read_kept, write_kept
from labelcue.alarms.outbox import Lane
from labelcue.errors import ConfigError, Corrupt
from servicing import settings_of

NOW = 1_800_000_000.0
WELL = {"at": NOW, "reconcile": {"last_ok": NOW}, "embedding": {"done": 3, "total": 3}, "delivery": {}}


def calm() -> dict[str, Any]:
    report = report_of([1, 2, 3])
    report["drift"]["alarm"] = False
    report["coverage"]["slices"] = []
    return report


def sight(**changes: Any) -> Sight:
    fields: dict[str, Any] = {"status": WELL, "report": calm(), "alive": True, "behind": 0, "queue_at": NOW}
    return Sight(project=10, now=NOW, **{**fields, **changes})


def names(seen: Sight, best: float | None = None) -> list[str]:
    return [alarm.name for alarm in judge(seen, best).alarms]


def test_a_clock_that_is_set_back_holds_no_alarm_back() -> None:
    book, dead = Book(), judge(sight(alive=False), None)
    assert list(book.update(10, dead, NOW)) == []
    assert list(book.update(10, dead, NOW - 86_400)) == []
    assert [status for status, _ in book.update(10, dead, NOW - 86_400 + HOLD_S["learner"])] == ["raised"]


def test_where_all_is_well_there_is_none() -> None:
    assert names(sight(), best=0.8) == []


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ({"error": "ValueError: x"}, "training"),
        ({"config_error": "No control."}, "training"),
        ({"embedding": {"error": "no model"}}, "training"),
        ({"gone": True}, "training"),
        ({"delivery": {"error": "refused"}}, "delivery"),
        ({"reconcile": {"error": "refused", "last_ok": NOW}}, "reconcile"),
        ({"reconcile": {"last_ok": NOW - 1000}}, "reconcile"),
    ],
)
def test_what_the_learner_says_is_judged(words: dict[str, Any], name: str) -> None:
    assert names(sight(status={**WELL, **words})) == [name]


def test_a_reconcile_that_is_at_work_is_not_late() -> None:
    assert names(sight(status={**WELL, "reconcile": {"doing": "reading", "last_ok": NOW - 1000}})) == []


@pytest.mark.parametrize(
    ("behind", "age", "late"), [(51, 0, True), (50, 0, False), (1, 601, True), (1, 599, False), (0, 9999, False)]
)
def test_a_queue_is_late_by_many_events_or_for_long(behind: int, age: float, late: bool) -> None:
    assert names(sight(behind=behind, queue_at=NOW - age)) == (["lag"] if late else [])


def test_events_of_tasks_that_are_still_being_read_are_not_late() -> None:
    judged = judge(sight(status={**WELL, "embedding": {"done": 1, "total": 3}}, behind=9999), None)
    assert judged.alarms == ()
    assert "lag" in judged.unknown


def test_of_a_dead_learner_nothing_else_is_known() -> None:
    judged = judge(sight(status={**WELL, "error": "old"}, alive=False, behind=9999), None)
    assert [alarm.name for alarm in judged.alarms] == ["learner"]
    assert judged.unknown == {"training", "delivery", "reconcile", "lag"}


def test_what_cannot_be_read_is_neither_alarm_nor_calm() -> None:
    judged = judge(sight(status=None, report=None), None)
    assert judged.alarms == ()
    assert {"learner", "drift", "slice", "accuracy", "stop"} <= judged.unknown


def test_insights_are_judged() -> None:
    report = report_of([1])
    report["stopping"]["advice"] = "stop"
    report["coverage"]["slices"][0]["accuracy"] = {"value": 0.5, "low": 0.3, "high": 0.71, "n": JUDGED}
    report["coverage"]["slices"][1]["accuracy"] = {"value": 0.5, "low": 0.3, "high": 0.71, "n": JUDGED - 1}
    found = judge(sight(report=report), 0.95).alarms
    assert [alarm.name for alarm in found] == ["drift", "slice", "accuracy", "stop"]
    assert found[1].subject == "language=<i>de</i>"
    assert "accuracy at most 71%, overall 88%" in found[1].message
    assert "80.5% to 94.5%" in found[2].message


def test_accuracy_falls_only_where_the_intervals_are_apart() -> None:
    assert names(sight(), best=0.94) == []
    assert names(sight(), best=0.95) == ["accuracy"]


def test_too_few_labels_of_a_slice_alone_are_no_alarm_and_many_slices_are_bounded() -> None:
    report = calm()
    one = {"field": "f", "tasks": 9, "labelled": 1, "accuracy": None, "covered": 0.1}
    report["coverage"]["slices"] = [{**one, "name": "few", "flags": ["1% labelled, overall 9%"]}]
    assert names(sight(report=report)) == []
    low = {"value": 0.1, "low": 0.0, "high": 0.2, "n": 50}
    report["coverage"]["slices"] = [{**one, "name": str(n), "accuracy": low, "flags": []} for n in range(999)]
    assert names(sight(report=report)) == ["slice"] * MOST_SLICES


def alarm(name: str = "drift", subject: str = "", message: str = "m") -> Alarm:
    return Alarm(10, name, "warning", message, "r", subject)


def look(book: Book, at: float, *alarms: Alarm, unknown: frozenset[str] = frozenset()) -> list[str]:
    return [f"{status} {one.alarm.name}" for status, one in book.update(10, Judged(alarms, unknown), at)]


def test_an_alarm_is_raised_once_and_resolved_once_however_its_words_change() -> None:
    book = Book()
    assert look(book, 0, alarm()) == ["raised drift"]
    assert look(book, 1, alarm(message="other")) == []
    assert book.of(10)[0].alarm.message == "other"
    assert book.of(10)[0].since == 0
    assert look(book, 2) == ["resolved drift"]
    assert look(book, 3) == []


def test_each_slice_is_an_alarm_of_its_own() -> None:
    book = Book()
    assert look(book, 0, alarm("slice", "a=1"), alarm("slice", "a=2/3")) == ["raised slice"] * 2
    assert look(book, 1, alarm("slice", "a=2/3")) == ["resolved slice"]


def test_what_comes_and_goes_is_neither_raised_nor_resolved_before_it_has_lasted() -> None:
    book, lasting = Book(), HOLD_S["learner"]
    one = alarm("learner")
    assert look(book, 0, one) == []
    assert look(book, lasting - 1) == []
    assert look(book, lasting, one) == []  # begins anew
    assert look(book, 2 * lasting, one) == ["raised learner"]
    assert look(book, 2 * lasting + 1) == []
    assert look(book, 2 * lasting + 2, one) == []
    assert look(book, 3 * lasting) == []
    assert look(book, 4 * lasting) == ["resolved learner"]


def test_what_cannot_be_told_stays_as_it_was() -> None:
    book = Book()
    look(book, 0, alarm())
    assert look(book, 1, unknown=frozenset({"drift"})) == []
    assert len(book.of(10)) == 1


def test_a_project_that_is_let_go_of_has_no_alarms() -> None:
    book = Book()
    look(book, 0, alarm())
    assert [status for status, _ in book.let_go(frozenset({11}))] == ["resolved"]
    assert list(book.let_go(frozenset())) == []


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "alarms.json"
    assert read_kept(path) == Kept()
    standing = {alarm().key: Standing(alarm(), NOW)}
    lane = Lane(trouble="t", last_ok=NOW)
    lane.waiting.append({"id": "1"})
    write_kept(path, standing, {10: Best(("a", "b"), 0.5)}, {"k": lane.as_json()})
    kept = read_kept(path)
    assert kept == Kept(standing, {10: Best(("a", "b"), 0.5)}, {"k": lane})
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("text", ["no json", "[]", '{"format": 2}', '{"format": 1, "standing": [{}]}', "null"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "alarms.json"
    path.write_text(text)
    with pytest.raises(Corrupt, match=r"alarms\.json"):
        read_kept(path)


def test_addresses_are_the_operators_each_once_and_shown_without_their_path(tmp_path: Path) -> None:
    given = " https://u:pw@chat.example/hook/canary\n http://[::1]:9000/x https://u:pw@chat.example/hook/canary"
    found = addresses(settings_of(tmp_path, alarm_urls=SecretStr(given)))
    assert [one.shown for one in found] == ["https://chat.example", "http://[::1]:9000"]
    assert "canary" not in repr(found)
    assert addresses(settings_of(tmp_path)) == ()


@pytest.mark.parametrize("bad", ["file:///canary", "canary", "http://", "ftp://canary/", "http://canary:port/"])
def test_what_is_no_web_address_is_refused_without_being_quoted(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ConfigError, match="Address 2 of the setting 'alarm_urls'") as caught:
        addresses(settings_of(tmp_path, alarm_urls=SecretStr(f"http://good/ {bad}")))
    assert "canary" not in str(caught.value)


def test_too_many_addresses_are_refused(tmp_path: Path) -> None:
    many = " ".join(f"http://h{n}/" for n in range(9))
    with pytest.raises(ConfigError, match="8 are the most"):
        addresses(settings_of(tmp_path, alarm_urls=SecretStr(many)))


def test_an_alarm_is_json_and_back() -> None:
    one = Standing(replace(alarm(), subject="a=b"), 1.5)
    assert Standing.read(json.loads(json.dumps(one.as_json()))) == one
    assert Address("http://h/a").key != Address("http://h/b").key


def test_the_manual_names_every_alarm_and_every_key() -> None:
    page = (Path(__file__).parents[2] / "backend" / "docs" / "alarms.md").read_text()
    body = message("raised", Standing(alarm(), NOW), "Mails", "http://h/", NOW)
    assert not [name for name in (*FRESH, *STUDIED, *body) if f"`{name}`" not in page]
