"""How long the parts of something take, without a clock in their code."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

Part = tuple[object, str]
"""A class or a module, and the name of a function in it."""


@contextmanager
def watched(stages: Mapping[str, Sequence[Part]]) -> Iterator[dict[str, float]]:
    """Seconds spent in the parts of each stage so far; while this lasts, the functions are replaced by timed ones."""
    spent = dict.fromkeys(stages, 0.0)
    with ExitStack() as stack:
        for stage, parts in stages.items():
            for owner, name in parts:
                stack.enter_context(patch.object(owner, name, _timed(getattr(owner, name), spent, stage)))
        yield spent


def _timed(function: Any, spent: dict[str, float], stage: str) -> Any:
    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[stage] += time.perf_counter() - began

    return timed
