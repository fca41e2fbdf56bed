"""Where admins change a project's settings: everything that they want is checked against the project first."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from labelcue.errors import BadRequest, NotFound, StoreError
from labelcue.labels import LabelKind
from labelcue.queueing.catalogue import Catalogue
from labelcue.queueing.checks import check_choice, check_classes, check_kind, check_opinions, check_slices
from labelcue.queueing.history import History, Version, base_of, named
from labelcue.queueing.settings import QueueSettings, read_settings
from labelcue.settings import Settings
from labelcue.store.base import Ledger
from labelcue.store.connection import Connection
from labelcue.store.facets import read_facets
from labelcue.store.layout import Home
from labelcue.store.snapshot import Snapshot
from labelcue.store.snapshot_file import read_snapshot
from labelcue.types import Event, Kind

if TYPE_CHECKING:
    from labelcue.labelstudio.way import Way


ANSWER_S = 3.0
"""How long Label Studio may take to say how it serves."""


class Audits(NamedTuple):
    """Tasks that measure the model, as the latest round knows them."""

    labelled: int
    """Held out of training."""
    waiting: int
    """In the queue, or at an annotator."""


class Desk:
    """One project's settings, for one request. Whatever is refused changes nothing."""

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        project: int,
        catalogue: Callable[[], Catalogue],
        history: History | None = None,
        way: Callable[[Connection], Way] | None = None,
        snapshot: Callable[[], Snapshot | None] | None = None,
    ) -> None:
        """Raises NotFound unless the project is connected. `history` may be one that was read before; `way` says how
        the queue is served, else Label Studio is asked where that matters; `snapshot` gives the published round, which
        is read anew where it is None."""
        self.project = project
        self._home = Home(settings.home)
        self._ledger = ledger
        self._make_catalogue = catalogue
        self._history = history or History(project)
        path = self._home.connection(project)
        if not path.is_file():
            raise NotFound(
                f"Project {project} is not connected.", f"Run `labelcue connect URL --project {project}` first."
            )
        self._connection = Connection.load(path)
        self._base = base_of(settings, self._connection)
        self._way = way or ask_way
        self._published = snapshot or self._read

    @property
    def versions(self) -> list[Version]:
        """Every version, number 0 first. Raises StoreError."""
        return self._history.versions(self._ledger, self._base)

    @property
    def current(self) -> Version:
        """The version that stands."""
        return self.versions[-1]

    @cached_property
    def catalogue(self) -> Catalogue:
        """What can be chosen. Raises NotFound before the learner's first start, StoreError."""
        return self._make_catalogue()

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """The published round; None before the first one. Raises StoreError."""
        return self._published()

    @property
    def kind(self) -> LabelKind | None:
        """What the project's labels are; None where there is no round that can be read."""
        try:
            return self.snapshot.labels_are if self.snapshot is not None else None
        except StoreError:
            return None

    def wish(self, wanted: Mapping[str, Any], base: QueueSettings) -> QueueSettings:
        """`base` with the fields of `wanted`, checked. Another strategy starts from its own defaults.

        Raises WrongSetting that names field, reason and remedy.
        """
        fresh = "strategy" in wanted and "params" not in wanted and wanted["strategy"] != base.strategy
        settings = read_settings({**wanted, "params": {}} if fresh else wanted, base)
        self.check(settings)
        return settings

    def check(self, settings: QueueSettings) -> None:
        """Raises WrongSetting where the project, or the learner, lacks what these settings name."""
        check_choice(settings, self.catalogue)
        stands = self.current.settings
        if self.kind is not None:
            check_kind(settings, stands, self.catalogue, self.kind)
        if settings.second_opinions > stands.second_opinions:
            check_opinions(lambda: self._way(self._connection))
        if settings.classes:
            check_classes(settings, self._round().classes)
        check_slices(settings, *read_facets(self._home.facets(self.project)))

    def save(self, wanted: Mapping[str, Any], *, if_version: int, by: str) -> Version:
        """Save these fields on top of what stands. Raises WrongSetting, Conflict, BadRequest, StoreError."""
        settings = self.wish(wanted, self.current.settings)
        return self._history.save(self._ledger, self._base, settings, if_version=if_version, by=by)

    def back(self, version: int, *, if_version: int, by: str) -> Version:
        """Save the settings of an earlier version anew. Raises NotFound, WrongSetting, Conflict, StoreError."""
        versions = self.versions
        if not 0 <= version < len(versions):
            raise NotFound(f"There is no version {version} of the settings.", f"The last one is {versions[-1].number}.")
        if version == versions[-1].number:
            raise BadRequest(f"Version {version} stands already.", "Name an earlier one.")
        settings = versions[version].settings
        self.check(settings)
        return self._history.save(self._ledger, self._base, settings, if_version=if_version, by=by, back_to=version)

    def audits(self) -> Audits:
        """How many there are. Raises NotFound before the first round, StoreError."""
        snapshot = self._round()
        return Audits(snapshot.held_out, max(0, len(snapshot.audits) - snapshot.held_out))

    def retire(self, *, by: str) -> int:
        """Let the model learn from all audits of so far: how many are labelled. Raises NotFound, StoreError."""
        labelled = self.audits().labelled
        name = named(by)
        self._ledger.append([Event(self.project, Kind.RETIRE, f"retire:{uuid.uuid4().hex}", {"by": name})])
        return labelled

    def _round(self) -> Snapshot:
        """The published round. Raises NotFound before the first one."""
        return self.snapshot or read_snapshot(self._home.snapshot(self.project))

    def _read(self) -> Snapshot | None:
        with suppress(NotFound):
            return read_snapshot(self._home.snapshot(self.project))
        return None


def ask_way(connection: Connection) -> Way:
    """How the project's queue reaches annotators, by Label Studio itself. Raises LabelStudioError and its kinds."""
    from labelcue.labelstudio.client import LabelStudio
    from labelcue.labelstudio.way import way_of

    token = connection.token.get_secret_value()
    with closing(LabelStudio(connection.url, token, timeout=ANSWER_S, wait=lambda _seconds: None)) as ls:
        return way_of(ls, connection.project)
