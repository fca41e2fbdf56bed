"""The plugin's parts that need no Django: configuration, circuit, wire, fingerprints, and what it makes of answers."""

from __future__ import annotations

import ast
import json
import logging
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from werkzeug.datastructures import Headers

from labelcue.errors import NotAuthorised
from labelcue.service.auth import Guard
from labelcue.settings import load_settings
from labelcue.setup import write_plugin_secret, write_secrets
from labelcue_plugin import __version__, fingerprints
from labelcue_plugin.addresses import Addresses
from labelcue_plugin.changes import Standing, changed, standing_of
from labelcue_plugin.circuit import Circuit
from labelcue_plugin.configuration import Configuration, Unconfigured, read_configuration
from labelcue_plugin.service import Candidates, LabelCue, _headers
from labelcue_plugin.showing import Shown, asks_why, dressed, shown_of, without_ours
from labelcue_plugin.wire import MOST_BYTES, Wire, WireError

PACKAGE = Path(fingerprints.__file__).parent
THEIRS = {"core", "data_manager", "django", "label_studio", "organizations", "projects", "rest_framework", "tasks"}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


# Borders


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_it_imports_nothing_of_the_backend_and_only_what_label_studio_brings(path: Path) -> None:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    assert names <= {"labelcue_plugin", "_typeshed", *THEIRS, *sys.stdlib_module_names}


# Configuration


def test_the_environment_says_where_labelcue_is(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(" s3cret\n")
    environment = {"LABELCUE_URL": "http://127.0.0.1:9095/", "LABELCUE_SECRET_FILE": str(secret)}
    found = read_configuration(environment)
    assert found == Configuration("http://127.0.0.1:9095", "s3cret")
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize("url", ["", "localhost:9095", "ftp://x", "http://", "http://h:notaport", "http://[x"])
def test_an_address_that_is_none_is_refused_with_the_remedy(tmp_path: Path, url: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    with pytest.raises(Unconfigured, match="LABELCUE_URL"):
        read_configuration({"LABELCUE_URL": url, "LABELCUE_SECRET_FILE": str(secret)})


def test_an_admin_says_how_long_annotators_wait(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    named = {"LABELCUE_URL": "http://h", "LABELCUE_SECRET_FILE": str(secret)}
    assert (LabelCue(read_configuration(named)).wait_s, LabelCue(read_configuration(named)).ask_s) == (0.3, 0.25)
    assert LabelCue(read_configuration({**named, "LABELCUE_WAIT_S": " 12 "})).ask_s == 10
    for wrong in ("soon", "0", "-1", "nan", "1e9"):
        with pytest.raises(Unconfigured, match="LABELCUE_WAIT_S"):
            read_configuration({**named, "LABELCUE_WAIT_S": wrong})


@pytest.mark.parametrize("content", [None, b"", b" \n", b"two\nlines", b"\xff\xfe", b"x" * 501])
def test_a_secret_that_is_none_is_refused_with_the_remedy(tmp_path: Path, content: bytes | None) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(Unconfigured, match="LABELCUE_SECRET_FILE"):
        read_configuration({"LABELCUE_URL": "http://h", "LABELCUE_SECRET_FILE": str(secret)})


def test_a_project_s_secret_is_what_the_service_takes_for_it_and_for_no_other(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_secrets(load_settings({"home": home}))
    secret = write_plugin_secret(load_settings({"home": home}))
    guard = Guard(load_settings({"home": home}))
    found = read_configuration({"LABELCUE_URL": "http://h", "LABELCUE_SECRET_FILE": str(secret)})
    sent = Headers(_headers(found, "/api/projects/12/queue?limit=3"))
    guard.api(sent, 12)
    for other in (1, 2, 120, None):
        with pytest.raises(NotAuthorised):
            guard.api(sent, other)
    assert found.secret not in str(sent)
    assert sent["LabelCue-Protocol"] == "1"


@pytest.mark.parametrize(
    "path", ["/", "/queue", "/api/projects", "/api/projects/0", "/api/projects/1x", "/x/api/projects/1"]
)
def test_a_path_that_names_no_project_carries_no_secret(path: str) -> None:
    assert "Authorization" not in _headers(Configuration("http://h", "s"), path)


# Circuit


def test_after_a_failure_one_caller_tries_and_the_pauses_grow_to_five_seconds() -> None:
    clock = Clock()
    circuit = Circuit(clock)
    assert circuit.enter()
    circuit.failed()
    circuit.failed()  # somebody else who had asked at the same time
    pauses = []
    for _ in range(5):
        began = clock.now
        while not circuit.enter():
            clock.now += 0.5
        assert not circuit.enter(), "two callers try at once"
        pauses.append(clock.now - began)
        circuit.failed()
    assert pauses == [1, 2, 4, 5, 5]
    clock.now += 5
    assert circuit.enter()
    circuit.succeeded()
    assert circuit.is_closed
    assert circuit.enter()
    assert circuit.enter()


# Wire


Reply = Callable[[socket.socket], None]


@contextmanager
def listening(*replies: Reply) -> Iterator[str]:
    """An address where the n-th connection is handled by the n-th of these."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        for reply in replies:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                try:
                    reply(connection)
                except OSError:
                    continue

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        thread.join(timeout=5)


def answered(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def times(count: int, body: bytes) -> Reply:
    def reply(connection: socket.socket) -> None:
        for _ in range(count):
            heard = b""
            while not heard.endswith(b"{}"):  # headers and body may come apart
                heard += connection.recv(65536)
            connection.sendall(answered(body))

    return reply


def no_headers(_path: str) -> dict[str, str]:
    return {}


def test_a_connection_is_kept_and_a_new_one_made_where_the_peer_has_closed_it() -> None:
    with listening(times(2, b"one"), times(1, b"two")) as url:
        wire = Wire(f"{url}/under/", lambda path: {"X-Ours": path})
        answers = [wire.exchange("POST", "/next", b"{}", 60) for _ in range(3)]
        wire.close()
    assert answers == [(200, b"one"), (200, b"one"), (200, b"two")]


def drip(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        connection.sendall(b".")
        clock.now += 0.1


clock = Clock()


def test_a_peer_that_sends_a_byte_now_and_then_is_given_up_at_the_deadline() -> None:
    with listening(drip) as url, pytest.raises(WireError, match="no answer within"):
        Wire(url, no_headers, clock).exchange("GET", "/", None, 3)


@pytest.mark.parametrize(
    "said",
    [b"", b"SSH-2.0-hello\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", b"HTTP/1.1 999999999 \r\n\r\n"],
)
def test_whatever_is_no_answer_is_one_error(said: bytes) -> None:
    def reply(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)

    with listening(reply) as url, pytest.raises(WireError):
        Wire(url, no_headers).exchange("GET", "/", None, 60)


def test_an_answer_without_end_is_cut_off() -> None:
    def reply(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(answered(b"x" * (MOST_BYTES + 1)))

    with listening(reply) as url, pytest.raises(WireError, match="over"):
        Wire(url, no_headers).exchange("GET", "/", None, 60)


def test_nobody_there_is_one_error() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # nobody else gets this port, and nobody listens on it
        wire = Wire(f"http://127.0.0.1:{silent.getsockname()[1]}", no_headers)
        with pytest.raises(WireError, match="refused"):
            wire.exchange("GET", "/", None, 60)


def test_a_name_server_that_does_not_answer_holds_nobody_and_the_last_address_serves() -> None:
    silent, asked = Event(), []

    def look_up(host: str, _port: int, **_more: Any) -> list[Any]:
        asked.append(host)
        if len(asked) > 1:
            silent.wait(60)
        return [f"address {len(asked)}"]

    addresses = Addresses("labelcue", 9095, look_up)
    assert addresses.within(60) == ["address 1"]
    assert addresses.within(0.02) == ["address 1"]
    assert addresses.within(0.02) == ["address 1"]
    assert len(asked) <= 2, "a thread for each request"
    silent.set()
    assert addresses.within(60)[0].startswith("address")


def test_a_host_without_an_address_is_named_and_one_that_nobody_tells_of_is_late() -> None:
    def unknown(*_: Any, **_more: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(OSError, match=r"the host labelcue has no address: .*not known"):
        Addresses("labelcue", 9095, unknown).within(60)
    silent = Event()
    with pytest.raises(TimeoutError):
        Addresses("labelcue", 9095, lambda *_, **_more: [silent.wait(60)]).within(0.02)  # type: ignore[arg-type,list-item]
    silent.set()


def test_https_checks_the_certificate() -> None:
    def reply(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"\x15\x03\x01\x00\x02\x02\x28")  # a TLS alert
        connection.recv(65536)  # until the other side gives up

    with listening(reply) as url, pytest.raises(WireError):
        Wire(url.replace("http:", "https:"), no_headers).exchange("GET", "/", None, 60)
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED


# What it makes of answers


class Answers:
    """In the place of the wire: answers from a list; exceptions are raised."""

    def __init__(self, *replies: Any) -> None:
        self.replies = list(replies)
        self.asked: list[tuple[str, str, Any]] = []

    def exchange(self, method: str, path: str, body: bytes | None, seconds: float) -> tuple[int, bytes]:
        self.asked.append((method, path, None if body is None else json.loads(body)))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        status, said = reply
        return status, said if isinstance(said, bytes) else json.dumps(said).encode()


NOT_CONNECTED = (404, {"error": {"code": "not_found", "message": "no", "remedy": ""}})


def queue(*ids: Any) -> tuple[int, Any]:
    return 200, {"queue_version": "cue-1", "as_of": 1.0, "tasks": [{"id": one} for one in ids]}


def cue_with(*replies: Any) -> tuple[LabelCue, Answers, Clock]:
    clock, answers = Clock(), Answers(*replies)
    cue = LabelCue(Configuration("http://labelcue", "s"), clock)
    cue._wire = answers  # type: ignore[assignment]
    return cue, answers, clock


def test_candidates_come_in_order_each_once() -> None:
    cue, answers, _ = cue_with(queue(5, 3, 5, 1))
    assert cue.serves(1) is None
    assert cue.candidates(1, 7, 93, 0.3) == Candidates((5, 3, 1), True)
    assert cue.serves(1) is True
    assert answers.asked == [("POST", "/api/projects/1/next", {"user": 7, "limit": 50, "after_annotation": 93})]


def test_where_several_annotations_complete_a_task_candidates_that_somebody_has_begun_are_told_apart() -> None:
    status, said = queue(5, 3, 5, 1)
    said["tasks"] = [one | {"begun": one["id"] == 5} for one in said["tasks"]]
    cue, answers, _ = cue_with((status, said), WireError("late"))
    assert cue.candidates(1, 7, None, 0.3, overlap=2) == Candidates((5, 3, 1), True, (5,))
    assert answers.asked[0][2] == {"user": 7, "limit": 50, "overlap": 2}
    assert cue.candidates(1, 7, None, 0.3, overlap=2) == Candidates((5, 3, 1), False, (5,))


def test_a_lock_that_is_given_back_ends_the_lease_where_labelcue_is_well() -> None:
    cue, answers, _ = cue_with((200, {"freed": True}), WireError("late"))
    cue.release(1, 5, 7, 0.1)
    assert answers.asked == [("DELETE", "/api/projects/1/leases/5?user=7", None)]
    cue.release(1, 5, 7, 0.1)
    assert cue.circuit.is_closed
    cue.circuit.failed()
    cue.release(1, 5, 7, 0.1)
    assert len(answers.asked) == 2


def test_a_project_that_is_not_connected_is_asked_about_again_after_ten_seconds() -> None:
    cue, _, clock = cue_with(NOT_CONNECTED)
    assert cue.candidates(1, 7, None, 0.3) is None
    assert cue.serves(1) is False
    assert cue.circuit.is_closed
    clock.now += 10
    assert cue.serves(1) is None


BAD = [
    WireError("no answer within 0.30 s"),
    (500, b"<html>"),
    (302, b""),
    (401, {"error": {}}),
    (404, b"nginx"),
    (404, {"detail": "not ours"}),
    (200, b"<html>"),
    (200, b"[" * 100_000),
    (200, []),
    (200, {"tasks": 5}),
    (200, {"tasks": [1, 2]}),
    queue("1"),
    queue(True),
    queue(-1),
    queue(2**63),
]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_whatever_is_wrong_the_last_order_serves_and_the_log_has_one_line(
    bad: Any, caplog: pytest.LogCaptureFixture
) -> None:
    cue, answers, clock = cue_with(queue(5, 3), bad, bad, queue(3))
    cue.candidates(1, 7, None, 0.3)
    caplog.set_level(logging.WARNING)
    for _ in range(3):  # the first asks, the others find the circuit open
        assert cue.candidates(1, 7, None, 0.3) == Candidates((5, 3), False)
    assert cue.candidates(2, 7, None, 0.3) is None
    clock.now += 1
    assert cue.candidates(1, 7, None, 0.3) == Candidates((5, 3), False)
    assert len(answers.asked) == 3
    assert len(caplog.records) == 1
    clock.now += 2
    assert cue.candidates(1, 7, None, 0.3) == Candidates((3,), True)
    assert [record.getMessage() for record in caplog.records][1:] == ["LabelCue answers again."]


def test_ten_thousand_candidates_are_cut() -> None:
    cue, _, _ = cue_with(queue(*range(1, 10_001)))
    candidates = cue.candidates(1, 7, None, 0.3)
    assert candidates is not None
    assert candidates.order == tuple(range(1, 1001))


def test_a_lease_is_told_where_there_is_time_and_never_judged() -> None:
    cue, answers, _ = cue_with((200, {"expires": 1.0}), WireError("late"))
    cue.lease(1, 5, 7, 3600, 0.1)
    assert answers.asked == [("POST", "/api/projects/1/leases", {"task": 5, "user": 7, "seconds": 3600})]
    cue.lease(1, 5, 7, 10**9, 0.1)
    assert answers.asked[-1][2] == {"task": 5, "user": 7, "seconds": 30 * 86400}
    assert cue.circuit.is_closed
    cue.lease(1, 5, 7, 3600, 0.0)
    cue.circuit.failed()
    cue.lease(1, 5, 7, 3600, 0.1)
    assert len(answers.asked) == 2


def test_a_probe_asks_whatever_the_circuit_says() -> None:
    cue, _, _ = cue_with(WireError("late"), (200, {"id": 1}), NOT_CONNECTED)
    assert cue.probe(1, 1.0) is None
    assert cue.trouble == "late"
    assert cue.probe(1, 1.0) is True
    assert cue.probe(1, 1.0) is False
    assert cue.trouble == ""


def test_after_trouble_what_nobody_waits_for_asks_first() -> None:
    cue, answers, _ = cue_with(queue(5), WireError("late"), WireError("later"), queue(5))
    cue.recover(1)
    assert not answers.asked, "nothing is wrong"
    cue.candidates(1, 7, None, 0.3)
    cue.candidates(1, 7, None, 0.3)
    cue.recover(1)
    assert not cue.circuit.is_closed
    assert cue.trouble == "late", "the log would have another line"
    cue.recover(1)
    assert cue.circuit.is_closed
    assert answers.asked[-1] == ("POST", "/api/projects/1/next", {"user": 1, "limit": 1})


# What is shown beside a task


OURS: dict[str, Any] = {"result": [{"id": "cue-5"}], "score": 0.9, "model_version": "cue-3"}


def test_what_goes_with_a_candidate_is_read_and_asked_for_again_where_the_task_is_held() -> None:
    said = {"id": 5, "why": "w" * 400, "prediction": OURS}
    cue, answers, _ = cue_with((200, {"tasks": [said]}), (200, {"tasks": [said]}), queue(), WireError("late"))
    candidates = cue.candidates(1, 7, None, 0.3)
    assert candidates is not None
    assert candidates.shown == {5: Shown("w" * 300, OURS)}
    assert cue.about(1, 7, 5, 0.3) == Shown("w" * 300, OURS)
    assert answers.asked[1] == ("POST", "/api/projects/1/next", {"user": 7, "task": 5})
    assert cue.about(1, 7, 5, 0.3) is None
    assert cue.about(1, 7, 5, 0.3) is None


@pytest.mark.parametrize(
    "wrong", [None, [], "x", {}, OURS | {"result": []}, OURS | {"result": ["x"]}, OURS | {"score": "1"}]
)
def test_a_suggestion_that_cannot_be_read_is_none(wrong: Any) -> None:
    assert shown_of({"id": 5, "why": 5, "prediction": wrong}) == Shown()
    assert shown_of({"id": 5, "prediction": OURS | {"score": float("nan")}}) == Shown()


def test_a_task_is_dressed_without_touching_what_is_stored() -> None:
    data = {"text": "a mail"}
    answer = {"id": 5, "data": data, "predictions": [{"id": 9, "model_version": "cue-queue-2", "result": []}]}
    found = dressed(answer, Shown("Because.", OURS), why=True, suggest=True)
    assert found["data"] == {"text": "a mail", "labelcue_reason": "Because."}
    assert found["predictions"] == [{**OURS, "id": "", "task": 5}]
    assert data == {"text": "a mail"}
    assert dressed(answer, Shown("Because.", OURS), why=False, suggest=False) == {**answer, "predictions": []}


def test_what_labelcue_does_not_say_is_shown_as_it_is_stored_but_never_as_a_parent() -> None:
    ours, theirs = {"id": 9, "model_version": "cue-queue-2"}, {"id": 8, "model_version": "theirs"}
    answer = {"id": 5, "data": {}, "predictions": [ours, theirs]}
    for shown in (None, Shown("Because.", OURS)):
        found = dressed(answer, shown, why=True, suggest=True)
        assert found["predictions"] == [{**ours, "id": ""}, theirs]
        assert found["data"] == {"labelcue_reason": shown.why if shown else ""}
    lasting = {"id": 7, "model_version": "cue-3"}  # asked for in the Data Manager: nothing deletes it
    assert dressed({**answer, "predictions": [lasting]}, None, why=False, suggest=True)["predictions"] == [lasting]


def test_a_config_that_asks_for_the_reason_is_known_and_tasks_need_not_have_it() -> None:
    assert asks_why('<Text name="w" value="$labelcue_reason"/>')
    assert asks_why('<Header value="Why: $labelcue_reason"/>')
    assert not any(map(asks_why, ('<Text value="$labelcue_reasons"/>', '<Text value="$text"/>', "", None)))
    assert without_ours({"labelcue_reason": "Text", "text": "Text"}) == {"text": "Text"}


# The mirror


def place(task: int, rank: int) -> dict[str, Any]:
    return {"task": task, "rank": rank, "priority": 0.5, "uncertainty": {"margin": 0.25}, "reason": "x" * 400}


def test_places_are_read_as_the_service_tells_them() -> None:
    assert standing_of(place(5, 0)) == Standing(5, 0, 0.5, 0.25, "x" * 300)
    for bad in ({}, [], None, place(5, 0) | {"rank": None}, place(5, 0) | {"priority": "high"}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            standing_of(bad)


def test_the_head_is_written_always_and_the_rest_where_it_moved() -> None:
    before = {1: 0, 2: 1, 3: 1000, 4: 1500, 5: 2000, 6: 5000, 7: 999}
    now = [place(1, 0), place(3, 999), place(4, 1499), place(5, 2150), place(6, 0), place(7, 1200), place(8, 7000)]
    written = changed([standing_of(one) for one in now], before)
    assert [one.task for one in written] == [1, 3, 5, 6, 7, 8]


def test_work_in_the_background_never_opens_the_circuit() -> None:
    cue, answers, _ = cue_with(WireError("late"), (200, {"version": "cue-1"}), NOT_CONNECTED, (202, {}), (400, {}))
    assert cue.read("/queue") is None
    assert cue.circuit.is_closed
    assert cue.read("/queue") == (200, {"version": "cue-1"})
    assert cue.read("/queue") == NOT_CONNECTED
    assert cue.act(1, "pin", [5], 7, 1.0, opinions=2)
    assert answers.asked[-1][2] == {"action": "pin", "tasks": [5], "user": 7, "opinions": 2}
    assert not cue.act(1, "rerank", [], None, 1.0)
    cue.circuit.failed()
    assert cue.read("/queue") is None
    assert len(answers.asked) == 5


# Fingerprints


def known() -> int:
    # A comment of its own.

    return 1


def stranger() -> int:
    return 2


def test_a_function_is_known_by_its_source_but_for_comments_and_empty_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fingerprints.digest("def known() -> int:\n    return 1\n") == fingerprints.digest(
        "def known() -> int:  \n    # A comment of its own.\n\n    return 1\n"
    )
    digest = fingerprints.digest("def known() -> int:\n    return 1\n")
    monkeypatch.setattr(fingerprints, "KNOWN", {"m:f": frozenset({digest}), "m:g": frozenset({digest})})
    assert fingerprints.strangers({"m:f": known}) == []
    assert fingerprints.strangers({"m:f": known, "m:g": stranger}) == ["m:g"]
    assert fingerprints.strangers({"m:f": None, "m:g": len}) == ["m:f", "m:g"]


def test_every_function_that_is_replaced_or_called_has_a_fingerprint() -> None:
    names = {name.rpartition(":")[2].rpartition(".")[2] for name in fingerprints.KNOWN}
    assert {"get_next_task", "get_task_from_qs_with_sampling", "_get_first_unlocked", "has_lock", "set_lock"} <= names
    assert all(len(digest) == 16 for digests in fingerprints.KNOWN.values() for digest in digests)


def test_the_distribution_has_the_version_that_the_plugin_tells() -> None:
    project = (PACKAGE.parent / "pyproject.toml").read_text()
    assert f'version = "{__version__}"' in project
    assert 'dependencies = ["label-studio>=1.20"]' in project
