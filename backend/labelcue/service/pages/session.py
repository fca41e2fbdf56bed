"""Who is looking at the pages: a signed cookie with an end, one token for its forms, one-time codes for the way in."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import timedelta

from flask import Flask, session
from itsdangerous import BadData, URLSafeTimedSerializer

from labelcue.errors import BadRequest, NotAuthorised
from labelcue.settings import Settings

HOURS = 12
"""How long a login holds, whatever is done with it."""
CODE_S = 600
"""Seconds in which a one-time code is taken."""
TRIES = 10
"""Wrong passwords from one address in `TRIES_S` seconds; after these none is looked at for a while."""
TRIES_S = 60.0
LONGEST_NAME = 80
_ADDRESSES = 1000
_SALT = "labelcue one-time login"


def key_of(settings: Settings) -> bytes:
    """What cookies and codes are signed with: made of the secrets, so that new secrets end every login.

    Without secrets it is drawn anew at each start.
    """
    known = [getattr(settings, name).get_secret_value() for name in ("basic_password", "webhook_secret")]
    if not any(known):
        return secrets.token_bytes(32)
    return hmac.new("\0".join(known).encode(), b"labelcue pages", hashlib.sha256).digest()


def new_code(settings: Settings) -> str:
    """A code that lets its bearer in once, within `CODE_S` seconds."""
    return URLSafeTimedSerializer(key_of(settings), salt=_SALT).dumps(secrets.token_urlsafe(12))


class Door:
    """Lets people in by the service's password or a one-time code. Thread-safe."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._password = settings.basic_password.get_secret_value()
        self._key = key_of(settings)
        self._codes = URLSafeTimedSerializer(self._key, salt=_SALT)
        self._secure = settings.base_url.startswith("https:")
        self._clock = clock
        self._lock = threading.Lock()
        self._used: OrderedDict[str, None] = OrderedDict()
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    @property
    def open(self) -> bool:
        """Whether there is no password: the service runs insecure."""
        return not self._password

    def fit(self, app: Flask) -> None:
        """Give the app its session cookie: signed, unseen by scripts, never sent from other sites."""
        app.secret_key = self._key
        app.config.update(
            # Cookies know no ports: two services on one host keep apart by name.
            SESSION_COOKIE_NAME=f"labelcue-{hashlib.sha256(self._key).hexdigest()[:8]}",
            SESSION_COOKIE_HTTPONLY=True,
            SESSION_COOKIE_SAMESITE="Strict",
            SESSION_COOKIE_SECURE=self._secure,
            SESSION_REFRESH_EACH_REQUEST=False,
            PERMANENT_SESSION_LIFETIME=timedelta(hours=HOURS),
        )

    def enter(self, name: str, secret: str, address: str) -> None:
        """Begin a session for `name`. Raises NotAuthorised, BadRequest."""
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME:
            raise BadRequest(f"Your name is missing or longer than {LONGEST_NAME} letters.", "Say who you are.")
        if not self.open:
            self._check(secret, address)
        session.clear()
        session.permanent = True
        session.update(name=name, csrf=secrets.token_urlsafe(24), until=self._clock() + HOURS * 3600)

    def name(self) -> str:
        """Who is logged in, empty for nobody."""
        return str(session["name"]) if session.get("until", 0) > self._clock() else ""

    def token(self) -> str:
        """What every form of this session carries."""
        if "csrf" not in session:
            session["csrf"] = secrets.token_urlsafe(24)
        return str(session["csrf"])

    def check_token(self, given: str) -> None:
        """Raises BadRequest unless the form came from our own page of this session."""
        if not hmac.compare_digest(given.encode(), str(session.get("csrf", "")).encode()) or not given:
            raise BadRequest(
                "This form does not belong to your present login.", "Go back, reload the page and send it again."
            )

    def _check(self, secret: str, address: str) -> None:
        with self._lock:
            wrong = self._wrong.setdefault(address, deque(maxlen=TRIES))
            if len(wrong) == TRIES and 0 <= self._clock() - wrong[0] < TRIES_S:
                raise NotAuthorised("Too many wrong passwords.", f"Wait {TRIES_S:.0f} seconds and try again.")
            if self._fits(secret.strip()):
                del self._wrong[address]
                return
            wrong.append(self._clock())
            if len(self._wrong) > _ADDRESSES:
                self._wrong.popitem(last=False)
        raise NotAuthorised(
            "That is not the service's password, and no code that is still good.",
            "The password is `basic_password` in labelcue.toml; `labelcue pages` prints a link that logs you in.",
        )

    def _fits(self, secret: str) -> bool:
        digests = (hashlib.sha256(one.encode("utf-8", "replace")).digest() for one in (secret, self._password))
        if hmac.compare_digest(*digests):
            return True
        try:
            nonce = str(self._codes.loads(secret, max_age=CODE_S))
        except BadData:
            return False
        fresh = nonce not in self._used
        self._used[nonce] = None
        if len(self._used) > _ADDRESSES:
            self._used.popitem(last=False)
        return fresh
