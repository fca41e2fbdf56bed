"""Structured logs, set up in one place: console lines for people, JSON lines for machines; never a secret.

Whatever is logged, also by libraries, goes through `Veil`: values under telling names are hidden, and so are our own
secrets and everything that looks like an Authorization header wherever they stand. Exceptions leave as their type and
their frames, without the message: the message of a foreign exception may quote what a client sent.
"""

from __future__ import annotations

import base64
import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO

import structlog
from pydantic import SecretStr

from labelcue.errors import LabelCueError
from labelcue.settings import Settings

HIDDEN = "[hidden]"
_TELLING = re.compile(r"token|secret|password|passwd|authori[sz]ation|cookie|credential|api_?key", re.IGNORECASE)
_BULK = frozenset({"body", "headers", "header", "payload", "raw", "params"})
_CREDENTIALS = re.compile(r"\b(Basic|Bearer|Token)\s+[\w+/=.~-]{6,}", re.IGNORECASE)
_URL_USER = re.compile(r"://[^/\s@]+@")
# Below WARNING these tell of every request, at DEBUG with its headers.
_CHATTY = ("httpx", "httpcore", "urllib3", "label_studio_sdk", "matplotlib", "PIL", "faker")
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
Fields = MutableMapping[str, Any]


class Veil:
    """A structlog processor that hides what no log may hold. `secrets` are hidden wherever they stand."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        known = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, _logger: Any, _method: str, fields: Fields) -> Fields:
        """The fields of one line, veiled."""
        for name in fields:
            if not name.startswith("_"):
                fields[name] = self._field(name, fields[name])
        return fields

    def text(self, text: str) -> str:
        """The text without secrets, Authorization values and users in URLs."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return _URL_USER.sub(f"://{HIDDEN}@", _CREDENTIALS.sub(rf"\1 {HIDDEN}", text))

    def _field(self, name: str, value: Any) -> Any:
        telling = _TELLING.search(name) is not None or name.lower() in _BULK
        return HIDDEN if telling and value else self._value(value)

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {str(key): self._field(str(key), inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(inner) for inner in value]
        return self.text(str(value))


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every log line of this process to `stream` (stderr), as the settings say. Safe to call again."""
    target = stream if stream is not None else sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        frames_only,
        Veil(_secrets(settings)),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(settings, target)],
        foreign_pre_chain=shared,
    )
    _take_over(target, formatter, _LEVELS[settings.log_level])
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _take_over(target: TextIO, formatter: logging.Formatter, level: int) -> None:
    """Make the standard library's loggers, and so every dependency's, write in our format."""
    handler = _Handler(target)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [*(old for old in root.handlers if not isinstance(old, _Handler)), handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # A queue of a few requests is no news.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


class _Handler(logging.StreamHandler):  # type: ignore[type-arg]  # Python 3.10 cannot subscript it
    """Ours, so that a second `configure` replaces it and nobody else's."""


def _renderer(settings: Settings, target: TextIO) -> Any:
    terminal = target.isatty()
    if settings.log_format == "console" or (settings.log_format == "auto" and terminal):
        return structlog.dev.ConsoleRenderer(colors=terminal)
    return structlog.processors.JSONRenderer()


def _secrets(settings: Settings) -> tuple[str, ...]:
    """Every secret of the settings, also in the spelling of an Authorization header."""
    given = [value.get_secret_value() for _, value in settings if isinstance(value, SecretStr)]
    values = [part for one in given for part in (one, *one.split())]
    pair = f"{settings.basic_user}:{settings.basic_password.get_secret_value()}"
    encoded = base64.b64encode(pair.encode()).decode() if settings.basic_password.get_secret_value() else ""
    return (*values, encoded)


def frames_only(_logger: Any, _method: str, fields: Fields) -> Fields:
    """A structlog processor: `exc_info` becomes the exception's type and frames; our own errors keep their text."""
    told = fields.pop("exc_info", None)
    error = told[1] if isinstance(told, tuple) else told if isinstance(told, BaseException) else None
    if error is None and told:
        error = sys.exc_info()[1]
    if error is None:
        return fields
    fields["exception"] = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, LabelCueError):
        fields["reason"] = str(error)
    fields["frames"] = [
        f"{frame.filename}:{frame.lineno} {frame.name}: {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return fields
