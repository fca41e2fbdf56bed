"""Asking our own service, as a client of it."""

from __future__ import annotations

import httpx

from labelcue.errors import ConfigError
from labelcue.settings import Settings

TIMEOUT = 5.0
"""Seconds; the service answers in milliseconds."""


def ask(settings: Settings, path: str) -> httpx.Response:
    """GET `path` (with a slash in front) of the service, as its own user; raises ConfigError where nothing answers.

    It is tried under the address that Label Studio uses, then on this machine: the former may be a name that only
    Label Studio's network knows.
    """
    secret = settings.basic_password.get_secret_value()
    auth = httpx.BasicAuth(settings.basic_user, secret) if secret else None
    for address in addresses(settings):
        try:
            return httpx.get(address + path, auth=auth, timeout=TIMEOUT)
        except (httpx.HTTPError, httpx.InvalidURL):
            continue
    raise ConfigError(
        f"The LabelCue service does not answer at {' nor at '.join(addresses(settings))}.",
        "Start it with `labelcue serve`, with the same settings as this command.",
    )


def addresses(settings: Settings) -> list[str]:
    """Where the service may be found from here, the public address first."""
    local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104
    return list(dict.fromkeys([settings.base_url, f"http://{local}:{settings.port}"]))


def require_service(settings: Settings) -> None:
    """Raises ConfigError unless the service is up and has the secrets of these settings."""
    health = ask(settings, "/health")
    if not health.is_success:
        raise ConfigError(
            f"What answers at {health.url} is not a healthy LabelCue service ({health.status_code}).",
            "Look into its log, or start it with `labelcue serve`; another program may have the port.",
        )
    if ask(settings, "/versions").status_code == 401:
        raise ConfigError(
            "The service runs with other secrets than these settings name.",
            "Use the same --home for `labelcue serve` and this command, or start the service again.",
        )
