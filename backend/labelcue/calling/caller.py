"""One server, asked by POST with JSON: within a time, a size and a number of tries."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any

import httpx

from labelcue.calling.keys import authorisation
from labelcue.errors import ConfigError, OutsideDown, OutsideError

BUSY = (408, 425, 429, 500, 502, 503, 504)
"""Answers after which the same request may do better."""
FIRST_WAIT = 0.5
"""Seconds before the second try; doubled before each further one."""
LONGEST_WAIT = 20.0
"""A longer Retry-After is handed to the caller instead of being slept through."""
MOST_BYTES = 256_000_000
"""Of one answer: 1,000 vectors of 4,096 dimensions in JSON are some 80 MB."""


class Caller:
    """Asks one server, by a connection for each call, which costs little beside what is asked. Safe to use from several
    threads."""

    def __init__(
        self,
        address: str,
        key: str = "",
        *,
        seconds: float = 60.0,
        tries: int = 4,
        transport: httpx.BaseTransport | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`address` of http or https; `key` as in `keys`; `seconds` for each of `tries`. Raises ConfigError."""
        self.address = address_of(address)
        self.seconds, self.tries = seconds, tries
        self._key = key
        self._wait = wait
        self._transport = transport

    def post(self, path: str, body: Any) -> Any:
        """What it answers to `body`, read as JSON. The same request may arrive more than once.

        Raises OutsideDown after the last try (no answer, too slow, 429 or 5xx), OutsideError for every other answer,
        ConfigError where the key cannot be read.
        """
        for attempt in range(1, self.tries + 1):
            try:
                return self._once(path, body)
            except OutsideDown as error:
                pause = FIRST_WAIT * 2 ** (attempt - 1) if error.retry_after is None else error.retry_after
                if attempt >= self.tries or pause > LONGEST_WAIT:
                    raise
            self._wait(pause)
        raise AssertionError  # the loop above returns or raises

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context(trust_env=False)

    def _open(self) -> httpx.Client:
        # No proxy, no environment: what stands between would read the key.
        return httpx.Client(transport=self._transport, verify=self._tls, follow_redirects=False, trust_env=False)

    def _once(self, path: str, body: Any) -> Any:
        end = time.monotonic() + self.seconds
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", **authorisation(self._key)}
        url, timeout = self.address + path, httpx.Timeout(self.seconds, connect=min(10.0, self.seconds))
        try:
            with self._open() as http, http.stream("POST", url, json=body, headers=headers, timeout=timeout) as answer:
                raw = self._body(answer, end) if answer.status_code == 200 else b""
        except httpx.TimeoutException as error:
            raise OutsideDown(
                f"{self.address} did not answer within {self.seconds:g} s.", "It is asked again."
            ) from error
        except httpx.HTTPError as error:
            said = str(error).strip().rstrip(".") or type(error).__name__
            raise OutsideDown(f"{self.address} cannot be reached ({said}).", "Look whether it runs.") from error
        if answer.status_code != 200:
            raise self._refusal(answer)
        try:
            return json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise OutsideError(f"{self.address} answers no JSON.", "Look what serves that address.") from error

    def _body(self, answer: httpx.Response, end: float) -> bytes:
        """A time-out for each read would never end a server that drips."""
        parts, size = [], 0
        for part in answer.iter_raw():
            size += len(part)
            if size > MOST_BYTES:
                raise OutsideError(f"{self.address} answers more than {MOST_BYTES // 1_000_000} MB.", "Ask for less.")
            if time.monotonic() > end:
                raise httpx.ReadTimeout("too slow")
            parts.append(part)
        return b"".join(parts)

    def _refusal(self, answer: httpx.Response) -> OutsideError:
        """Without its words: they may quote what was asked."""
        status = answer.status_code
        if status in BUSY:
            return OutsideDown(f"{self.address} answers {status}.", "It is asked again later.", _seconds(answer))
        if status in (401, 403):
            return OutsideError(f"{self.address} refuses the key ({status}).", "Name its key, as key=env:NAME.")
        if answer.is_redirect:
            return OutsideError(f"{self.address} redirects elsewhere ({status}).", "Give its final address.")
        return OutsideError(f"{self.address} answers {status}.", "Look at its own log.")


def address_of(text: str) -> str:
    """An http(s) address with one slash at its end. Raises ConfigError, also for one with a user, a query or a key."""
    remedy = "Write it as http://host:port/path, and a key as key=env:NAME."
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL as error:
        raise ConfigError(f"An address cannot be read: {error}.", remedy) from error
    if url.userinfo or url.query or url.fragment:
        raise ConfigError(f"The address of {url.host!r} holds a user, a query or a fragment.", remedy)
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError(f"{text.strip()[:200]!r} is no http(s) address.", remedy)
    return str(url).rstrip("/") + "/"


def _seconds(answer: httpx.Response) -> float | None:
    value = answer.headers.get("retry-after", "").strip()
    return float(value) if value.isdecimal() else None
