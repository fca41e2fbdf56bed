"""`labelcue init`: the home folder and its secrets."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from labelcue.settings import FILE_NAME, Settings
from labelcue.store.atomic import replace_file

PLUGIN_SECRET = "plugin.secret"  # noqa: S105 - a file's name
"""In the home folder; the plugin reads it, or a copy, by LABELCUE_SECRET_FILE."""


def write_secrets(settings: Settings) -> tuple[Path, bool]:
    """The configuration file, and whether it was made now; a file that is there is kept as it is."""
    settings.home.mkdir(parents=True, exist_ok=True)
    path = settings.home / FILE_NAME
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path, False
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(
            "# Settings of LabelCue; `labelcue settings` explains every name.\n"
            f'basic_user = "{settings.basic_user}"\n'
            f'basic_password = "{secrets.token_urlsafe(24)}"\n'
            f'webhook_secret = "{secrets.token_urlsafe(24)}"\n'
            f'plugin_secret = "{secrets.token_urlsafe(24)}"\n'
        )
    return path, True


def write_plugin_secret(settings: Settings) -> Path:
    """The file with the one secret that the plugin inside Label Studio needs, for its owner's eyes; made anew."""
    path = settings.home / PLUGIN_SECRET
    # A home that an earlier LabelCue made has no secret for the plugin alone.
    secret = settings.plugin_secret.get_secret_value() or settings.webhook_secret.get_secret_value()
    replace_file(path, secret.encode())
    return path
