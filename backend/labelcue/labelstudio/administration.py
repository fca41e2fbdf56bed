"""The client's requests about webhooks and machine-learning backends; use them through `client.LabelStudio`."""

from __future__ import annotations

from typing import Any

from labelcue.labelstudio.transport import Object, Transport

BULK_TIMEOUT = 600.0
"""Seconds; imports, training and actions on whole projects run inside Label Studio's request."""


class Administration:
    """Webhooks and backends of one Label Studio; errors as in `client.LabelStudio`."""

    _wire: Transport

    # Webhooks

    def webhooks(self, project: int) -> list[Object]:
        """The project's webhooks with their headers."""
        return self._wire.fetch_all("api/webhooks/", {"project": project})

    def create_webhook(self, project: int, url: str, **fields: Any) -> Object:
        """A new webhook of the project."""
        return self._wire.fetch("POST", "api/webhooks/", body={"project": project, "url": url, **fields})

    def update_webhook(self, webhook: int, **fields: Any) -> Object:
        """Change a webhook. Label Studio clears its `actions` where they are not given again."""
        return self._wire.fetch("PATCH", f"api/webhooks/{webhook}/", body=fields)

    def delete_webhook(self, webhook: int) -> bool:
        """Delete a webhook; False where it was gone already."""
        return self._wire.remove(f"api/webhooks/{webhook}/")

    # Machine-learning backends

    def backends(self, project: int) -> list[Object]:
        """The project's backends; Label Studio asks each for its health first."""
        return self._wire.fetch_all("api/ml/", {"project": project})

    def create_backend(self, project: int, url: str, **fields: Any) -> Object:
        """A new backend; Label Studio calls its /health and /setup, adds a webhook and sets the model_version."""
        return self._wire.fetch("POST", "api/ml/", body={"project": project, "url": url, **fields})

    def update_backend(self, backend: int, **fields: Any) -> Object:
        """Change a backend; `project`, `url` and the authentication are needed each time."""
        return self._wire.fetch("PATCH", f"api/ml/{backend}", body=fields)

    def delete_backend(self, backend: int) -> bool:
        """Delete a backend; False where it was gone already."""
        return self._wire.remove(f"api/ml/{backend}")

    def train_backend(self, backend: int) -> None:
        """Press 'Start Training'."""
        self._wire.send("POST", f"api/ml/{backend}/train", body={}, timeout=BULK_TIMEOUT)
