"""The items of a pool and what was said of them; whoever ranks them starts from here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest
from labelcue.labels import LabelKind
from labelcue.labels.tokens import Tokens, check_tokens
from labelcue.pool.checking import as_array, check, refuse_doubles
from labelcue.pool.clusters import Clusters
from labelcue.pool.cover import COVERED, Cover
from labelcue.pool.facts import Facts, Said
from labelcue.pool.features import Features
from labelcue.pool.graph import Graph
from labelcue.pool.herd import Herd
from labelcue.pool.kernel import Kernel
from labelcue.pool.levers import Draw
from labelcue.pool.matrix import Matrix
from labelcue.pool.roster import ItemId, Roster, plain
from labelcue.pool.speaking import speaks_for
from labelcue.pool.standby import Run
from labelcue.types import Floats, Ints, Label


class Items:
    """Vectors, ids, labels, skips, leases and coverage. Unknown ids raise NotFound, which names them."""

    def __init__(
        self,
        vectors: NDArray[np.floating],
        ids: Sequence[Any] | NDArray[Any] | None,
        classes: Iterable[Label] | None,
        graph: Graph | None,
        newest: bool,
        kind: LabelKind | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        self._matrix = Matrix(as_array(vectors))
        if not self._matrix.rows:
            raise BadRequest("The pool is empty.", "Pass at least one vector.")
        names = np.arange(self._matrix.rows) if ids is None else ids
        check(self._matrix, names, 0)
        if not newest:
            refuse_doubles(names)
        self._roster = Roster(names)
        self._facts = Facts(classes, kind)
        self._tokens = tokens
        self._cover = Cover(self._matrix)
        self._graph = graph or Graph()
        self._clusters = Clusters()
        self._kernel: Kernel | None = None
        self._run: Run | None = None
        """Where the places of the latest round began, where its strategy gives them so that they can be given anew."""
        self._stale = True
        self._taker = "the pool"
        """Who reads the labels."""
        self._lot_numbers: dict[int, NDArray[np.uint64]] = {}
        """Seed → the random number of each row's item."""
        self._offered: dict[ItemId, Draw | None] = {}
        """Places of the latest queue that count for the shares that admins set: None for those not drawn."""

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

    def grow(
        self, vectors: NDArray[np.floating], ids: Sequence[Any] | NDArray[Any], tokens: Tokens | None = None
    ) -> None:
        """Adopt a longer array whose first rows are those of now; `ids` name the new rows, `tokens` are those of all.

        An id that the pool has already moves to its new row and keeps its labels. Raises BadRequest.
        """
        vectors = as_array(vectors)
        shape = vectors.shape
        if len(shape) != 2 or shape[0] < self._matrix.rows or shape[1] != self._matrix.dim:
            raise BadRequest(
                f"A pool of {(self._matrix.rows, self._matrix.dim)} cannot grow to {shape}.",
                "Pass all rows, the old ones first, with the same number of dimensions.",
            )
        matrix = Matrix(vectors, self._matrix.scale)
        check(matrix, ids, self._matrix.rows)
        check_tokens(tokens, self._tokens is not None, matrix.rows, self._taker)
        self._roster.extend(ids)
        self._matrix, self._tokens = matrix, tokens
        self._cover.grow(matrix)
        self._stale, self._run = True, None

    def add(
        self, vectors: NDArray[np.floating], ids: Sequence[Any] | NDArray[Any], tokens: Sequence[Any] | None = None
    ) -> None:
        """Append rows in memory, which copies the whole array; `grow` is for large pools.

        `tokens`: as a Cue takes them, of the new rows. An id that the pool has already gets a new vector and keeps its
        labels. Raises BadRequest, also for an id that stands here twice.
        """
        new = as_array(vectors)
        if new.ndim != 2 or new.shape[1] != self._matrix.dim:
            raise BadRequest(f"The new vectors are {new.shape}.", f"Pass (m, {self._matrix.dim}), one row for each id.")
        refuse_doubles(ids)
        old, more = self._matrix.vectors, None if tokens is None else Tokens.of(tokens)
        if more is not None and self._tokens is not None:
            more = self._tokens.and_more(more)
        self.grow(np.concatenate([old, new.astype(old.dtype)]), ids, more)

    def remove(self, ids: Sequence[ItemId]) -> None:
        """Take items out of the pool, and forget all that was said of them."""
        known = self._known(ids)
        if not known:
            return
        self._roster.remove(known)
        self._facts.forget(known)
        self._stale, self._run = True, None

    def set_classes(self, classes: Iterable[Label]) -> None:
        """Allow exactly these classes: known ones keep their order, new ones are appended.

        Labels of classes that are gone do not count until these return.
        """
        before = self._facts.classes, self._facts.fixed
        self._facts.set_classes(classes)
        self._stale |= before != (self._facts.classes, self._facts.fixed)

    def label(self, said: Mapping[ItemId, Said]) -> None:
        """`{id: label}` or `{id: {annotator: label}}`: replaces all that was said of these items; leases end.

        A label is a string, a set of strings, a number or spans, by the surrogate. Raises BadRequest that names one of
        another kind, outside the given classes or the bounds; then nothing has changed.
        """
        if not isinstance(said, Mapping):
            raise BadRequest("Labels come as {id: label}.", "Pass a dictionary.")
        known = self._known(list(said))
        self._facts.label(dict(zip(known, said.values(), strict=True)), self._taker)
        self._facts.levers.serve(known, self._offered)
        self._stale = True

    def hear(self, said: Mapping[ItemId, Any]) -> None:
        """`{id: numbers}`: what another model says of items, for surrogates that listen; None takes it back.

        A probability for each of `classes`; for regions that each occurs, and last the doubt; for numbers mean,
        deviation and doubt, all doubts from 0 to 1. Raises BadRequest that names the item; then nothing has changed.
        """
        known = self._known(list(said))
        width = self._facts.kind.columns(len(self.classes))
        self._facts.heard.take(dict(zip(known, said.values(), strict=True)), width)
        self._stale = True

    def unlabel(self, ids: Sequence[ItemId]) -> None:
        """Take back all labels of some items."""
        known = self._known(ids)
        for item in known:
            self._facts.labels.pop(item, None)
        self._facts.come_back(known)
        self._stale = True

    def skip(self, ids: Sequence[ItemId]) -> None:
        """Leave items out of the queue; they cover nothing, and a lease of theirs ends."""
        known = self._known(ids)
        self._facts.levers.serve(known, self._offered)
        self._facts.skipped.update(known)
        self._facts.leased.difference_update(known)
        self._stale = True

    def unskip(self, ids: Sequence[ItemId]) -> None:
        """Let skipped items into the queue again."""
        known = self._known(ids)
        self._facts.skipped.difference_update(known)
        self._facts.come_back(known)
        self._stale = True

    def lease(self, ids: Sequence[ItemId]) -> None:
        """Hold items as handed out: out of the queue, and counted as covered."""
        self._hand_out(self._known(ids))
        self._stale = True

    def release(self, ids: Sequence[ItemId]) -> None:
        """Let leased items into the queue again, as if they had never left it."""
        known = self._known(ids)
        self._facts.leased.difference_update(known)
        self._facts.come_back(known)
        self._stale = True

    def _known(self, ids: Sequence[ItemId]) -> list[ItemId]:
        """The ids as plain numbers or strings, once each; raises NotFound."""
        self._roster.positions(ids)
        return list(dict.fromkeys(plain(ids)))

    def _labelled(self) -> tuple[Ints, Floats]:
        """Rows of the labelled items in ascending order of their ids, and their (n, r) targets."""
        items = self._facts.labelled()
        return self._roster.rows(items), self._facts.targets(items)

    def _hand_out(self, items: list[ItemId]) -> None:
        self._facts.levers.serve(items, self._offered)
        self._facts.leased.update(items)

    def _taken(self, labelled: Ints) -> Ints:
        """Rows that count as covered: labelled, leased, done, and pinned ones, which come before all others.

        Audits cover nothing, as nothing is learned from them.
        """
        leased = self._facts.leased.difference(self._facts.levers.audited)
        more = leased | self._facts.levers.done | set(self._facts.pinned)
        return np.union1d(labelled, self._roster.rows(list(more)))

    def _also(self, rows: Ints, taken: Ints) -> Cover:
        """What is covered for some rows, as if others were taken as well."""
        if not len(taken):
            return self._cover
        cover = Cover(self._matrix)
        cover.squared[:] = self._cover.squared
        cover.squared[rows] = self._matrix.nearest(rows, taken, cover.squared[rows])
        cover.squared[taken] = COVERED
        return cover

    def _herd(self, candidates: Ints, cover: Cover) -> Herd:
        """The candidates on the neighbour graph, which grows to all rows by this."""
        edges = self._grown().edges()
        if self._kernel is None or self._kernel.edges is not edges:
            self._kernel = Kernel(edges)
        keep = self._keep if cover is self._cover else None
        return Herd(self._kernel, cover, candidates, self._roster.live, self._roster.order, keep)

    def _keep(self, run: Run) -> None:
        self._run = run

    def _followed(self, k: int) -> list[ItemId] | None:
        """The first `k` ids by the state of the latest round and what is covered now; None without such a state.

        There is none where shares are held, as each place then depends on those that were handed out.
        """
        run = self._run
        if run is None or self._facts.levers.keeps_account:
            return None
        labelled = self._roster.rows(self._facts.labelled())
        covered, free = self._taken(labelled), np.zeros(self._matrix.rows, dtype=bool)
        free[self._candidates(labelled)] = True
        free[covered] = False
        if not run.follow(covered, free):
            return None
        return [*self._facts.pinned, *plain(self._roster.names[run.head(k)[0]])][:k]

    def _grown(self) -> Graph:
        if self._graph.rows > self._matrix.rows:
            self._graph = Graph()  # Another pool has taken it further: what it was before cannot be told.
        self._graph.grow(self._matrix)
        return self._graph

    def _features(self, candidates: Ints, cover: Cover, labelled: Ints, probabilities: Floats) -> Features:
        """The vectors for strategies; `probabilities` (n, c) are in the order of rows."""
        taken = np.setdiff1d(cover.covered, labelled)
        taken = taken[np.argsort(self._roster.names[taken])]
        return Features(
            self._matrix, candidates, self._roster.order, labelled, taken, probabilities[taken], self._clusters
        )

    def _spoken_for(self, rows: Ints, waiting: Ints) -> Floats:
        """(k,) as how many of the waiting rows each of `rows` counts, one placed after the other."""
        marked = np.zeros(self._matrix.rows, dtype=bool)
        marked[waiting] = True
        covered = np.union1d(self._cover.covered, self._roster.rows(list(self._facts.leased)))
        return speaks_for(self._grown().edges(), rows, covered, marked)

    def _candidates(self, labelled: Ints) -> Ints:
        """Rows that may be queued, in ascending order of their ids."""
        free = np.ones(self._matrix.rows, dtype=bool)
        free[labelled] = False
        free[self._roster.rows(list(self._facts.out))] = False
        order = self._roster.order
        candidates: Ints = order[free[order]]
        return candidates
