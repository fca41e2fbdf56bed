"""Tasks' values → what a reader makes of their bytes, several at a time, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import httpx

from labelcue.errors import StoreError, TaskUnreadable
from labelcue.labelstudio.client import LabelStudio
from labelcue.media.addresses import inline, locate, scheme_of
from labelcue.media.cache import Cache
from labelcue.media.fetching import Fetcher, Limits
from labelcue.media.origins import Gate, parse_allowed
from labelcue.settings import Settings
from labelcue.types import TaskId

T = TypeVar("T")
AHEAD = 2
"""Values that are read ahead for each worker: enough that none waits, few enough to hold in memory."""


class Media:
    """Reads what stands behind the addresses in tasks. Safe to use from several threads."""

    def __init__(self, base: httpx.URL, fetcher: Fetcher, cache: Cache, *, most: int, parallel: int) -> None:
        """`base` is Label Studio's address; `most` bytes of one file; `parallel` fetches at a time."""
        self._base = base
        self._fetcher = fetcher
        self._cache = cache
        self._most = most
        self._parallel = parallel

    def each(self, wanted: Sequence[tuple[TaskId, str]], use: Callable[[bytes], T]) -> Iterator[T | TaskUnreadable]:
        """For each (task, value), in order: what `use` makes of its bytes, or why there is nothing.

        `use` runs in several threads, right where the bytes came in, so that no more than a few files are in memory.
        Raises LabelStudioDown or LabelStudioRefused where Label Studio answers nobody.
        """
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="media") as pool:
            waiting: deque[Future[T | TaskUnreadable]] = deque()
            rest = iter(wanted)
            try:
                for task, value in rest:
                    waiting.append(pool.submit(self._one, task, value, use))
                    if len(waiting) >= AHEAD * self._parallel:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def read(self, task: TaskId, value: str) -> bytes:
        """The bytes of one value. Raises TaskUnreadable, LabelStudioDown, LabelStudioRefused."""
        value = value.strip()
        if scheme_of(value) == "data":
            return inline(value, self._most)
        url = locate(value, task, self._base)
        # An upload never changes behind its name; others may.
        for_ever = "/data/upload/" in url.path
        name = f"{self._base} {value}"
        kept = self._cache.get(name, for_ever=for_ever)
        if kept is not None:
            return kept
        raw = self._fetcher.fetch(url)
        try:
            self._cache.put(name, raw)
        except StoreError:
            pass  # A cache that cannot be written costs time, and the ledger's own writes tell of a full disk.
        return raw

    def close(self) -> None:
        """Let go of every connection."""
        self._fetcher.close()

    def _one(self, task: TaskId, value: str, use: Callable[[bytes], T]) -> T | TaskUnreadable:
        try:
            return use(self.read(task, value))
        except TaskUnreadable as error:
            return error


def open_media(settings: Settings, folder: Path, ls: LabelStudio, *, limits: Limits | None = None) -> Media:
    """The media of one connected Label Studio; they are kept under `folder`. Raises ConfigError."""
    base = httpx.URL(ls.url)
    most = round(settings.media_mb * 1e6)
    fetcher = Fetcher(
        base, Gate(base, parse_allowed(settings.media_allow)), ls, limits or Limits(most, settings.media_seconds)
    )
    cache = Cache(folder, round(settings.media_cache_mb * 1e6))
    return Media(base, fetcher, cache, most=most, parallel=settings.media_parallel)
