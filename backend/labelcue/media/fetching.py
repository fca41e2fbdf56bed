"""One address → its bytes, within limits, following redirects only where each of them may be asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import httpcore
import httpx

from labelcue.errors import LabelStudioDown, LabelStudioRefused, TaskUnreadable
from labelcue.media.addresses import at_home, is_media, other_way, shown
from labelcue.media.origins import Gate
from labelcue.media.wire import Deadline, Wire

REDIRECTS = 5
"""Most redirects of one fetch; a storage that signs addresses needs one."""
REDIRECTED = (301, 302, 303, 307, 308)
BUSY = (429, 502, 503, 504)
"""Answers after which the same address may do better later."""
FIRST_WAIT = 0.25
"""Seconds before the second try; doubled before each further one."""


class Credentials(Protocol):
    """How Label Studio is told who asks."""

    def authorisation(self, *, renew: bool = False) -> Mapping[str, str]:
        """The header that proves it; with `renew`, after the last one was refused."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fetch may take."""

    bytes: int
    seconds: float
    tries: int = 3


class _Again(Exception):
    """Worth another try; says why."""


class Fetcher:
    """Fetches for one connected Label Studio. Safe to use from several threads."""

    def __init__(
        self,
        base: httpx.URL,
        gate: Gate,
        credentials: Credentials,
        limits: Limits,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`base` is Label Studio's address, with a slash at its end."""
        self._base = base
        self._gate = gate
        self._credentials = credentials
        self._limits = limits
        self._wait = wait
        self._deadline = Deadline()
        # No proxy, no environment: what stands between would resolve names by itself.
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=32,
            network_backend=Wire(gate, self._deadline),
        )

    def close(self) -> None:
        """Let go of every connection."""
        self._pool.close()

    def fetch(self, url: httpx.URL) -> bytes:
        """The bytes behind it. Raises TaskUnreadable, where it is this address that fails.

        Raises LabelStudioDown or LabelStudioRefused where Label Studio itself answers nobody, so that all of its
        addresses would fail alike.
        """
        try:
            own = self._gate.check(url)
        except TaskUnreadable:
            found = at_home(url, self._base)
            if found is None:
                raise
            url, own = found, True
        for attempt in range(1, self._limits.tries + 1):
            try:
                return self._follow(url)
            except _Again as error:
                reason = str(error)
            if attempt < self._limits.tries:
                self._wait(FIRST_WAIT * 2 ** (attempt - 1))
        if own:
            raise LabelStudioDown(f"Label Studio does not hand out its media: {reason}.", "It is asked again later.")
        raise TaskUnreadable(f"{shown(str(url))!r} cannot be fetched: {reason}.", "Look whether it is reachable.")

    def _follow(self, url: httpx.URL) -> bytes:
        self._deadline.at = time.monotonic() + self._limits.seconds
        for _ in range(REDIRECTS + 1):
            own = self._gate.check(url)
            found = self._ask(url, own)
            if isinstance(found, bytes):
                return found
            url = found
        raise TaskUnreadable(f"{shown(str(url))!r} redirects more than {REDIRECTS} times.", "Name the last address.")

    def _ask(self, url: httpx.URL, own: bool) -> bytes | httpx.URL:
        """The body, or where to go on."""
        signed = own and is_media(url, self._base)
        found = self._send(url, own, self._credentials.authorisation() if signed else {})
        if found == 401 and signed:
            found = self._send(url, own, self._credentials.authorisation(renew=True))
        if not isinstance(found, int):
            return found
        if found == 401 and signed:
            raise LabelStudioRefused(
                "Label Studio refuses the token for its media (401).", "Run `labelcue connect` with a fresh token."
            )
        elsewhere = other_way(url, self._base) if own and found == 404 else None
        if elsewhere is not None:
            return elsewhere
        if found in BUSY:
            raise _Again(f"it answers {found}")
        raise TaskUnreadable(f"{shown(str(url))!r} answers {found}.", _remedy(found, own))

    def _send(self, url: httpx.URL, own: bool, headers: Mapping[str, str]) -> bytes | httpx.URL | int:
        """The body, where to go on, or the status of an answer that is neither."""
        request = {"Host": url.netloc.decode(), "Accept-Encoding": "identity", "Accept": "*/*", **headers}
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        try:
            with self._pool.stream("GET", target, headers=list(request.items())) as answer:
                if answer.status in REDIRECTED:
                    return self._next(url, _header(answer, b"location"))
                return self._body(url, answer) if answer.status == 200 else int(answer.status)
        except (httpcore.TimeoutException, httpcore.NetworkError) as error:
            self._timed_out(url, own, error)
            raise _Again(str(error) or type(error).__name__) from error
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol, ValueError) as error:
            raise TaskUnreadable(f"{shown(str(url))!r} answers no HTTP: {error}.", "Look what serves it.") from error

    def _timed_out(self, url: httpx.URL, own: bool, error: Exception) -> None:
        """A file that takes all of the time is its task's trouble; no connection to Label Studio is everybody's."""
        if time.monotonic() < self._deadline.at:
            return
        if own and isinstance(error, httpcore.ConnectTimeout):
            raise LabelStudioDown("Label Studio takes no connection for its media.", "It is asked again later.")
        raise TaskUnreadable(
            f"{shown(str(url))!r} took longer than {self._limits.seconds:g} s.",
            "Look why it is slow, or raise `media_seconds`.",
        ) from error

    def _next(self, url: httpx.URL, location: str) -> httpx.URL:
        try:
            found = url.join(location)
        except (httpx.InvalidURL, ValueError) as error:
            raise TaskUnreadable(f"{shown(str(url))!r} redirects to no address.", "Name the last one.") from error
        if not location or found.scheme not in ("http", "https") or not found.host or found.userinfo:
            raise TaskUnreadable(
                f"{shown(str(url))!r} redirects to {shown(location)!r}, which LabelCue does not fetch.",
                "Name an http(s) address.",
            )
        return found

    def _body(self, url: httpx.URL, answer: httpcore.Response) -> bytes:
        most = self._limits.bytes
        said = _header(answer, b"content-length")
        if said.isdecimal() and int(said) > most:
            raise _too_large(url, most)
        if _header(answer, b"content-encoding").lower() not in ("", "identity"):
            raise TaskUnreadable(
                f"{shown(str(url))!r} comes compressed, which was not asked for.", "Serve it as it is."
            )
        parts, size = [], 0
        for part in answer.iter_stream():
            size += len(part)
            if size > most:
                raise _too_large(url, most)
            parts.append(part)
        return b"".join(parts)


def _header(answer: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in answer.headers if key.lower() == name), "")


def _too_large(url: httpx.URL, most: int) -> TaskUnreadable:
    return TaskUnreadable(f"{shown(str(url))!r} is over {most / 1e6:g} MB.", "Make it smaller, or raise `media_mb`.")


def _remedy(status: int, own: bool) -> str:
    if own and status == 403:
        return "The token's user may not read it; for local files, let Label Studio serve them (its storage settings)."
    if own and status in (404, 500):
        return "Label Studio has no such file, it seems; look at the task there."
    return "Look at it in a browser."
