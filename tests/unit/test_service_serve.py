"""The real server: what it refuses, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from labelcue.errors import ConfigError
from labelcue.service.serve import Server
from labelcue.store import open_ledger
from servicing import HOOK, PASSWORD, SECRET, connect, settings_of
from waiting import until

PROGRAM = """
import sys
from pathlib import Path
from labelcue.service.serve import serve
from labelcue.settings import Settings
home, password, secret = sys.argv[1:]
settings = Settings(home=Path(home), port=0, basic_password=password, webhook_secret=secret, log_format="json",
    busy_ms=60_000)
sys.exit(serve(settings, lambda url: print(url, flush=True)))
"""
EVENT = b'{"action": "TASKS_CREATED", "project": {"id": 10}, "tasks": [{"id": 1, "data": {"text": "a"}}]}'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server in a thread, on a free port."""
    connect(tmp_path)
    served = Server(settings_of(tmp_path, port=0, max_body_mb=1))
    thread = threading.Thread(target=served.run)
    thread.start()
    yield served
    served.stop()
    thread.join(timeout=60)
    assert not thread.is_alive()


def connection(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)


def ask(url: str, method: str, path: str, **options: Any) -> tuple[http.client.HTTPResponse, Any]:
    client = connection(url)
    client.request(method, path, **options)
    answer = client.getresponse()
    body = json.loads(answer.read())
    client.close()
    return answer, body


def raw(url: str, request: bytes) -> tuple[int, dict[str, str], Any]:
    """Status, headers and JSON of what the server says to these bytes."""
    with socket.create_connection((urlsplit(url).hostname or "", urlsplit(url).port or 0), timeout=60) as line:
        line.sendall(request)
        answer = http.client.HTTPResponse(line)
        answer.begin()
        return answer.status, dict(answer.getheaders()), json.loads(answer.read())


def test_it_answers_on_a_free_port_without_a_banner(server: Server) -> None:
    assert server.port > 0
    answer, body = ask(server.url, "GET", "/health")
    assert body == {"status": "UP", "model_class": "LabelCue"}
    assert answer.getheader("Server") is None
    assert answer.getheader("Cache-Control") == "no-store"


def test_chunked_bodies_are_read(server: Server) -> None:
    answer, body = ask(
        server.url, "POST", "/webhook", body=iter([EVENT[:20], EVENT[20:]]), headers=HOOK, encode_chunked=True
    )
    assert (answer.status, body["stored"]) == (200, 1)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n", 413),
        (b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n", 413),
        (b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nBroken\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (b"GET /health HTTP/1.1\r\nHost: a b\x00c\r\n\r\n", 400),
        (b"\x16\x03\x01 hello\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_gets_the_envelope(server: Server, request_bytes: bytes, status: int) -> None:
    found, headers, body = raw(server.url, request_bytes)
    assert found == status
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in headers
    assert set(body["error"]) == {"code", "message", "remedy"}
    assert ask(server.url, "GET", "/health")[0].status == 200


def test_a_taken_port_is_named(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=str(server.port)) as caught:
        Server(settings_of(tmp_path, port=server.port))
    assert "--port" in caught.value.remedy


def test_an_address_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"203\.0\.113\.7|no address"):
        Server(settings_of(tmp_path, host="203.0.113.7", port=0))


def refused(url: str) -> bool:
    try:
        socket.create_connection((urlsplit(url).hostname or "", urlsplit(url).port or 0), timeout=60).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(tmp_path: Path, number: signal.Signals) -> None:
    """A request that has half arrived at SIGTERM is read, stored and answered; nobody new is let in; exit status 0."""
    connect(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), PASSWORD, SECRET],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().strip()
        assert ask(url, "POST", "/webhook", body=EVENT.replace(b'"id": 1,', b'"id": 2,'), headers=HOOK)[1]["stored"]
        client, idle = connection(url), connection(url)
        idle.connect()
        client.putrequest("POST", "/webhook")
        for name, value in {**HOOK, "Content-Length": str(len(EVENT))}.items():
            client.putheader(name, value)
        client.endheaders(EVENT[:30])
        # The server has read the first half once a later request was answered.
        assert ask(url, "GET", "/health")[0].status == 200
        process.send_signal(number)
        until(lambda: refused(url), what="the port to close")
        assert process.poll() is None
        client.send(EVENT[30:])
        answer = client.getresponse()
        assert answer.status == 200
        assert json.loads(answer.read())["stored"] == 1
        assert process.wait(timeout=60) == 0
        client.close()
        idle.close()
        told = process.communicate()[1].decode()
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    ledger = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite3'}")
    assert {event.body["task"] for event in ledger.read(10)} == {1, 2}
    ledger.close()
    assert "Traceback" not in told
    assert SECRET not in told
    assert [json.loads(line)["event"] for line in told.splitlines()][-1] == "service ended"


def test_the_ledger_is_not_closed_under_who_reads_it_in_the_background(server: Server) -> None:
    service = server.app.extensions["labelcue"]
    began, go, read = threading.Event(), threading.Event(), list[int]()

    def steps() -> Iterator[None]:
        began.set()
        assert go.wait(60)
        read.extend(service.ledger.projects())
        yield
        pytest.fail("it goes on though the service closes")

    service.behind("reading", steps())
    assert began.wait(60)
    closing = threading.Thread(target=service.close)
    closing.start()
    until(service._closing.is_set, what="the service to close")
    go.set()
    closing.join(60)
    assert not closing.is_alive()
    assert read == []
    assert service._ledger is None
