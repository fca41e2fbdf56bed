"""The Django app: at start it looks at Label Studio's functions, and takes the place of some where it knows them."""

from __future__ import annotations

from django.apps import AppConfig


class LabelCueConfig(AppConfig):
    """Label Studio runs stock wherever anything here is not as it must be."""

    name = "labelcue_plugin"
    verbose_name = "LabelCue"

    def ready(self) -> None:
        """Runs once a process, after all models are loaded."""
        from labelcue_plugin.activation import activate

        activate()
