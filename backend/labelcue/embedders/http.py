"""Embedders that are servers: LabelCue's own plain JSON, and the embeddings route that OpenAI's API made common."""

from __future__ import annotations

import re
import threading
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from labelcue.calling import Caller, address_of, require_key
from labelcue.embedders import Embedder, Reads, embedders, unit
from labelcue.errors import ConfigError, OutsideError
from labelcue.types import Floats, Json

LARGEST_DIM = 65_536
CHARACTERS = 20_000
"""Of each text; beyond that only its beginning is sent."""
BATCH = 64
"""Texts of one request."""
REQUEST = 1_000_000
"""Characters of one request, about."""
_OPTION = re.compile(r",(dim|batch|key)=([^,]*)$")


class Served(Embedder):
    """Asks a server for vectors, some texts at a time, each text once in its life: the pool keeps what came.

    A server that is down or busy is asked again, four times with growing pauses, and by the learner after that; one
    that answers nonsense is named. What is sent is the field's text, or the address that stands in it.
    """

    reads: ClassVar[Reads] = "any"

    def __init__(self, argument: str = "", *, threads: int = 0) -> None:
        """Raises ConfigError where something is missing; asks nobody."""
        target, options = _parse(argument, self.form)
        self.name = f"{self.kind}:{argument}"
        self._dim = int(options["dim"])
        self._batch = int(options.get("batch", BATCH))
        self._caller = Caller(self._address(target), require_key(options.get("key", "")))
        self._lock = threading.Lock()

    kind: ClassVar[str]
    """What it is registered under."""
    form: ClassVar[str]
    """How to write one."""

    @property
    def dim(self) -> int:
        """What `dim=` says."""
        return self._dim

    def embed(self, texts: Sequence[str]) -> Floats:
        """Texts → (n, dim) float32. Raises OutsideDown, OutsideError, ConfigError."""
        found = [self._asked(part) for part in _parts([text[:CHARACTERS] for text in texts], self._batch)]
        return unit(np.concatenate([np.empty((0, self._dim)), *found]))

    def _asked(self, texts: list[str]) -> Floats:
        if self.patience is not None:
            self._caller.seconds, self._caller.tries = self.patience, 1
        with self._lock:  # one request at a time: servers answer two at once no faster
            rows = self._vectors(self._caller, texts)
        try:
            vectors = np.asarray(rows, dtype=np.float64)
        except (TypeError, ValueError, OverflowError) as error:
            raise self._nonsense("no list of vectors of one length") from error
        if vectors.ndim != 2 or len(vectors) != len(texts):
            raise self._nonsense(f"an array of shape {vectors.shape} for {len(texts)} texts")
        if vectors.shape[1] != self._dim:
            raise ConfigError(
                f"{self._caller.address} gives vectors of {vectors.shape[1]} dimensions, and dim={self._dim} is set.",
                f"Connect with dim={vectors.shape[1]}.",
            )
        return vectors.astype(np.float32)

    def _nonsense(self, what: str) -> OutsideError:
        return OutsideError(f"{self._caller.address} answers {what}.", "The page on embedders has the form.")

    @abstractmethod
    def _address(self, target: str) -> str:
        """The server's address. Raises ConfigError."""

    @abstractmethod
    def _vectors(self, caller: Caller, texts: list[str]) -> Json:
        """A list of vectors, as it came."""


@embedders.register("http")
class Http(Served):
    """POST `{"texts": [...]}` → `{"vectors": [[...], ...]}`."""

    kind = "http"
    form = "http:<address>,dim=<d>[,key=env:NAME][,batch=64]"

    def _address(self, target: str) -> str:
        return address_of(target)

    def _vectors(self, caller: Caller, texts: list[str]) -> Json:
        answer = caller.post("", {"texts": texts})
        if not isinstance(answer, dict) or not isinstance(answer.get("vectors"), list):
            raise self._nonsense('no object with "vectors"')
        return answer["vectors"]


@embedders.register("openai")
class OpenAi(Served):
    """POST to `<address>/embeddings` `{"model", "input": [...]}` → `{"data": [{"index", "embedding"}, ...]}`."""

    kind = "openai"
    form = "openai:<model>@<address that ends in /v1>,dim=<d>[,key=env:NAME][,batch=64]"

    def _address(self, target: str) -> str:
        self._model, _, address = target.partition("@")
        if not self._model or not address:
            raise ConfigError(f"openai cannot read {target[:200]!r}.", f"Write {self.form}.")
        return address_of(address)

    def _vectors(self, caller: Caller, texts: list[str]) -> Json:
        answer = caller.post("embeddings", {"model": self._model, "input": texts, "encoding_format": "float"})
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
            raise self._nonsense('no object with "data"')
        order = [one.get("index", place) for place, one in enumerate(data)]
        if sorted(map(_number, order)) != list(range(len(texts))):
            raise self._nonsense(f"{len(data)} embeddings for {len(texts)} texts, or indices that are wrong")
        found: dict[Any, Json] = {index: one.get("embedding") for index, one in zip(order, data, strict=True)}
        return [found[place] for place in range(len(texts))]


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def _parse(argument: str, form: str) -> tuple[str, dict[str, str]]:
    """`<target>,dim=<d>...` → target and options; raises ConfigError that does not quote what might be a key."""
    target, options = argument, dict[str, str]()
    while (found := _OPTION.search(target)) is not None:
        options[found[1]] = found[2]
        target = target[: found.start()]
    wrong = [name for name in ("dim", "batch") if not options.get(name, "1" if name == "batch" else "").isdecimal()]
    if not target or "," in target or wrong or not 1 <= int(options["dim"]) <= LARGEST_DIM:
        raise ConfigError(
            f"The embedder's address, its {' and '.join(wrong) or 'dim'} or an option cannot be read.", f"Write {form}."
        )
    if int(options.get("batch", BATCH)) < 1:
        raise ConfigError("A batch holds at least one text.", f"Write {form}.")
    return target, options


def _parts(texts: list[str], most: int) -> list[list[str]]:
    """In order, each of at most so many texts and about REQUEST characters."""
    parts: list[list[str]] = []
    room = 0
    for text in texts:
        if not parts or len(parts[-1]) >= most or len(text) > room:
            parts.append([])
            room = REQUEST
        parts[-1].append(text)
        room -= len(text)
    return parts
