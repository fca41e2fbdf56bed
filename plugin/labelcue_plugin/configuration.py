"""Where LabelCue is, and the secret for it: from Label Studio's environment alone."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

URL = "LABELCUE_URL"
SECRET_FILE = "LABELCUE_SECRET_FILE"  # noqa: S105 - a variable's name
"""A file, so that the secret shows up in no list of processes and no image."""
WAIT = "LABELCUE_WAIT_S"
WAIT_S = 0.3
"""How much longer an annotator may wait than without this plugin, all calls together."""
SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.05, 60.0


class Unconfigured(Exception):
    """The environment does not say what is needed; the message is the remedy."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """LabelCue's address without a slash at the end, the secret of which each project's is made, and the patience."""

    url: str
    secret: str = field(repr=False)
    wait_s: float = WAIT_S
    """How long an annotator's request waits for LabelCue, in seconds, all calls together."""

    def bearer(self, project: int) -> str:
        """The secret that LabelCue takes for this project alone: HMAC-SHA-256 of its number, in hex."""
        return hmac.new(self.secret.encode(), f"labelcue project {project}".encode(), hashlib.sha256).hexdigest()


def read_configuration(environment: Mapping[str, str]) -> Configuration:
    """What the environment says. Raises Unconfigured."""
    url = environment.get(URL, "").strip().rstrip("/")
    named = environment.get(SECRET_FILE, "").strip()
    if not url or not named:
        raise Unconfigured(f"Set {URL} (LabelCue's address) and {SECRET_FILE} (the file plugin.secret of its home).")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise Unconfigured(f"{URL} is no address: write it as http://host:port.")
    return Configuration(url, _secret(Path(named).expanduser()), _wait(environment.get(WAIT, "").strip()))


def _wait(said: str) -> float:
    try:
        seconds = float(said) if said else WAIT_S
    except ValueError:
        seconds = 0.0
    if not SHORTEST_WAIT_S <= seconds <= LONGEST_WAIT_S:  # nor is NaN
        raise Unconfigured(f"{WAIT} is no number of seconds from {SHORTEST_WAIT_S} to {LONGEST_WAIT_S:.0f}: mend it.")
    return seconds


def _secret(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise Unconfigured(f"{SECRET_FILE} cannot be read ({why}): let Label Studio's user read {path}.") from error
    if not secret or not secret.isascii() or not secret.isprintable() or len(secret) > 500:
        raise Unconfigured(f"{SECRET_FILE} holds no secret: copy the file plugin.secret of LabelCue's home to {path}.")
    return secret
