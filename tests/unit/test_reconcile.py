"""Reconcile against an honest double of Label Studio."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from labelcue.errors import LabelStudioDown
from labelcue.types import Event, Kind
from labelstudio_double import PROJECT, XML, choice, down
from reconcile_house import House


@pytest.fixture
def house() -> House:
    return House()


def mails(count: int, word: str = "mail") -> list[dict[str, Any]]:
    return [{"text": f"{word} {number}"} for number in range(count)]


def test_a_project_with_tasks_and_labels_is_taken_over_with_progress(house: House) -> None:
    ids = house.ls.import_tasks(mails(450), ["spam", None, "ham"])
    house.ls.annotate(ids[10], [], was_cancelled=True)
    report = house.reconciler.poll()
    house.assert_equal()
    assert (report.full, report.tasks_new, report.annotations_new, report.config_changed) == (True, 450, 3, True)
    assert house.told[-1] == ("reading tasks", 450, 450)
    assert [done for what, done, _ in house.told if what == "reading tasks"] == [200, 400, 450]


def test_nothing_new_costs_two_short_requests_and_a_counter(house: House) -> None:
    ids = house.ls.import_tasks(mails(30))
    house.ls.annotate(ids[0], choice("ham"))
    house.reconciler.poll()
    house.ls.requests.clear()
    report = house.reconciler.poll()
    assert (report.events, report.full) == (0, False)
    assert house.ls.requests == ["project", "last_changed", "project"]


def test_repeated_polls_append_nothing(house: House) -> None:
    house.ls.import_tasks(mails(30), ["ham"] * 30)
    house.reconciler.poll()
    position = house.ledger.position(PROJECT)
    for _ in range(3):
        house.clock.now += 4000
        assert house.reconciler.poll().full
    assert house.ledger.position(PROJECT) == position


def test_what_webhooks_brought_is_not_stored_twice(house: House) -> None:
    house.reconciler.poll()
    ids = house.ls.import_tasks(mails(5))
    number = house.ls.annotate(ids[0], choice("ham"))
    house.ls.update_annotation(number, choice("spam"))
    house.deliver_all()
    position = house.ledger.position(PROJECT)
    assert house.reconciler.poll().events == 0
    assert house.ledger.position(PROJECT) == position
    house.assert_equal()


def test_lost_news_is_found_without_comparing_everything(house: House) -> None:
    ids = house.ls.import_tasks(mails(30))
    first, second = (house.ls.annotate(ids[place], choice("ham")) for place in (0, 1))
    house.reconciler.poll()
    house.ls.annotate(ids[2], choice("spam"), user=4)
    house.ls.update_annotation(first, choice("spam"))
    house.ls.delete_annotation(second)
    house.ls.edit_task(ids[3], {"text": "edited"})
    house.ls.import_tasks(mails(2, "new"))
    report = house.reconciler.poll()
    house.assert_equal()
    assert not report.full
    assert (report.tasks_new, report.annotations_new, report.annotations_gone) == (3, 2, 1)


def test_deleted_tasks_are_found_by_the_counters(house: House) -> None:
    ids = house.ls.import_tasks(mails(500), ["ham"])
    house.reconciler.poll()
    house.ls.delete_tasks(ids[:300])
    report = house.reconciler.poll()
    house.assert_equal()
    assert (report.full, report.tasks_gone) == (True, 300)


def test_bulk_writes_that_touch_no_task_are_found_by_the_counters(house: House) -> None:
    ids = house.ls.import_tasks(mails(5), ["ham", "spam", "ham"])
    house.reconciler.poll()
    house.ls.delete_annotation(2, bump=False)
    report = house.reconciler.poll()
    house.assert_equal()
    assert report.full
    house.ls._store(50, ids[4], choice("ham"), False, 3)
    house.reconciler.poll()
    house.clock.now += 4000
    house.reconciler.poll()
    # Nothing but the project's counter tells of annotation 50 while the task's own counters are wrong.
    house.ls._count(ids[4])
    house.clock.now += 4000
    house.reconciler.poll()
    house.assert_equal()


def test_annotations_that_moved_to_another_task_are_not_lost(house: House) -> None:
    ids = house.ls.import_tasks(mails(3))
    house.ls.annotate(ids[1], choice("spam"))
    house.reconciler.poll()
    house.ls.move_annotations(ids[1], ids[0])
    report = house.reconciler.poll()
    house.assert_equal()
    assert report.annotations_gone == 0


def test_data_that_goes_back_to_what_it_was(house: House) -> None:
    ids = house.ls.import_tasks(mails(1))
    house.reconciler.poll()
    house.ls.edit_task(ids[0], {"text": "other"})
    house.reconciler.poll()
    house.ls.edit_task(ids[0], {"text": "mail 0"})
    house.reconciler.poll()
    house.assert_equal()


def test_an_annotation_that_arrives_during_the_listing_is_no_loss(house: House) -> None:
    ids = house.ls.import_tasks(mails(3), ["ham"])
    house.reconciler.poll()
    house.clock.now += 4000

    def meanwhile(name: str) -> None:
        if name in ("tasks", "tasks_of"):
            house.ls.on_request = None
            fresh = house.ls.import_tasks(mails(1, "fresh"))
            house.ls.annotate(fresh[0], choice("spam"))
            house.ls.annotate(ids[1], choice("spam"))
            house.deliver_all()

    house.ls.on_request = meanwhile
    report = house.reconciler.poll()
    assert (report.tasks_gone, report.annotations_gone) == (0, 0)
    house.assert_equal()


def test_a_task_that_a_listing_left_out_is_asked_for_before_it_is_buried(house: House) -> None:
    ids = house.ls.import_tasks(mails(3))
    house.reconciler.poll()
    house.clock.now += 4000
    whole = house.ls.tasks
    house.ls.tasks = lambda *a, **k: iter([[row for row in page if row["id"] != ids[1]] for page in whole(*a, **k)])  # type: ignore[method-assign]
    assert house.reconciler.poll().tasks_gone == 0
    house.assert_equal()


def test_a_new_label_config_becomes_an_event_whatever_the_clocks_say(house: House) -> None:
    house.ls.import_tasks(mails(1))
    house.reconciler.poll()
    house.clock.now = 100.0  # far behind the clock that stamped the config
    house.ls.update_project(PROJECT, label_config=XML.replace("ham", "wanted"))
    assert house.reconciler.poll().config_changed
    assert not house.reconciler.poll().config_changed
    house.assert_equal()


def test_a_deleted_project_ends_the_loop_with_one_event(house: House) -> None:
    house.ls.import_tasks(mails(1))
    house.reconciler.poll()
    house.ls.gone = True
    house.reconciler.run(threading.Event())
    assert house.reconciler.poll().project_gone
    assert [event.kind for event in house.ledger.read(PROJECT)].count(Kind.PROJECT_DELETED) == 1


def test_unreadable_items_are_named_once_and_hurt_nothing_else(house: House) -> None:
    ids = house.ls.import_tasks(mails(3), ["ham", "spam"])
    house.ls.task_rows[ids[0]]["data"] = ["no", "object"]
    house.ls.annotation_rows[2]["result"] = "no list"
    report = house.reconciler.poll()
    assert sorted(house.fold.tasks) == ids[1:]
    assert sorted(house.fold.annotations) == [1]
    assert [problem.split(":")[:2] for problem in report.problems] == [["task", "1"], ["annotation", "2"]]
    house.ls.requests.clear()
    # The counters disagree for good: that alone does not compare everything at each poll.
    assert not house.reconciler.poll().full
    house.ls.task_rows[ids[0]]["data"] = {"text": "mended"}
    house.ls.update_annotation(2, choice("ham"))
    house.ls._touch(ids[0])
    assert house.reconciler.poll().problems == ()
    house.assert_equal()


def test_more_changes_than_a_page_are_found_by_comparing_everything(house: House) -> None:
    ids = house.ls.import_tasks(mails(1100))
    house.reconciler.poll()
    for number in ids:
        house.ls._touch(number)
    house.ls.edit_task(ids[0], {"text": "edited"})
    report = house.reconciler.poll()
    assert report.full
    house.assert_equal()


def test_a_failure_anywhere_leaves_work_for_the_next_poll(house: House) -> None:
    house.ls.import_tasks(mails(450), ["ham"] * 300)
    for requests in range(20):
        house.ls.faults = [*([None] * requests), down()]
        try:
            house.reconciler.poll()
        except LabelStudioDown:
            assert not house.ls.faults
    house.ls.faults = []
    house.reconciler.poll()
    house.assert_equal()


def test_the_loop_waits_longer_after_each_failure_and_as_long_as_it_was_asked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, waits = threading.Event(), []
    house.ls.faults = [down() for _ in range(9)] + [down(retry_after=90)] + [down(retry_after=10_000)]

    def wait(seconds: float, stop: threading.Event, wake: threading.Event | None = None) -> None:
        waits.append((seconds, wake is not None))
        assert house.reconciler.status()["error"] or len(waits) > 11
        if len(waits) == 13:
            stop.set()

    for room in ("labelstudio.backoff", "reconcile.reconciler"):
        monkeypatch.setattr(f"labelcue.{room}.wait_for", wait)
    house.reconciler.run(stop)
    pauses = [seconds for seconds, _ in waits]
    assert all(0.75 * min(60, 2**n) <= pause <= min(60, 2**n) for n, pause in enumerate(pauses[:9]))
    assert pauses[9:11] == [90, 600]
    assert waits[11:] == [(1.0, False), (59.0, True)]
    assert house.reconciler.status()["error"] == ""
    assert house.reconciler.status()["last_ok"] == house.clock.now


def test_a_stop_ends_a_take_over_between_two_requests(house: House) -> None:
    house.ls.import_tasks(mails(1000))
    stop = threading.Event()
    house.ls.on_request = lambda name: stop.set() if name == "tasks_of" else None
    house.reconciler.poll(stop)
    assert len(house.fold.tasks) == 200
    house.ls.on_request = None
    assert house.reconciler.poll().full
    house.assert_equal()


def test_events_are_stored_in_short_transactions(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, int]] = []
    whole = house.ledger.append

    def append(events: list[Event]) -> int:
        sizes.append((len(events), sum(len(str(event.body)) for event in events)))
        return whole(events)

    monkeypatch.setattr(house.ledger, "append", append)
    house.ls.import_tasks([{"text": "x" * 20_000} for _ in range(100)] + mails(300))
    house.reconciler.poll()
    assert max(count for count, _ in sizes) <= 200
    assert max(characters for _, characters in sizes) <= 500_000
    house.assert_equal()


def test_after_a_large_import_polls_become_cheap_again(house: House) -> None:
    ids = house.ls.import_tasks(mails(1500))
    full = []
    for _ in range(4):
        full.append(house.reconciler.poll().full)
        house.clock.now += 60
    assert full == [True, True, False, False]
    house.ls.annotate(ids[0], choice("ham"))
    house.reconciler.poll()
    house.assert_equal()


def test_a_transaction_that_shows_late_is_found(house: House) -> None:
    ids = house.ls.import_tasks(mails(3))
    house.reconciler.poll()
    house.ls.edit_task(ids[0], {"text": "shows late"})
    hidden = house.ls.task_rows[ids[0]]
    house.ls.task_rows[ids[0]] = {**hidden, "data": {"text": "mail 0"}, "updated_at": hidden["created_at"]}
    house.ls.annotate(ids[1], choice("ham"))
    house.reconciler.poll()
    house.ls.task_rows[ids[0]] = hidden  # its time lies before the cursor
    house.clock.now += 60
    house.reconciler.poll()
    house.assert_equal()


def test_an_id_that_lives_again_outlives_the_late_news_of_its_deletion() -> None:
    """Label Studio gave the id away again and moved that annotation, and then the lost webhook arrived after all."""
    house = House()
    first, second = house.ls.import_tasks([{"text": "a"}, {"text": "b"}])
    house.deliver_all()
    gone = house.ls.annotate(first, choice("ham"))
    house.ls.delete_annotation(gone)
    late = house.ls.sent.pop()
    house.ls._last_annotation = gone - 1
    assert house.ls.annotate(second, choice("spam")) == gone
    house.reconciler.poll()
    house.ls.move_annotations(second, first)
    house.ls.sent.clear()
    house.clock.now += 4000
    house.reconciler.poll()
    house.assert_equal()
    house.deliver(late)
    house.clock.now += 4000
    house.reconciler.poll()
    house.assert_equal()
    events = house.ledger.position(PROJECT)
    house.clock.now += 4000
    house.reconciler.poll()
    assert house.ledger.position(PROJECT) == events


def test_an_imported_label_is_found_behind_one_of_a_task_that_had_the_id_before(house: House) -> None:
    """The deletion's webhook was lost, the counts are the same, and an import tells no labels."""
    first, second = house.ls.import_tasks(mails(2))
    house.ls.annotate(second, choice("ham"))
    house.deliver_all()
    house.ls.delete_tasks([second])
    house.ls.sent.clear()
    assert house.ls.import_tasks(mails(1, "other"), ["spam"]) == [second]
    house.deliver_all()
    house.reconciler.poll()
    house.assert_equal()
    assert first in house.fold.tasks


def test_a_task_that_is_younger_than_its_label_is_read_once(house: House) -> None:
    """'Remove duplicated tasks' moved it there."""
    old, young = house.ls.import_tasks(mails(1)) + house.ls.import_tasks(mails(1))
    house.ls.annotate(old, choice("ham"))
    house.ls.task_rows[young]["created_at"] = house.ls._stamp()
    house.ls.move_annotations(old, young)
    house.reconciler.poll()
    house.assert_equal()
    house.ls.requests.clear()
    for _ in range(2):
        house.clock.now += 4000
        assert house.reconciler.poll().events == 0
    assert house.ls.requests.count("tasks_of") == 1


def test_a_task_that_lives_again_outlives_the_late_news_of_its_deletion() -> None:
    """The same of a task and of its annotation: Label Studio gave the task's id to the next import."""
    house = House()
    house.ls.import_tasks([{"text": "a"}])
    house.deliver_all()
    house.ls.delete_tasks([1])
    late = house.ls.sent.pop()
    house.ls.import_tasks([{"text": "a"}])
    house.ls.annotate(1, choice("ham"))
    house.ls.edit_task(1, {"text": "b"})
    house.ls.sent.clear()
    for _ in range(2):
        house.clock.now += 4000
        house.reconciler.poll()
        house.assert_equal()
        house.deliver(late)
    house.clock.now += 4000
    house.reconciler.poll()
    house.assert_equal()
