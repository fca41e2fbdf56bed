"""The plugin in the demo's Label Studio, from a checkout: nothing is installed, its folder is put on the path."""

from __future__ import annotations

from pathlib import Path

import labelcue
from labelcue.settings import load_settings
from labelcue.setup import write_plugin_secret, write_secrets


def plugin_environment(home: Path, port: int) -> dict[str, str]:
    """The variables that switch it on, for a service on this port; {} where LabelCue runs without its sources."""
    folder = Path(labelcue.__file__).parents[2] / "plugin"
    if not (folder / "labelcue_plugin").is_dir():
        return {}
    write_secrets(load_settings({"home": home}))
    secret = write_plugin_secret(load_settings({"home": home}))
    return {
        "PYTHONPATH": str(folder),
        "DJANGO_SETTINGS_MODULE": "labelcue_plugin.settings",
        "LABELCUE_URL": f"http://127.0.0.1:{port}",
        "LABELCUE_SECRET_FILE": str(secret),
    }
