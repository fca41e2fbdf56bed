"""How alarms leave: to a real server, in order, again until they are taken, without ever holding anybody up."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from insightful import report_of, write_report
from labelcue.alarms import Address, Outbox, addresses, outbox
from labelcue.alarms.kept import read_kept
from labelcue.alarms.outbox import OLD_S, REFUSALS, WAITING, Lane
from labelcue.cli import main
from labelcue.service.context import Service
from labelcue.service.watching import Watch
from labelcue.store.layout import Home
from labelcue.store.status import write_status
from paging import visitor_of
from receiving import Receiver, receiver
from servicing import BASIC, NOW, PASSWORD, SECRET, client_of, connect, settings_of
from waiting import until

LONG = 60.0


class Sending:
    """An outbox with its counts."""

    def __init__(self, *urls: str, kept: dict[str, Lane] | None = None, clock: float = NOW) -> None:
        self.counts: Counter[str] = Counter()
        found = tuple(Address(url) for url in urls)
        self.box = Outbox(
            found, kept or {}, lambda: None, lambda one: self.counts.update([one]), lambda: clock, first_s=0.01
        )
        self.lanes = [self.box.lanes[one.key] for one in found]


def message(number: int) -> dict[str, Any]:
    return {"id": str(number), "at": NOW, "alarm": "drift"}


def ids(bodies: list[dict[str, Any]]) -> list[str]:
    return [str(body["id"]) for body in bodies]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not be taken for a receiver that does not answer: messages are counted here."""
    monkeypatch.setattr(outbox, "TIMEOUT_S", 60.0)


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


def test_messages_arrive_in_order_and_one_that_was_not_taken_is_sent_again(there: Receiver) -> None:
    there.answers.extend([503, 429, 500])
    sending = Sending(there.url)
    for number in range(3):
        sending.box.put(message(number))
    sending.box.start()
    until(lambda: sending.counts["sent"] == 3, LONG, "three messages")
    sending.box.stop()
    assert ids(there.bodies) == ["0", "0", "0", "0", "1", "2"]
    assert sending.counts == {"failed": 3, "sent": 3}
    assert not sending.lanes[0].trouble


def test_a_redirect_is_not_followed_and_a_refusal_is_not_repeated_for_ever(there: Receiver) -> None:
    there.answers.extend([302] + [403] * REFUSALS)
    sending = Sending(there.url)
    sending.box.put(message(0))
    sending.box.put(message(1))
    sending.box.start()
    until(lambda: sending.counts["sent"] == 1, LONG, "the second message")
    sending.box.stop()
    assert ids(there.bodies) == ["0"] * (1 + REFUSALS) + ["1"]
    assert sending.counts == {"failed": REFUSALS, "lost": 1, "sent": 1}


def test_a_message_that_nobody_took_for_a_day_is_lost() -> None:
    with receiver() as gone:
        url = gone.url
    sending = Sending(url, clock=NOW + OLD_S + 1)
    sending.box.put(message(0))
    sending.box.start()
    until(lambda: sending.counts["lost"] == 1, LONG, "the loss")
    sending.box.stop()
    assert "canary-path" not in sending.lanes[0].trouble
    assert sending.lanes[0].trouble.startswith("no answer")


def test_a_slow_receiver_holds_up_neither_the_caller_nor_another_receiver(there: Receiver) -> None:
    with receiver() as slow:
        slow.go.clear()
        sending = Sending(slow.url, there.url)
        sending.box.start()
        sending.box.put(message(0))
        until(lambda: slow.bodies, LONG, "the slow one to be asked")
        for number in range(1, 4):
            sending.box.put(message(number))
        until(lambda: len(there.taken) == 4, LONG, "the other one")
        assert not slow.taken
        sending.box.stop()


def test_what_waits_is_bounded_and_the_oldest_is_lost() -> None:
    sending = Sending("http://127.0.0.1:9/")
    for number in range(WAITING + 5):
        sending.box.put(message(number))
    assert sending.counts == {"lost": 5}
    waiting = sending.box.as_json()[Address("http://127.0.0.1:9/").key]["waiting"]
    assert ids(waiting) == [str(number) for number in range(5, WAITING + 5)]


def calm(home: Path, *, drift: bool) -> None:
    report = report_of([1, 2, 3])
    report["drift"]["alarm"] = drift
    report["coverage"]["slices"] = []
    write_report(home, report)


def watch_of(home: Path, *urls: str) -> Watch:
    settings = settings_of(home, alarm_urls=SecretStr(" ".join(urls)))
    return Watch(Service(settings, lambda: NOW), addresses(settings), look_s=0.05, first_s=0.05)


def settled(home: Path) -> bool:
    """Whether the service knows that everything was taken, so that a restart sends nothing again."""
    kept = read_kept(Home(home).alarms)
    return bool(kept.lanes) and not any(lane.waiting for lane in kept.lanes.values())


def at_work(home: Path) -> None:
    connect(home, title="Mails")
    write_status(Home(home).status(10), {"at": NOW, "settled": True, "reconcile": {"last_ok": NOW}})


def test_an_alarm_is_told_once_and_its_end_once_also_across_restarts(tmp_path: Path, there: Receiver) -> None:
    at_work(tmp_path)
    calm(tmp_path, drift=True)
    there.answers.append(500)
    watch = watch_of(tmp_path, there.url)
    watch.start()
    until(lambda: there.taken and settled(tmp_path), LONG, "the alarm")
    watch.stop()
    body = there.taken[0]
    assert {name: body[name] for name in ("format", "status", "alarm", "subject", "severity", "since", "at")} == {
        "format": 1,
        "status": "raised",
        "alarm": "drift",
        "subject": "",
        "severity": "warning",
        "since": NOW,
        "at": NOW,
    }
    assert body["project"] == {"id": 10, "title": "Mails"}
    assert body["page"].endswith("/projects/10/coverage")
    assert body["text"] == "LabelCue, Mails: They are told apart."
    assert ids(there.bodies) == [body["id"]] * 2
    again = watch_of(tmp_path, there.url)
    again.start()
    calm(tmp_path, drift=False)
    until(lambda: len(there.taken) == 2, LONG, "its end")
    again.stop()
    assert [one["status"] for one in there.taken] == ["raised", "resolved"]
    assert read_kept(Home(tmp_path).alarms).standing == {}


def test_what_was_not_sent_is_sent_after_a_restart(tmp_path: Path) -> None:
    at_work(tmp_path)
    calm(tmp_path, drift=True)
    with receiver() as there:
        there.answers.extend([503] * 10_000)
        watch = watch_of(tmp_path, there.url)
        watch.start()
        until(lambda: there.bodies, LONG, "an attempt")
        watch.stop()
        there.answers.clear()
        again = watch_of(tmp_path, there.url)
        again.start()
        until(lambda: there.taken, LONG, "the alarm")
        again.stop()
        assert {body["id"] for body in there.bodies} == {there.taken[0]["id"]}


def test_one_service_of_a_home_watches(tmp_path: Path, there: Receiver) -> None:
    at_work(tmp_path)
    calm(tmp_path, drift=True)
    watches = [watch_of(tmp_path, there.url) for _ in range(3)]
    for one in watches:
        one.start()
    until(lambda: there.taken and settled(tmp_path), LONG, "the alarm")
    time.sleep(0.3)  # several looks of all of them
    for one in watches:
        one.stop()
    assert len(there.bodies) == 1


def test_a_damaged_file_begins_anew(tmp_path: Path, there: Receiver) -> None:
    at_work(tmp_path)
    calm(tmp_path, drift=True)
    Home(tmp_path).alarms.write_text("no json")
    watch = watch_of(tmp_path, there.url)
    watch.start()
    until(lambda: there.taken, LONG, "the alarm")
    watch.stop()
    assert len(read_kept(Home(tmp_path).alarms).of(10)) == 1


def test_alarms_stand_on_the_overview_in_metrics_and_in_the_api(tmp_path: Path) -> None:
    at_work(tmp_path)
    calm(tmp_path, drift=True)
    watch_of(tmp_path).look()
    visitor = visitor_of(tmp_path)
    visitor.log_in()
    text = visitor.get("/projects/10").text
    assert "They are told apart." in text
    client = client_of(tmp_path)
    assert 'labelcue_project_alarms{project="10"} 1' in client.get("/metrics", headers=BASIC).text
    (found,) = client.get("/api/projects/10/alarms", headers=BASIC).json["alarms"]
    assert (found["alarm"], found["severity"], found["since"]) == ("drift", "warning", NOW)


def command(home: Path, *words: str, urls: str = "") -> tuple[int, str]:
    secrets = f'basic_password = "{PASSWORD}"\nwebhook_secret = "{SECRET}"\nalarm_urls = "{urls}"\n'
    (home / "labelcue.toml").write_text(secrets)
    result = CliRunner().invoke(main, ["alarms", "--home", str(home), *words])
    return result.exit_code, result.output


def test_the_command_shows_what_stands_and_tries_the_addresses(tmp_path: Path, there: Receiver) -> None:
    at_work(tmp_path)
    calm(tmp_path, drift=True)
    watch_of(tmp_path).look()
    status, text = command(tmp_path, "--json", "--test", urls=there.url)
    said = json.loads(text)
    assert status == 0
    assert [one["name"] for one in said["alarms"]] == ["drift"]
    assert said["addresses"] == [
        {"address": there.url.split("/hook")[0], "waiting": 0, "trouble": "", "last_ok": None, "test": "ok"}
    ]
    assert [body["status"] for body in there.taken] == ["test"]
    there.answers.append(404)
    status, text = command(tmp_path, "--test", urls=there.url)
    assert status == 1
    assert "404" in text
    assert "canary-path" not in text
    status, text = command(tmp_path)
    assert (status, "LABELCUE_ALARM_URLS" in text) == (0, True)
