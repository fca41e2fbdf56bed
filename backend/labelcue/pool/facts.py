"""What was said of items, by id: labels, skips, leases, the admins' levers, another model's predictions. Nothing here
knows a vector."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, TypeAlias, cast

import numpy as np

from labelcue.errors import BadRequest
from labelcue.labels import LabelKind, kind_of, kinds
from labelcue.pool.hearsay import Hearsay
from labelcue.pool.levers import Levers
from labelcue.pool.roster import ItemId, Roster
from labelcue.types import Answer, Floats, Label, UserId

Said: TypeAlias = Answer | AbstractSet[Any] | Mapping[UserId, Answer]
"""One label, or each annotator's label."""


class Facts:
    """Labels by item and annotator, skipped items, leased items, and the classes."""

    def __init__(self, classes: Iterable[Label] | None, kind: LabelKind | None = None) -> None:
        self.kind = kind or kinds.create("class")
        self.fixed = classes is not None or bool(self.kind.own)
        """Whether classes were given; else they are learned from the labels."""
        self.classes: tuple[Label, ...] = _as_classes(classes or (), self.kind)
        self.labels: dict[ItemId, dict[UserId | None, Answer]] = {}
        self.skipped: set[ItemId] = set()
        self.leased: set[ItemId] = set()
        self.levers = Levers()
        self.heard = Hearsay()

    def set_classes(self, classes: Iterable[Label]) -> None:
        """Allow exactly these: known ones keep their order, new ones follow; labels of others do not count."""
        wanted = _as_classes(classes, self.kind)
        kept = tuple(label for label in self.classes if label in wanted)
        self.classes = kept + tuple(label for label in wanted if label not in kept)
        self.fixed = True

    def order_classes(self, like: tuple[Label, ...]) -> None:
        """Put the classes in the order of an earlier run; those that it did not know follow."""
        known = tuple(label for label in like if label in self.classes)
        self.classes = known + tuple(label for label in self.classes if label not in known)

    def label(self, said: Mapping[ItemId, Said], taker: str) -> None:
        """Replace all that was said of these items; a lease of theirs ends. Raises BadRequest, and changes nothing.

        `taker`: who reads the labels, for the message.
        """
        read = {item: _by_user(item, label, taker, self.kind) for item, label in said.items()}
        if self.fixed:
            for item, by_user in read.items():
                self._check(item, by_user)
        else:
            names = self.kind.names
            used = sorted({label for by_user in read.values() for one in by_user.values() for label in names(one)})
            self.classes += tuple(label for label in used if label not in self.classes)
        self.labels.update(read)
        self.leased.difference_update(read)

    def forget(self, items: Collection[ItemId]) -> None:
        """Drop everything about some items."""
        for item in items:
            self.labels.pop(item, None)
            self.skipped.discard(item)
            self.leased.discard(item)
            self.heard.forget(item)
        self.levers.forget(items)

    def come_back(self, items: Iterable[ItemId]) -> None:
        """Those of the items that nobody has now count as never served."""
        gone = self.labels.keys() | self.leased | self.skipped
        self.levers.unserve(item for item in items if item not in gone)

    @property
    def out(self) -> set[ItemId]:
        """Items that may not be served, for another reason than a label."""
        return self.leased | self.skipped | self.levers.held | self.levers.done | set(self.held_out())

    @property
    def pinned(self) -> list[ItemId]:
        """Items that come first, in this order."""
        gone = self.out | set(self.labelled()) if self.levers.pinned else set()
        return [item for item in self.levers.pinned if item not in gone]

    def known(self) -> list[ItemId]:
        """Every item that something was said of."""
        return list(self.labels.keys() | self.leased | self.skipped | self.levers.known() | self.heard.said.keys())

    def labelled(self) -> list[ItemId]:
        """Items with a label of a present class, ascending; without audits, which nobody learns from."""
        present, audits, counts = set(self.classes), set(self.levers.audited), self.kind.counts
        found = (item for item, said in self.labels.items() if counts(said.values(), present))
        return cast(list[ItemId], sorted(cast(Iterable[Any], (item for item in found if item not in audits))))

    def held_out(self) -> list[ItemId]:
        """Audits with a label of a present class."""
        present, labels, counts = set(self.classes), self.labels, self.kind.counts
        return [item for item in self.levers.audited if item in labels and counts(labels[item].values(), present)]

    def hearsay(self, roster: Roster) -> Floats | None:
        """(n, k) what another model says, in the order of the roster's rows, NaN where nothing; None for nothing."""
        return self.heard.table(roster, self.kind.columns(len(self.classes)))

    def targets(self, items: Iterable[ItemId]) -> Floats:
        """(n, r) float32 truth of some labelled items, as their kind makes it of what all annotators said."""
        return self.kind.targets([self.labels[item].values() for item in items], self.classes)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain lists, the same for the same facts."""
        pack = self.kind.pack
        packed = ([item, [(user, pack(one)) for user, one in said.items()]] for item, said in self.labels.items())
        heard = {"heard": sorted([cast(Any, item), row.tolist()] for item, row in self.heard.said.items())}
        return {
            **(heard if self.heard.said else {}),
            "kind": self.kind.as_json(),
            "fixed": self.fixed,
            "classes": list(self.classes),
            "labels": sorted(packed, key=lambda pair: cast(Any, pair[0])),
            "skipped": sorted(cast(Any, self.skipped)),
            "leased": sorted(cast(Any, self.leased)),
            "levers": self.levers.as_json(),
        }

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Facts:
        """The inverse of `as_json`."""
        facts = cls(body["classes"], kind_of(body.get("kind", {"name": "class"})))
        facts.fixed, unpack = bool(body["fixed"]), facts.kind.unpack
        facts.labels = {item: {user: unpack(one) for user, one in said} for item, said in body["labels"]}
        facts.skipped, facts.leased = set(body["skipped"]), set(body["leased"])
        facts.levers = Levers.from_json(body["levers"])
        facts.heard.said = {item: np.array(row, dtype=np.float32) for item, row in body.get("heard", ())}
        return facts

    def _check(self, item: ItemId, by_user: Mapping[UserId | None, Answer]) -> None:
        for answer in by_user.values():
            for label in self.kind.names(answer):
                if label in self.classes:
                    continue
                raise BadRequest(
                    f"The label {label!r} of item {item!r} is not among the classes {', '.join(self.classes)}.",
                    "Correct the label, or add it with set_classes.",
                )


def _by_user(item: ItemId, said: object, taker: str, kind: LabelKind) -> dict[UserId | None, Answer]:
    alone = kind.keyed and isinstance(said, Mapping) and all(isinstance(key, str) for key in said)
    by_user: dict[Any, Any] = dict(said) if isinstance(said, Mapping) and not alone else {None: said}
    read = {user: kind.read(label) for user, label in by_user.items()}
    wrong = [by_user[user] for user, answer in read.items() if answer is None]
    if wrong or not by_user:
        raise BadRequest(
            f"The label of item {item!r} is {(wrong or ['empty'])[0]!r}; {taker} takes {kind.takes}.",
            f"Pass {kind.form}, or {{annotator: {kind.form}}}.",
        )
    strangers = [user for user in by_user if not isinstance(user, (int, np.integer, type(None)))]
    if strangers:
        raise BadRequest(f"An annotator of item {item!r} is {strangers[0]!r}.", "Name annotators by whole numbers.")
    return {None if user is None else int(user): answer for user, answer in read.items() if answer is not None}


def _as_classes(classes: Iterable[Label], kind: LabelKind) -> tuple[Label, ...]:
    given = list(classes)
    if kind.own and (not given or set(given) == set(kind.own)):
        return kind.own
    if given and not kind.named:
        raise BadRequest(
            f"Labels that are {kind.takes} have no classes, and {', '.join(map(repr, given))} were given.",
            "Leave them out, or choose a surrogate for classes or sets.",
        )
    if kind.own:
        raise BadRequest(
            f"The classes are {', '.join(map(repr, given))}, and labels are {kind.takes}.", "Leave the classes out."
        )
    wrong: list[object] = [label for label in given if not isinstance(label, str) or not label]
    if wrong or isinstance(classes, str):
        raise BadRequest(f"Among the classes is {(wrong or given)[0]!r}.", "Pass a list of their names.")
    return tuple(dict.fromkeys(map(str, given)))
