"""Where alarms are sent: the addresses that the operator wrote into the settings, and no other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import httpx

from labelcue.errors import ConfigError
from labelcue.settings import Settings

MOST = 8
"""Each address has a thread of its own."""


@dataclass(frozen=True, slots=True)
class Address:
    """One receiver. Its whole URL is a secret: chat services put their password into the path."""

    url: str = field(repr=False)

    @property
    def key(self) -> str:
        """Names it in files without telling it."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    @property
    def shown(self) -> str:
        """Scheme, host and port, for people and logs."""
        parsed = httpx.URL(self.url)
        host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
        return f"{parsed.scheme}://{host}{f':{parsed.port}' if parsed.port else ''}"


def addresses(settings: Settings) -> tuple[Address, ...]:
    """The receivers, each once, in their order. Raises ConfigError that names the place, never the URL."""
    given = list(dict.fromkeys(settings.alarm_urls.get_secret_value().split()))
    if len(given) > MOST:
        raise ConfigError(
            f"The setting 'alarm_urls' has {len(given)} addresses; {MOST} are the most.",
            "Let one receiver pass alarms on to the others.",
        )
    for place, url in enumerate(given, 1):
        _check(place, url)
    return tuple(Address(url) for url in given)


def _check(place: int, url: str) -> None:
    try:
        parsed = httpx.URL(url)
        good = parsed.scheme in ("http", "https") and bool(parsed.host)
    except httpx.InvalidURL:
        good = False
    if not good:
        raise ConfigError(
            f"Address {place} of the setting 'alarm_urls' is no web address.",
            "Write addresses as https://host/path, with a space between two.",
        )
