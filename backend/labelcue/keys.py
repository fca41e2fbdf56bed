"""The secrets of single projects, made of the service's own: what leaks of one project opens no other.

Each is HMAC-SHA-256 (RFC 2104) in hex, under one of the service's secrets, of what it is for and the project's number.
So nothing more has to be kept or handed over, and nobody can make one of the others, or the service's secret, from it.
The plugin makes its own in the same way (`plugin/labelcue_plugin/configuration.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import re

_WEBHOOK = re.compile(r"([1-9][0-9]{0,18})\.[0-9a-f]{64}")


def bearer(secret: str, project: int) -> str:
    """What opens the REST API of one project, and nothing else."""
    return _made(secret, f"labelcue project {project}")


def webhook(secret: str, project: int, renewals: int) -> str:
    """What opens /webhook for what happens in one project, its number in front; another one after each renewal.

    Label Studio shows a webhook's headers to everybody who may look at the project's settings.
    """
    return f"{project}.{_made(secret, f'labelcue webhook {project} {renewals}')}"


def project_of(given: str) -> int | None:
    """The project for which this claims to be a webhook's secret, None where it is nothing of the kind."""
    match = _WEBHOOK.fullmatch(given)
    return int(match[1]) if match else None


def _made(secret: str, purpose: str) -> str:
    return hmac.new(secret.encode("utf-8", "surrogatepass"), purpose.encode(), hashlib.sha256).hexdigest()
