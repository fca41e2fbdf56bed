"""What was said of items, by id: labels, skips and leases. Nothing here knows a vector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, cast

import numpy as np

from labelcue.errors import BadRequest
from labelcue.pool.roster import ItemId
from labelcue.types import Floats, Label, UserId

Said: TypeAlias = Label | Mapping[UserId, Label]
"""One label, or each annotator's label."""


class Facts:
    """Labels by item and annotator, skipped items, leased items, and the classes."""

    def __init__(self, classes: Iterable[Label] | None) -> None:
        self.fixed = classes is not None
        """Whether classes were given; else they are learned from the labels."""
        self.classes: tuple[Label, ...] = tuple(dict.fromkeys(classes or ()))
        self.labels: dict[ItemId, dict[UserId | None, Label]] = {}
        self.skipped: set[ItemId] = set()
        self.leased: set[ItemId] = set()

    def set_classes(self, classes: Iterable[Label]) -> None:
        """Allow exactly these: known ones keep their order, new ones follow; labels of others do not count."""
        wanted = tuple(dict.fromkeys(classes))
        kept = tuple(label for label in self.classes if label in wanted)
        self.classes = kept + tuple(label for label in wanted if label not in kept)
        self.fixed = True

    def order_classes(self, like: tuple[Label, ...]) -> None:
        """Put the classes in the order of an earlier run; those that it did not know follow."""
        known = tuple(label for label in like if label in self.classes)
        self.classes = known + tuple(label for label in self.classes if label not in known)

    def label(self, said: Mapping[ItemId, Said]) -> None:
        """Replace all that was said of these items; a lease of theirs ends. Raises BadRequest, and changes nothing."""
        read = {item: _by_user(item, label) for item, label in said.items()}
        used = sorted({label for by_user in read.values() for label in by_user.values()})
        if self.fixed:
            for item, by_user in read.items():
                self._check(item, by_user)
        else:
            self.classes += tuple(label for label in used if label not in self.classes)
        self.labels.update(read)
        self.leased.difference_update(read)

    def forget(self, items: Iterable[ItemId]) -> None:
        """Drop everything about some items."""
        for item in items:
            self.labels.pop(item, None)
            self.skipped.discard(item)
            self.leased.discard(item)

    def labelled(self) -> list[ItemId]:
        """Items with a label of a present class, ascending."""
        present = set(self.classes)
        found = (item for item, by_user in self.labels.items() if not present.isdisjoint(by_user.values()))
        return cast(list[ItemId], sorted(cast(Iterable[Any], found)))

    def targets(self, items: Iterable[ItemId]) -> Floats:
        """(n, c) float32 share of each class among the labels of some labelled items; a row sums to 1."""
        index = {label: place for place, label in enumerate(self.classes)}
        rows = [[index[label] for label in self.labels[item].values() if label in index] for item in items]
        out = np.zeros((len(rows), len(index)), dtype=np.float32)
        for target, said in zip(out, rows, strict=True):
            np.add.at(target, said, np.float32(1 / len(said)))
        return out

    def as_json(self) -> dict[str, Any]:
        """All of it as plain lists."""
        return {
            "fixed": self.fixed,
            "classes": list(self.classes),
            "labels": [[item, list(by_user.items())] for item, by_user in self.labels.items()],
            "skipped": list(self.skipped),
            "leased": list(self.leased),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Facts:
        """The inverse of `as_json`."""
        facts = cls(body["classes"])
        facts.fixed = bool(body["fixed"])
        facts.labels = {item: dict(said) for item, said in body["labels"]}
        facts.skipped, facts.leased = set(body["skipped"]), set(body["leased"])
        return facts

    def _check(self, item: ItemId, by_user: Mapping[UserId | None, Label]) -> None:
        for label in by_user.values():
            if label not in self.classes:
                raise BadRequest(
                    f"The label {label!r} of item {item!r} is not among the classes {', '.join(self.classes)}.",
                    "Correct the label, or add it with set_classes.",
                )


def _by_user(item: ItemId, said: object) -> dict[UserId | None, Label]:
    by_user: dict[UserId | None, Any] = dict(said) if isinstance(said, Mapping) else {None: said}
    wrong = [label for label in by_user.values() if not isinstance(label, str) or not label]
    if wrong or not by_user:
        raise BadRequest(
            f"The label of item {item!r} is {(wrong or ['empty'])[0]!r}.", "Pass a string, or {annotator: string}."
        )
    return by_user
