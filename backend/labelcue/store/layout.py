"""Where everything lies under the home folder.

home/ledger.sqlite3
home/catalogue.json                     the strategies and surrogates that the learner has
home/alarms.json                        the alarms that stand, and what waits to be sent
home/media/                             files that stand behind tasks' addresses, kept by content
home/projects/<N>/connection.json       how to reach Label Studio; 0600
home/projects/<N>/round.safetensors     the latest snapshot: checkpoint and published queue
home/projects/<N>/head.json             the first places of its queue, by what was labelled since
home/projects/<N>/status.json           the learner's own words for status pages
home/projects/<N>/facets.json           the fields by which the pool can be sliced, and their values
home/projects/<N>/insights.json, .npz      what admins read, and the map of the pool
home/projects/<N>/vectors-<embedder>/   one vector file for each embedder, its large neighbour graph beside it
home/projects/<N>/vectors-<embedder>/crops/   another, of the boxes on the images
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

_UNSAFE = re.compile(r"[^a-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Home:
    """The home folder. It only names paths: nothing here reads, writes or creates any, save `projects`."""

    root: Path

    @property
    def ledger_path(self) -> Path:
        """The default ledger's file."""
        return self.root / "ledger.sqlite3"

    @property
    def catalogue(self) -> Path:
        """The file of what the learner can queue by."""
        return self.root / "catalogue.json"

    @property
    def alarms(self) -> Path:
        """The file of the alarms that stand, and of what waits to be sent."""
        return self.root / "alarms.json"

    @property
    def media(self) -> Path:
        """The folder of what was fetched; it may be deleted at any time."""
        return self.root / "media"

    def project(self, number: int) -> Path:
        """The folder of one project."""
        return self.root / "projects" / str(int(number))

    def connection(self, number: int) -> Path:
        """The file of the project's `Connection`."""
        return self.project(number) / "connection.json"

    def snapshot(self, number: int) -> Path:
        """The file of the project's latest `Snapshot`."""
        return self.project(number) / "round.safetensors"

    def head(self, number: int) -> Path:
        """The file of the `Head` that stands before the order of that snapshot."""
        return self.project(number) / "head.json"

    def status(self, number: int) -> Path:
        """The file of the learner's status."""
        return self.project(number) / "status.json"

    def facets(self, number: int) -> Path:
        """The file of the fields by which the project's tasks can be sliced."""
        return self.project(number) / "facets.json"

    def insights(self, number: int) -> Path:
        """The file of what admins read of the project."""
        return self.project(number) / "insights.json"

    def insights_map(self, number: int) -> Path:
        """The file of the map of its pool."""
        return self.project(number) / "insights.npz"

    def vectors(self, number: int, embedder: str) -> Path:
        """The folder of the project's vectors made by one embedder."""
        return self.project(number) / f"vectors-{_slug(embedder)}"

    def projects(self) -> list[int]:
        """Every connected project, ascending."""
        found = self.root.glob("projects/*/connection.json")
        return sorted(int(path.parent.name) for path in found if path.parent.name.isdecimal())


def _slug(name: str) -> str:
    """A file name for any embedder's name. A digest keeps apart what would otherwise become the same."""
    slug = _UNSAFE.sub("-", name.lower())
    if slug == name and not slug.startswith("."):
        return slug
    return f"{slug.strip('.-')[:80]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
