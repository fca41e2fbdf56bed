"""Tasks → vectors. One file each, registered; the contract is `Embedder`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from labelcue.embedders.text import digest_of, readable_texts, text_of
from labelcue.errors import ConfigError, TaskUnreadable
from labelcue.registry import Registry
from labelcue.types import Floats, Json, TaskId

Task: TypeAlias = tuple[TaskId, Mapping[str, Json]]
"""A task's id and its data, as Label Studio gives it."""
Known: TypeAlias = Callable[[bytes], Floats | None]
"""Digest of a content → its vector (d,) where it was embedded before, else None."""

Reads: TypeAlias = Literal["text", "image", "vector", "any"]
"""What an embedder makes its vectors from: text, images behind addresses, vectors that come with the task, or whatever
the field's text says, as a server that fetches media itself does."""
T = TypeVar("T")


class MediaSource(Protocol):
    """Whoever fetches what stands behind addresses; embedders do no I/O of their own."""

    def each(self, wanted: Sequence[tuple[TaskId, str]], use: Callable[[bytes], T], /) -> Iterator[T | TaskUnreadable]:
        """For each (task, address), in order: what `use` makes of the bytes, or why there is nothing."""


@dataclass(frozen=True)
class Embedded:
    """What became of a batch of tasks: m of them have a vector, the others a reason."""

    ok: tuple[int, ...]
    """Places in the batch that have a vector, ascending (m)."""
    vectors: Floats
    """(m, d) float32, rows of length 1."""
    digests: tuple[bytes, ...]
    """What each vector was made from, 16 bytes each (m)."""
    problems: Mapping[TaskId, str]
    """Why each of the other tasks cannot be embedded."""


class Embedder(ABC):
    """Turns tasks into unit vectors; the same content gives the same vector, whatever stands beside it in the batch.

    A new embedder for text needs `name`, `dim` and `embed`. Its factory takes what stands behind the colon, if there is
    something, and the keyword `threads` (0: every core). Making one does no work: weights are loaded at the first use.
    Safe to use from several threads.
    """

    reads: ClassVar[Reads] = "text"
    """What the field of a task has to hold."""
    needs_fit: ClassVar[bool] = False
    """True: it learns from the pool's texts, and `prepare` has to come before the first `embed`."""
    patience: float | None = None
    """Seconds that whoever asks can wait, None for as long as it takes; of no matter for those that ask nobody."""

    name: str
    """What it is registered under, with its argument."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """The length d of its vectors, which never changes."""

    @abstractmethod
    def embed(self, texts: Sequence[str]) -> Floats:
        """Texts → (n, d) float32, in their order, each row of length 1. Raises ConfigError where it cannot be used."""

    def fit(self, texts: Iterable[str]) -> None:
        """Learn from the pool's texts, deterministically. Raises ConfigError where they do not suffice."""
        raise NotImplementedError(f"{self.name} learns nothing from texts.")

    def save(self, folder: Path) -> None:
        """Keep what `fit` learned in `folder`, whole or not at all, without pickle."""
        raise NotImplementedError(f"{self.name} has nothing to keep.")

    def load(self, folder: Path) -> bool:
        """Take up what `save` kept, so that it embeds the same; False where `folder` has nothing. Raises Corrupt."""
        raise NotImplementedError(f"{self.name} has nothing to take up.")

    def prepare(self, folder: Path, texts: Callable[[], Iterable[str]] | None = None) -> None:
        """Make ready to embed: `load` from the folder, or else `fit` what `texts()` gives and `save` it there.

        Nothing happens where `needs_fit` is False. Raises ConfigError where nothing is kept and no texts are given.
        """
        if not self.needs_fit or self.load(folder):
            return
        if texts is None:
            raise ConfigError(f"{self.name} finds nothing that it learned in {folder}.", "Start the learner first.")
        self.fit(texts())
        self.save(folder)

    def embed_tasks(
        self,
        tasks: Sequence[Task],
        field: str,
        *,
        known: Known | None = None,
        html: bool = False,
        media: MediaSource | None = None,
    ) -> Embedded:
        """The field of each task → vectors, and reasons for the tasks that cannot be read; never fails for one task.

        Identical text is embedded once, and not at all where `known` has its vector. `html`: tags are no text. `media`
        is for embedders of what stands behind addresses.
        """
        ok, texts, problems = [], [], {}
        for place, (task, data) in enumerate(tasks):
            try:
                texts.append(text_of(data, field, html=html))
                ok.append(place)
            except TaskUnreadable as error:
                problems[task] = str(error)
        digests = [digest_of(text) for text in texts]
        table = self._table(dict(zip(digests, texts, strict=True)), known)
        found = [table[digest] for digest in digests]
        return keep_finite(tasks, ok, np.stack(found) if found else np.empty((0, self.dim)), digests, problems)

    def _table(self, texts: Mapping[bytes, str], known: Known | None) -> dict[bytes, Floats]:
        table = {digest: vector for digest in texts if known is not None and (vector := known(digest)) is not None}
        fresh = [digest for digest in texts if digest not in table]
        if fresh:
            vectors = self.embed([texts[digest] for digest in fresh])
            if vectors.shape != (len(fresh), self.dim):
                raise ConfigError(
                    f"The embedder {self.name!r} gave vectors of shape {vectors.shape} for {len(fresh)} texts.",
                    f"It has to give ({len(fresh)}, {self.dim}); mend it or choose another.",
                )
            table.update(zip(fresh, vectors, strict=True))
        return table


def unit(vectors: ArrayLike) -> Floats:
    """(n, d) → (n, d) float32 with rows of length 1; rows without a direction (zero, infinite, NaN) become NaN."""
    wide = np.asarray(vectors, dtype=np.float64)
    with np.errstate(all="ignore"):
        scaled = wide / np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
        return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True), dtype=np.float32)


def keep_finite(
    tasks: Sequence[Task],
    ok: Sequence[int],
    vectors: ArrayLike,
    digests: Sequence[bytes],
    problems: Mapping[TaskId, str],
) -> Embedded:
    """Rows that are not finite become problems of their tasks; one of them would spoil every distance of a pool."""
    rows = np.asarray(vectors, dtype=np.float32)
    good = np.flatnonzero(np.isfinite(rows).all(axis=1))
    bad = (tasks[ok[row]][0] for row in sorted(set(range(len(ok))) - set(good.tolist())))
    return Embedded(
        ok=tuple(ok[row] for row in good),
        vectors=rows[good],
        digests=tuple(digests[row] for row in good),
        problems={**problems, **dict.fromkeys(bad, "Its vector has no direction: it is zero or not finite.")},
    )


embedders: Registry[Embedder] = Registry("labelcue.embedders")

__all__ = [
    "Embedded",
    "Embedder",
    "Known",
    "MediaSource",
    "Reads",
    "Task",
    "digest_of",
    "embedders",
    "keep_finite",
    "readable_texts",
    "text_of",
    "unit",
]
