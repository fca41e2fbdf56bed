"""The items of a pool and what was said of them; whoever ranks them starts from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest
from labelcue.pool.clusters import Clusters
from labelcue.pool.cover import Cover
from labelcue.pool.facts import Facts, Said
from labelcue.pool.features import Features
from labelcue.pool.graph import Graph
from labelcue.pool.herd import Herd
from labelcue.pool.matrix import Matrix
from labelcue.pool.roster import ItemId, Roster, named, plain
from labelcue.pool.speaking import speaks_for
from labelcue.types import Floats, Ints, Label


class Items:
    """Vectors, ids, labels, skips, leases and coverage. Unknown ids raise NotFound, which names them."""

    def __init__(
        self,
        vectors: NDArray[np.floating],
        ids: Sequence[Any] | NDArray[Any] | None,
        classes: Iterable[Label] | None,
        graph: Graph | None,
    ) -> None:
        self._matrix = Matrix(vectors)
        names = np.arange(self._matrix.rows) if ids is None else ids
        _check(self._matrix, names, 0)
        self._roster = Roster(names)
        self._facts = Facts(classes)
        self._cover = Cover(self._matrix)
        self._graph = graph or Graph()
        self._clusters = Clusters()
        self._stale = True

    @property
    def ids(self) -> NDArray[Any]:
        """(n,) ids of the pool, ascending."""
        return self._roster.ids

    @property
    def classes(self) -> tuple[Label, ...]:
        """The classes, in the order of the columns of probabilities."""
        return self._facts.classes

    def __len__(self) -> int:
        return len(self._roster)

    def __contains__(self, item: ItemId) -> bool:
        return item in self._roster

    def grow(self, vectors: NDArray[np.floating], ids: Sequence[Any] | NDArray[Any]) -> None:
        """Adopt a longer array whose first rows are those of now; `ids` name the new rows.

        An id that the pool has already moves to its new row and keeps its labels. Raises BadRequest.
        """
        shape = np.shape(vectors)
        if len(shape) != 2 or shape[0] < self._matrix.rows or shape[1] != self._matrix.dim:
            raise BadRequest(
                f"A pool of {(self._matrix.rows, self._matrix.dim)} cannot grow to {shape}.",
                "Pass all rows, the old ones first, with the same number of dimensions.",
            )
        matrix = Matrix(vectors, self._matrix.scale)
        _check(matrix, ids, self._matrix.rows)
        self._roster.extend(ids)
        self._matrix = matrix
        self._cover.grow(matrix)
        self._stale = True

    def add(self, vectors: NDArray[np.floating], ids: Sequence[Any] | NDArray[Any]) -> None:
        """Append rows in memory, which copies the whole array; `grow` is for large pools. Raises BadRequest."""
        new = np.asarray(vectors)
        if new.ndim != 2 or new.shape[1] != self._matrix.dim:
            raise BadRequest(f"The new vectors are {new.shape}.", f"Pass (m, {self._matrix.dim}), one row for each id.")
        old = self._matrix.vectors
        self.grow(np.concatenate([old, new.astype(old.dtype)]), ids)

    def remove(self, ids: Sequence[ItemId]) -> None:
        """Take items out of the pool, and forget all that was said of them."""
        known = self._known(ids)
        if not known:
            return
        self._roster.remove(known)
        self._facts.forget(known)
        self._stale = True

    def set_classes(self, classes: Iterable[Label]) -> None:
        """Allow exactly these classes: known ones keep their order, new ones are appended.

        Labels of classes that are gone do not count until these return.
        """
        before = self._facts.classes, self._facts.fixed
        self._facts.set_classes(classes)
        self._stale |= before != (self._facts.classes, self._facts.fixed)

    def label(self, said: Mapping[ItemId, Said]) -> None:
        """`{id: label}` or `{id: {annotator: label}}`: replaces all that was said of these items; leases end.

        Raises BadRequest that names a label outside the given classes; then nothing has changed.
        """
        known = self._known(list(said))
        self._facts.label(dict(zip(known, said.values(), strict=True)))
        self._stale = True

    def unlabel(self, ids: Sequence[ItemId]) -> None:
        """Take back all labels of some items."""
        for item in self._known(ids):
            self._facts.labels.pop(item, None)
        self._stale = True

    def skip(self, ids: Sequence[ItemId]) -> None:
        """Leave items out of the queue; they cover nothing, and a lease of theirs ends."""
        known = self._known(ids)
        self._facts.skipped.update(known)
        self._facts.leased.difference_update(known)
        self._stale = True

    def unskip(self, ids: Sequence[ItemId]) -> None:
        """Let skipped items into the queue again."""
        self._facts.skipped.difference_update(self._known(ids))
        self._stale = True

    def lease(self, ids: Sequence[ItemId]) -> None:
        """Hold items as handed out: out of the queue, and counted as covered."""
        self._facts.leased.update(self._known(ids))
        self._stale = True

    def release(self, ids: Sequence[ItemId]) -> None:
        """Let leased items into the queue again, as if they had never left it."""
        self._facts.leased.difference_update(self._known(ids))
        self._stale = True

    def _known(self, ids: Sequence[ItemId]) -> list[ItemId]:
        """The ids as plain numbers or strings, once each; raises NotFound."""
        self._roster.positions(ids)
        return list(dict.fromkeys(plain(ids)))

    def _labelled(self) -> tuple[Ints, Floats]:
        """Rows of the labelled items in ascending order of their ids, and their (n, c) targets."""
        items = self._facts.labelled()
        return self._roster.rows(items), self._facts.targets(items)

    def _leased(self) -> Ints:
        return self._roster.rows(list(self._facts.leased))

    def _herd(self, candidates: Ints) -> Herd:
        """The candidates on the neighbour graph, which grows to all rows by this."""
        return Herd(self._grown(), self._cover, candidates, self._roster.live)

    def _grown(self) -> Graph:
        if self._graph.rows > self._matrix.rows:
            self._graph = Graph()  # Another pool has taken it further: what it was before cannot be told.
        self._graph.grow(self._matrix)
        return self._graph

    def _features(self, candidates: Ints, labelled: Ints, probabilities: Floats) -> Features:
        """The vectors for strategies; `probabilities` (n, c) are in the order of rows."""
        leased = self._roster.order[np.sort(self._roster.positions(list(self._facts.leased)))]
        return Features(
            self._matrix, candidates, self._roster.order, labelled, leased, probabilities[leased], self._clusters
        )

    def _spoken_for(self, rows: Ints, waiting: Ints) -> Floats:
        """(k,) as how many of the waiting rows each of `rows` counts, one placed after the other."""
        marked = np.zeros(self._matrix.rows, dtype=bool)
        marked[waiting] = True
        covered = np.union1d(self._cover.covered, self._leased())
        return speaks_for(self._grown().edges(), rows, covered, marked)

    def _candidates(self, labelled: Ints) -> Ints:
        """Rows that may be queued, in ascending order of their ids."""
        free = np.ones(self._matrix.rows, dtype=bool)
        for rows in (labelled, self._leased(), self._roster.rows(list(self._facts.skipped))):
            free[rows] = False
        order = self._roster.order
        candidates: Ints = order[free[order]]
        return candidates


def _check(matrix: Matrix, ids: Sequence[Any] | NDArray[Any], start: int) -> None:
    """Raises BadRequest where the rows from `start` on do not match their ids, or have no direction."""
    if len(ids) != matrix.rows - start:
        raise BadRequest(f"There are {matrix.rows - start} vectors and {len(ids)} ids.", "Pass one id for each vector.")
    bad = matrix.bad_rows(start)
    if len(bad):
        names = plain([ids[row - start] for row in bad])
        raise BadRequest(
            f"The vectors of {named(names)} hold NaN or infinity, or are zero.",
            "Leave these items out, or embed them anew.",
        )
