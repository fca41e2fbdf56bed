"""What is LabelCue's in a project of Label Studio, how it must look, and how it is told from other people's. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from labelcue import keys
from labelcue.errors import ConfigError
from labelcue.settings import Settings

TITLE = "LabelCue"
"""The backend's title. Never a model version: the two are compared by 'Uncertainty sampling'."""
SAMPLING = "Uncertainty sampling"
SECRET_HEADER = "LabelCue-Secret"  # noqa: S105  the header's name, not its value
ACTIONS = (
    "ANNOTATIONS_CREATED",
    "ANNOTATIONS_DELETED",
    "ANNOTATION_CREATED",
    "ANNOTATION_UPDATED",
    "PROJECT_UPDATED",
    "TASKS_CREATED",
    "TASKS_DELETED",
)
"""What our webhook hears. Label Studio allows PROJECT_DELETED to whole organizations alone; reconcile notices that."""
KEPT_OF_WEBHOOK = ("url", "headers", "send_payload", "send_for_all_actions", "is_active", "actions")
KEPT_OF_BACKEND = ("url", "title", "auth_method", "basic_auth_user", "is_interactive")
_OURS = re.compile(r"cue-(queue-)?\d+")
_FRONTIER = re.compile(r"cue-queue-(\d+)")


def service_url(settings: Settings) -> str:
    """The address by which Label Studio calls us; raises ConfigError where none can be named or secrets are missing."""
    if not settings.url and (settings.port == 0 or settings.host in ("0.0.0.0", "::", "")):  # noqa: S104
        raise ConfigError(
            f"Label Studio cannot call the service at {settings.base_url}.",
            "Say with --url (LABELCUE_URL) under which address Label Studio reaches it.",
        )
    if not settings.insecure and not (settings.basic_password.get_secret_value() and _secret(settings)):
        raise ConfigError("The service has no secrets yet.", "Run `labelcue init`, then `labelcue serve`.")
    return settings.base_url


def webhook_url(service: str) -> str:
    """Where webhooks go. It is the very address that Label Studio makes of the backend's: it then adds none itself."""
    return service.rstrip("/") + "/webhook"


def wanted_webhook(settings: Settings, project: int, renewals: int) -> dict[str, Any]:
    """Our webhook as it must be, with the project's own secret."""
    root = _secret(settings)
    return {
        "url": webhook_url(settings.base_url),
        "headers": {SECRET_HEADER: keys.webhook(root, project, renewals)} if root else {},
        "send_payload": True,
        "send_for_all_actions": False,
        "is_active": True,
        "actions": list(ACTIONS),
    }


def wanted_backend(settings: Settings) -> dict[str, Any]:
    """Our backend as it must be, without the password, which Label Studio never shows."""
    secured = bool(settings.basic_password.get_secret_value())
    return {
        "url": settings.base_url,
        "title": TITLE,
        "auth_method": "BASIC_AUTH" if secured else "NONE",
        "basic_auth_user": settings.basic_user if secured else "",
        "is_interactive": False,
    }


def password(settings: Settings) -> dict[str, str]:
    """The field that sets the backend's password; empty where there is none."""
    value = settings.basic_password.get_secret_value()
    return {"basic_auth_pass": value} if value else {}


def differs(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether anything that we want stands otherwise; the order of actions does not count."""
    return any(_plain(found.get(name)) != _plain(value) for name, value in wanted.items())


def is_ours(webhook: Mapping[str, Any]) -> bool:
    """Whether a webhook carries our secret's header; those that Label Studio adds by itself carry none."""
    return any(name.lower() == SECRET_HEADER.lower() for name in webhook.get("headers") or {})


def tells_all(webhook: Mapping[str, Any], settings: Settings) -> bool:
    """Whether a webhook carries the service's own secret, as an earlier LabelCue made them."""
    return _secret(settings) != "" and _secret(settings) in (webhook.get("headers") or {}).values()


def is_our_version(version: str | None) -> bool:
    """Whether a model version is of LabelCue's making, or none at all."""
    return not version or version == TITLE or bool(_OURS.fullmatch(version))


def is_frontier(version: str | None) -> bool:
    """Whether a model version is one of the queue's."""
    return bool(_FRONTIER.fullmatch(version or ""))


def newest_frontier(versions: Mapping[str, int]) -> str:
    """The queue's latest version that has predictions; empty where there is none."""
    numbers = [int(match[1]) for name, held in versions.items() if held and (match := _FRONTIER.fullmatch(name))]
    return f"cue-queue-{max(numbers)}" if numbers else ""


def _secret(settings: Settings) -> str:
    return settings.webhook_secret.get_secret_value()


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value or ""
