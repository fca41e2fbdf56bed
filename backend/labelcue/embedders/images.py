"""Embedders of images: fetch, decode, embed, in a stream, so that a pool of any size takes the memory of one batch."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labelcue.embedders import Embedded, Embedder, Known, MediaSource, Reads, Task, digest_of, keep_finite, text_of
from labelcue.embedders.picture import Part, read_parts, read_picture
from labelcue.errors import ConfigError, TaskUnreadable
from labelcue.types import Floats

BATCH = 4
"""Images of one run: the activations of more leave the processor's caches, at a fifth of the speed."""


class _Read(NamedTuple):
    digest: bytes
    picture: NDArray[np.uint8] | None
    """None where the vector of this content is known."""


class ImageEmbedder(Embedder):
    """A new embedder for images needs `name`, `dim`, `side` and `embed_pictures`."""

    reads: ClassVar[Reads] = "image"
    side: int
    """Pixels of the square that each picture is scaled to."""
    batch: int = BATCH
    """Pictures of one run."""

    def __init__(self) -> None:
        self._large = threading.Lock()

    @abstractmethod
    def embed_pictures(self, pictures: NDArray[np.uint8]) -> Floats:
        """(n, side, side, 3) uint8 RGB → (n, d) float32, each row of length 1. Raises ConfigError, Corrupt."""

    def embed(self, texts: Sequence[str]) -> Floats:
        """Raises ConfigError, unless there is nothing to embed: a text is no picture."""
        if texts:
            raise ConfigError(f"{self.name} embeds images and no texts.", "Choose minilm for text.")
        return np.empty((0, self.dim), dtype=np.float32)

    def embed_tasks(
        self,
        tasks: Sequence[Task],
        field: str,
        *,
        known: Known | None = None,
        html: bool = False,
        media: MediaSource | None = None,
    ) -> Embedded:
        """The image behind the field of each task → vectors; the same file is embedded once.

        Raises ConfigError without `media`, and what `media` raises where Label Studio answers nobody.
        """
        places, wanted, problems = [], [], {}
        for place, (task, data) in enumerate(tasks):
            try:
                wanted.append((task, text_of(data, field)))
                places.append(place)
            except TaskUnreadable as error:
                problems[task] = str(error)
        if not wanted:
            return keep_finite(tasks, (), np.empty((0, self.dim)), (), problems)
        if media is None:
            raise ConfigError(f"{self.name} has nobody who fetches images.", "Give embed_tasks a `media`.")
        run = _Run(self, known)
        for place, found in zip(places, media.each(wanted, run.read), strict=True):
            if isinstance(found, TaskUnreadable):
                problems[tasks[place][0]] = str(found)
            else:
                run.add(place, found)
        return keep_finite(tasks, run.places, run.vectors(), run.digests, problems)

    def picture(self, raw: bytes) -> NDArray[np.uint8]:
        """An image file → (side, side, 3) uint8. Raises TaskUnreadable."""
        return read_picture(raw, self.side, self._large)

    def parts(self, raw: bytes, parts: Sequence[Part]) -> list[NDArray[np.uint8] | None]:
        """Parts of an image file → (side, side, 3) uint8 each, None where one is too small. Raises TaskUnreadable."""
        return read_parts(raw, parts, self.side, self._large)


class _Run:
    """One batch of tasks on its way: pictures wait until there are enough of them for a run of the model."""

    def __init__(self, embedder: ImageEmbedder, known: Known | None) -> None:
        self.places: list[int] = []
        self.digests: list[bytes] = []
        self._embedder = embedder
        self._known = known
        self._table: dict[bytes, Floats] = {}
        self._waiting: dict[bytes, NDArray[np.uint8]] = {}

    def read(self, raw: bytes) -> _Read:
        """Where the bytes came in, in one of several threads. Raises TaskUnreadable."""
        digest = digest_of(raw)
        known = self._known is not None and self._known(digest) is not None
        return _Read(digest, None if known else self._embedder.picture(raw))

    def add(self, place: int, read: _Read) -> None:
        """In the order of the tasks, in one thread."""
        self.places.append(place)
        self.digests.append(read.digest)
        if read.digest in self._table or read.digest in self._waiting:
            return
        if read.picture is not None:
            self._waiting[read.digest] = read.picture
        elif self._known is not None and (vector := self._known(read.digest)) is not None:
            self._table[read.digest] = vector
        if len(self._waiting) >= self._embedder.batch:
            self._flush()

    def vectors(self) -> Floats:
        """(m, d), one row for each of `places`."""
        self._flush()
        found = [self._table[digest] for digest in self.digests]
        return np.stack(found) if found else np.empty((0, self._embedder.dim), dtype=np.float32)

    def _flush(self) -> None:
        if self._waiting:
            vectors = self._embedder.embed_pictures(np.stack(list(self._waiting.values())))
            self._table.update(zip(self._waiting, vectors, strict=True))
            self._waiting.clear()
