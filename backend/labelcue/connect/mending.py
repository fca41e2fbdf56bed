"""What `connect` does to a project in Label Studio: each thing is looked at, and changed only where it must be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from labelcue.connect import notes, ours
from labelcue.errors import ConfigError, LabelStudioError, LabelStudioRefused
from labelcue.labelstudio.client import LabelStudio
from labelcue.settings import Settings
from labelcue.store.connection import Connection
from labelcue.store.layout import Home


@dataclass
class Mending:
    """One run: looks at each thing, changes what is not as it must be, notes beforehand how it was."""

    ls: LabelStudio
    home: Home
    settings: Settings
    connection: Connection
    on_step: Callable[[str], None]
    fresh: bool
    """True where nothing was known of an earlier connect: what stands at our address is somebody's own."""
    changes: int = 0
    _hooks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def number(self) -> int:
        """The project's number."""
        return self.connection.project

    def webhook(self) -> None:
        """Ours first: where it stands, Label Studio adds no webhook of its own for the backend."""
        wanted = ours.wanted_webhook(self.settings, self.number, self.connection.renewals)
        self._hooks = self.ls.webhooks(self.number)
        mine = self._my_webhook(wanted["url"])
        if mine is None:
            self._change("Made the webhook with its secret")
            with explained(wanted["url"]):
                mine = self.ls.create_webhook(self.number, **wanted)
        elif ours.differs(mine, wanted):
            self._change("Mended the webhook")
            with explained(wanted["url"]):
                mine = self.ls.update_webhook(int(mine["id"]), **wanted)
        self._learn(webhook_id=int(mine["id"]))

    def backend(self) -> None:
        """Ours, connected and with its password."""
        wanted = ours.wanted_backend(self.settings)
        backends = self.ls.backends(self.number)
        mine = next((one for one in backends if one["id"] == self.connection.backend_id), None)
        mine = mine or next((one for one in backends if str(one["url"]).rstrip("/") == wanted["url"]), None)
        secured = ours.password(self.settings)
        if mine is None:
            self._change("Made the machine-learning backend")
            with explained(wanted["url"]):
                mine = self.ls.create_backend(self.number, **wanted, **secured)
        elif (
            ours.differs(mine, wanted) or mine.get("state") != "CO" or (secured and not mine["basic_auth_pass_is_set"])
        ):
            if self.fresh and mine.get("title") != ours.TITLE:
                self._keep("backends", mine, ours.KEPT_OF_BACKEND)
            self._change("Mended the machine-learning backend")
            with explained(wanted["url"]):
                mine = self.ls.update_backend(int(mine["id"]), project=self.number, **wanted, **secured)
        self._learn(backend_id=int(mine["id"]))

    def strays(self) -> None:
        """Webhooks to us besides ours: they carry no secret, so we refuse all that they send."""
        known = {hook["id"] for hook in self._hooks}
        url = ours.webhook_url(self.settings.base_url)
        for hook in self.ls.webhooks(self.number):
            if hook["url"] != url or hook["id"] == self.connection.webhook_id:
                continue
            kept = str(hook["id"]) in self.connection.before.get("webhooks", {})
            if ours.is_ours(hook) or not (kept or (self.fresh and hook["id"] in known)):
                self._change("Deleted a webhook to us that has no valid secret")
                self.ls.delete_webhook(int(hook["id"]))
            elif hook["is_active"]:
                self._keep("webhooks", hook, ours.KEPT_OF_WEBHOOK)
                self._change("Switched off an older webhook to us that has no secret")
                self.ls.update_webhook(int(hook["id"]), is_active=False, actions=hook["actions"])

    def project(self) -> None:
        """Sampling by score, and a model version whose scores are the queue's: creating a backend sets its title."""
        found = self.ls.project(self.number)
        versions = self.ls.model_versions(self.number)
        current = found.get("model_version")
        fields: dict[str, Any] = {}
        if found.get("sampling") != ours.SAMPLING:
            fields["sampling"] = ours.SAMPLING
        live = ours.is_frontier(current) and versions.get(str(current), 0) > 0
        wanted = current if live else ours.newest_frontier(versions)
        if (current or "") != wanted:
            fields["model_version"] = wanted
        if fields:
            said = ", ".join(f"{name} = {value!r}" for name, value in fields.items())
            self._change(f"Set the project's {said}")
            self.ls.update_project(self.number, **fields)

    def _my_webhook(self, url: str) -> dict[str, Any] | None:
        mine = (hook for hook in self._hooks if hook["id"] == self.connection.webhook_id)
        marked = (hook for hook in self._hooks if hook["url"] == url and ours.is_ours(hook))
        return next(mine, None) or next(marked, None)

    def _keep(self, what: str, thing: dict[str, Any], names: tuple[str, ...]) -> None:
        """Note how somebody else's thing was, the first time that we change it."""
        before = self.connection.before
        noted = {str(thing["id"]): {name: thing.get(name) for name in names}, **before.get(what, {})}
        self._learn(before={**before, what: noted})

    def _change(self, words: str) -> None:
        """Say what is about to be done, and note what is known so far."""
        self.changes += 1
        self.on_step(words)
        self.connection.save(notes.pending_path(self.home, self.number))

    def _learn(self, **fields: Any) -> None:
        self.connection = self.connection.model_copy(update=fields)


@contextmanager
def explained(url: str) -> Iterator[None]:
    """Turns Label Studio's refusal of our address into an error with a remedy."""
    try:
        yield
    except LabelStudioError as error:
        if isinstance(error, LabelStudioRefused) or error.remedy:
            raise
        words = re.sub(r"<[^>]*>", "", error.message)
        if "valid URL" in words:
            raise ConfigError(
                f"Label Studio takes {url} for no address.",
                "It wants an IP address, localhost or a name with a dot: give the service's container such an alias, "
                "as labelcue.internal, and name it with --url.",
            ) from error
        raise LabelStudioError(
            words, f"Label Studio must reach the service at {url}: set --url to an address that it can call."
        ) from error
