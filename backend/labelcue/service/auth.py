"""Who may call what: HTTP Basic for Label Studio's backend calls, a header for webhooks, Basic or Bearer for the API.

Webhooks and the plugin come with secrets of a single project (`labelcue.keys`), which open nothing of another one.
Secrets are compared as SHA-256 digests of bytes, in constant time: neither their length nor odd characters matter.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable

from werkzeug.datastructures import Headers

from labelcue import keys
from labelcue.errors import ConfigError, NotAuthorised
from labelcue.settings import Settings

HEADER = "LabelCue-Secret"
"""The header in which Label Studio's webhook carries the secret."""


def require_secrets(settings: Settings) -> None:
    """Raises ConfigError unless both secrets are set, or the settings say that it may be insecure."""
    missing = [name for name in ("basic_password", "webhook_secret") if not getattr(settings, name).get_secret_value()]
    if missing and not settings.insecure:
        raise ConfigError(
            f"LabelCue does not serve without secrets: {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} "
            "not set.",
            "Run `labelcue init`, which makes them; `--insecure` serves without, for trials on this machine alone.",
        )


class Guard:
    """Checks the headers of a request. Every method raises NotAuthorised where they are not good enough."""

    def __init__(self, settings: Settings, renewals: Callable[[int], int] = lambda _project: 0) -> None:
        """`renewals`: how often a project's webhook got a new secret."""
        password = settings.basic_password.get_secret_value()
        self._basic = _digests(f"{settings.basic_user}:{password}" if password else "")
        self._root = settings.webhook_secret.get_secret_value()
        self._secret = _digests(self._root)
        # A plugin whose file an earlier LabelCue wrote has the service's own secret.
        self._roots = [root for root in (settings.plugin_secret.get_secret_value(), self._root) if root]
        self._insecure = settings.insecure
        self._renewals = renewals

    def backend(self, headers: Headers) -> None:
        """Label Studio's calls of an ML backend: HTTP Basic."""
        self._admit(bool(self._basic), self._by_basic(headers), "HTTP Basic with the service's user and password")

    def webhook(self, headers: Headers) -> int | None:
        """Webhooks: the header with a project's secret; the project alone of which it may tell, None for all.

        Of all tell HTTP Basic, with which 'Start Training' comes, and the service's own secret, which the webhooks of
        an earlier LabelCue carry until `connect` runs again.
        """
        wanted = f"the header {HEADER} (`labelcue connect` sets it)"
        given = headers.get(HEADER, "")
        everything = self._by_basic(headers) | _same(_bytes(given), self._secret)
        project = keys.project_of(given)
        if everything or project is None or not self._root:
            self._admit(bool(self._secret or self._basic), everything, wanted)
            return None
        right = _digests(keys.webhook(self._root, project, self._renewals(project)))
        self._admit(True, _same(_bytes(given), right), wanted)
        return project

    def api(self, headers: Headers, project: int | None = None) -> None:
        """The REST API: HTTP Basic, the service's own secret as Bearer, or, for one project, the project's."""
        given = _after("bearer", headers)
        admitted = self._by_basic(headers) | _same(given, self._secret)
        if project is not None:
            admitted |= _same(given, tuple(one for root in self._roots for one in _digests(keys.bearer(root, project))))
        self._admit(bool(self._secret or self._basic), admitted, "HTTP Basic, or Bearer with a secret that opens this")

    def _by_basic(self, headers: Headers) -> bool:
        try:
            pair = base64.b64decode(_after("basic", headers), validate=True)
        except (binascii.Error, ValueError):
            return False
        return _same(pair, self._basic)

    def _admit(self, guarded: bool, admitted: bool, wanted: str) -> None:
        if admitted or (self._insecure and not guarded):
            return
        raise NotAuthorised("The secret is missing or wrong.", f"Send {wanted}.")


def _digests(secret: str) -> tuple[bytes, ...]:
    """The secret as clients may send it: UTF-8, or Latin-1 as older ones do; none for no secret."""
    if not secret:
        return ()
    spellings = {secret.encode("utf-8", "surrogatepass")}
    if all(ord(letter) < 256 for letter in secret):
        spellings.add(secret.encode("latin-1"))
    return tuple(hashlib.sha256(one).digest() for one in sorted(spellings))


def _same(given: bytes, digests: tuple[bytes, ...]) -> bool:
    digest = hashlib.sha256(given).digest()
    found = False
    for known in digests:
        found |= hmac.compare_digest(digest, known)
    return found and bool(given)


def _after(scheme: str, headers: Headers) -> bytes:
    """What follows the scheme in the Authorization header, b"" where there is another one, or none."""
    named, _, value = headers.get("Authorization", "").strip().partition(" ")
    return _bytes(value.strip()) if named.lower() == scheme else b""


def _bytes(header: str) -> bytes:
    """The bytes that came over the wire: WSGI hands headers over as Latin-1."""
    return header.encode("latin-1", "backslashreplace")
