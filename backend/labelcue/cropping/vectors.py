"""Crops → vectors, each made once: images come through the project's media, and what is embedded stays on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from labelcue.cropping.wanted import Crop
from labelcue.embedders import MediaSource
from labelcue.embedders.images import ImageEmbedder
from labelcue.errors import TaskUnreadable
from labelcue.pool.vectors import VectorFile
from labelcue.types import Floats, TaskId

MOST_PROBLEMS = 1000
"""Reasons that are kept by task."""


class Picture(NamedTuple):
    """A crop on its way."""

    task: TaskId
    digest: bytes
    pixels: NDArray[np.uint8]


class CropVectors:
    """One project's. One thread."""

    def __init__(self, file: VectorFile, embedder: Callable[[], ImageEmbedder], media: MediaSource) -> None:
        """`embedder` makes one, which costs nothing until it is used."""
        self._file, self._make, self._media = file, embedder, media
        self._embedder: ImageEmbedder | None = None
        self._hopeless: set[bytes] = set()
        """Digests of crops that cannot be embedded: they are not tried again before a restart."""
        self.problems: dict[TaskId, str] = {}
        """Why images have no crops."""

    @property
    def rows(self) -> int:
        """Crops that have a vector."""
        return self._file.rows

    def rest(self) -> None:
        """Give the embedder's memory back."""
        self._embedder = None

    def missing(self, crops: Iterable[Crop]) -> list[Crop]:
        """Those that are still to be embedded, each once."""
        every = {one.digest: one for one in crops if one.digest not in self._hopeless}
        return [one for digest, one in every.items() if self._file.row_of_digest(digest) is None]

    def have(self, crops: Iterable[Crop]) -> list[Crop]:
        """Those that are embedded."""
        return [one for one in crops if self._file.row_of_digest(one.digest) is not None]

    def of(self, crops: Sequence[Crop]) -> Floats:
        """(m, d) float32 of crops that are embedded."""
        rows = [self._file.row_of_digest(one.digest) for one in crops]
        return np.array(self._file.vectors[[row for row in rows if row is not None]], dtype=np.float32)

    def embed(self, wanted: Mapping[TaskId, tuple[str, Sequence[Crop]]]) -> None:
        """The crops of some tasks, each with the address of its image; one bad image hurts no other.

        Raises StoreError, and LabelStudioDown or LabelStudioRefused where Label Studio answers nobody.
        """
        embedder = self._embedder = self._embedder or self._make()
        waiting: list[Picture] = []
        addresses = [(task, address) for task, (address, _) in wanted.items()]
        for (task, _), raw in zip(addresses, self._media.each(addresses, bytes), strict=True):
            waiting += self._cut(embedder, task, raw, wanted[task][1])
            while len(waiting) >= embedder.batch:
                self._keep(embedder, waiting[: embedder.batch])
                del waiting[: embedder.batch]
        self._keep(embedder, waiting)

    def give_up(self, task: TaskId, crops: Iterable[Crop], why: str) -> None:
        """No more of these until a restart."""
        self._hopeless.update(one.digest for one in crops)
        if len(self.problems) < MOST_PROBLEMS:
            self.problems[task] = why

    def _cut(
        self, embedder: ImageEmbedder, task: TaskId, raw: bytes | TaskUnreadable, crops: Sequence[Crop]
    ) -> list[Picture]:
        try:
            if isinstance(raw, TaskUnreadable):
                raise raw
            parts = embedder.parts(raw, [one.box for one in crops])
        except TaskUnreadable as error:
            self.give_up(task, crops, str(error))
            return []
        self.problems.pop(task, None)
        self._hopeless.update(one.digest for one, part in zip(crops, parts, strict=True) if part is None)
        return [Picture(task, one.digest, part) for one, part in zip(crops, parts, strict=True) if part is not None]

    def _keep(self, embedder: ImageEmbedder, pictures: Sequence[Picture]) -> None:
        if not pictures:
            return
        vectors = embedder.embed_pictures(np.stack([one.pixels for one in pictures]))
        good = np.flatnonzero(np.isfinite(vectors).all(axis=1))
        kept = [pictures[place] for place in good]
        self._hopeless.update({one.digest for one in pictures} - {one.digest for one in kept})
        self._file.append([one.task for one in kept], vectors[good], [one.digest for one in kept])
