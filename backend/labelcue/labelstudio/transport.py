"""How a request reaches Label Studio: tokens, repetitions, time-outs. `client.py` says which requests there are.

The SDK does what is hard, the tokens: legacy ones, and personal access tokens with their refreshing. The requests
themselves are made here, so that failures and repetitions have one rule.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, TypeAlias

import httpx

from labelcue.errors import ConfigError, LabelStudioDown, LabelStudioError, LabelStudioRefused
from labelcue.labelstudio import answers

Object: TypeAlias = dict[str, Any]

TRIES = 3
"""How often a request that may be repeated is sent in all."""
FIRST_WAIT = 0.25
"""Seconds before the second try; doubled before each further one."""
LONGEST_WAIT = 10.0
"""A longer Retry-After is handed to the caller instead of being slept through."""


class Transport:
    """Requests to one Label Studio as one user. Safe to use from several threads.

    Every method raises LabelStudioDown, LabelStudioRefused, ProjectGone or LabelStudioError. What is safe to repeat is
    tried three times; a POST is repeated only where it cannot have arrived.
    """

    def __init__(
        self,
        url: str,
        token: str,
        timeout: float,
        transport: httpx.BaseTransport | None = None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = _address(url)
        self._token = _credential(token)
        self._wait = wait
        self._http = httpx.Client(timeout=timeout, transport=transport, follow_redirects=False)
        self._auth: Any = None
        self._auth_lock = threading.Lock()

    def close(self) -> None:
        """Let go of every connection."""
        self._http.close()

    def fetch(self, method: str, path: str, **options: Any) -> Object:
        """Send, and the JSON object that comes back; options are those of `send`."""
        answer = self.send(method, path, **options)
        return {} if answer is None else answers.as_object(answer)

    def fetch_all(self, path: str, params: Mapping[str, Any]) -> list[Object]:
        """GET a list of JSON objects."""
        answer = self.send("GET", path, params=params)
        return [] if answer is None else answers.as_list(answer)

    def remove(self, path: str, timeout: float | None = None) -> bool:
        """DELETE; False where the thing was gone already."""
        return self.send("DELETE", path, timeout=timeout, gone=True) is not None

    def authorisation(self, *, renew: bool = False) -> dict[str, str]:
        """The header that proves who asks; with `renew`, from a new access token where there is one."""
        if renew:
            self._renew()
        return self._headers()

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        timeout: float | None = None,
        gone: bool = False,
        absent: bool = False,
    ) -> httpx.Response | None:
        """The good answer; with `gone`, None where Label Studio knows the address but not the thing.

        With `absent`, None also where it does not know the address.

        `path` has no slash in front; `timeout` (seconds) replaces the client's.
        """
        request: Object = {"method": method, "url": self.url + path, "params": params, "json": body}
        if timeout is not None:
            request["timeout"] = timeout
        for attempt in count(1):
            try:
                answer = self._authorised(request)
                if absent and answer.status_code == 404:
                    return None
                return None if gone and answers.is_missing(answer) else answers.checked(answer, self.url, self._token)
            except httpx.HTTPError as error:
                unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                self._pause(answers.unanswered(error, self.url), attempt, method != "POST" or unsent)
            except LabelStudioDown as failure:
                self._pause(failure, attempt, method != "POST")
        raise AssertionError  # the loop above has no end

    def _authorised(self, request: Object) -> httpx.Response:
        """Send with the token; once more where an access token was refused, which a wrong clock takes for fresh."""
        answer = self._http.request(headers=self._headers(), **request)
        if answer.status_code == 401 and self._renew():
            answer = self._http.request(headers=self._headers(), **request)
        return answer

    def _pause(self, failure: LabelStudioDown, attempt: int, again: bool) -> None:
        """Wait before the next try, or raise the failure where there is none."""
        wait = failure.retry_after if failure.retry_after is not None else FIRST_WAIT * 2 ** (attempt - 1)
        if not again or attempt >= TRIES or wait > LONGEST_WAIT:
            raise failure
        self._wait(wait)

    def _headers(self) -> dict[str, str]:
        """The header that proves who we are; a personal access token is exchanged and refreshed by the SDK."""
        from label_studio_sdk.core.api_error import ApiError

        try:
            with self._auth_lock:
                if self._auth is None:
                    self._auth = self._authenticator()
                auth = self._auth
            return {"Authorization": str(auth.get_headers()["Authorization"])}
        except ApiError as error:
            raise answers.token_failure(error.status_code or 401, error.body, self.url, self._token) from None
        except ValueError as error:
            raise LabelStudioError(*answers.not_json(self.url)) from error

    def _authenticator(self) -> Any:
        from label_studio_sdk.core.client_wrapper import SyncClientWrapper

        return SyncClientWrapper(base_url=self.url, api_key=self._token, httpx_client=self._http)

    def _renew(self) -> bool:
        """Forget the access token; False where the token is a legacy one, which has none."""
        with self._auth_lock:
            if self._auth is None or self._token.count(".") != 2:
                return False
            self._auth = None
        return True


def _address(url: str) -> str:
    """The address with one slash at its end, which keeps a path like `/label-studio` in front of `api/`."""
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise ConfigError(f"{url!r} is not an address: {error}.", "Give it as http://host:port.") from error
    if parsed.userinfo:
        raise ConfigError(
            "Label Studio's address holds a user or password.", "Leave them out; the token says who you are."
        )
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError(f"{url!r} is not an address.", "Give Label Studio's address as http://host:port.")
    return str(parsed.copy_with(query=None, fragment=None)).rstrip("/") + "/"


def _credential(token: str) -> str:
    stripped = token.strip()
    if not stripped or not stripped.isascii() or not stripped.isprintable():
        raise LabelStudioRefused("The token is empty or holds characters that no token has.", answers.REFUSED_REMEDY)
    return stripped
