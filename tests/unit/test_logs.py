"""One place sets up the logs, and no secret passes it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from labelcue import logs
from labelcue.errors import StoreBusy
from servicing import BASIC, PASSWORD, SECRET, settings_of


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logs at debug, as JSON; afterwards logging is as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    kept = {name: logging.getLogger(name).level for name in ("httpx", "httpcore", "waitress.queue")}
    target = io.StringIO()
    logs.configure(settings_of(Path("home"), log_level="debug", log_format="json"), target)
    yield target
    root.handlers, root.level = before, level
    for name, known in kept.items():
        logging.getLogger(name).setLevel(known)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_and_name(stream: io.StringIO) -> None:
    structlog.get_logger("labelcue.test").info("round", project=3, ms=1.5, full=True, tasks=[1, 2])
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "round",
        "level": "info",
        "logger": "labelcue.test",
        "project": 3,
        "ms": 1.5,
        "full": True,
        "tasks": [1, 2],
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"access_token": "abcdef"},
        {"Authorization": "abcdef"},
        {"inner": {"basic_password": "abcdef"}},
        {"body": {"text": "abcdef"}},
        {"headers": ["abcdef"]},
        {"said": "Authorization: Bearer abcdef"},
        {"said": "token abcdef"},
        {"url": "http://user:abcdef@host/path"},
        {"deep": [{"cookie": "abcdef"}]},
    ],
)
def test_what_looks_like_a_secret_is_hidden(stream: io.StringIO, fields: dict[str, Any]) -> None:
    structlog.get_logger("labelcue.test").warning("said", **fields)
    assert "abcdef" not in stream.getvalue()
    assert logs.HIDDEN in stream.getvalue()


def test_our_own_secrets_are_hidden_wherever_they_stand(stream: io.StringIO) -> None:
    structlog.get_logger("labelcue.test").error(f"odd {SECRET}", url=f"http://host/{PASSWORD}", raw_header=BASIC)
    logging.getLogger("somebody.else").error("they say %s and %s", SECRET, BASIC["Authorization"][6:])
    assert SECRET not in stream.getvalue()
    assert PASSWORD not in stream.getvalue()
    assert BASIC["Authorization"][6:] not in stream.getvalue()


def test_exceptions_leave_without_the_words_of_others(stream: io.StringIO) -> None:
    sent = " ".join(["what", "a", "client", "sent"])
    try:
        int(sent)
    except ValueError as error:
        structlog.get_logger("labelcue.test").error("failed", exc_info=error)
        logging.getLogger("waitress").exception("Exception while serving")
    try:
        raise StoreBusy("The ledger is busy.", "Try again.")
    except StoreBusy:
        structlog.get_logger("labelcue.test").exception("failed")
    ours, theirs, known = lines(stream)
    assert sent not in stream.getvalue()
    assert ours["exception"] == theirs["exception"] == "builtins.ValueError"
    assert any("test_logs.py" in frame for frame in ours["frames"])
    assert known["reason"] == "The ledger is busy. Try again."


def test_libraries_that_log_requests_are_quiet(stream: io.StringIO) -> None:
    for name in ("httpx", "httpcore.http11", "urllib3.connectionpool"):
        logging.getLogger(name).info("GET http://host/?x=abcdef")
        logging.getLogger(name).debug("send_request_headers abcdef")
    assert stream.getvalue() == ""


def test_levels_and_a_second_configure(stream: io.StringIO) -> None:
    again = io.StringIO()
    logs.configure(settings_of(Path("home"), log_level="warning", log_format="console"), again)
    structlog.get_logger("labelcue.test").info("quiet")
    structlog.get_logger("labelcue.test").warning("loud", project=7)
    assert stream.getvalue() == ""
    assert again.getvalue().count("\n") == 1
    assert "loud" in again.getvalue()
    assert "\x1b[" not in again.getvalue()
