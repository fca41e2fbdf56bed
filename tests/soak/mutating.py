"""Coverage-guided fuzzing of what reads bytes: inputs that reach a new line of a parser are kept and changed on."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from labelcue.backups.manifest import read_manifest
from labelcue.errors import LabelCueError
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.events import parse_webhook
from labelcue.store.head import HeadReader
from labelcue.store.snapshot_file import read_snapshot
from servicing import XML, connect, publish
from soak.proving import Figure, Trial
from soak.shapes import PAYLOADS

SLOWEST_S = 5.0
"""Of the processor, for one input."""
LARGEST = 20_000
_ROOM = str(Path(parse_config.__code__.co_filename).parents[1])
_WORDS = [b"[", b"]", b"{", b"}", b'"', b"\\ud800", b"\x00", b"\xff", b"null", b"-1", b"9" * 30, b"<", b"/>", b"&x;"]


def no_input_breaks_a_parser(trial: Trial) -> Figure:
    """`amount` seconds, shared by the parsers: each input is read, or refused by an error of ours."""
    connect(trial.folder)
    publish(trial.folder, [100, 101])
    parsers = _parsers(trial.folder)
    told, cases, bad = [], 0, list[str]()
    for number, (name, (seeds, parse)) in enumerate(parsers.items()):
        end = time.monotonic() + trial.amount / len(parsers)
        runs, lines, problem = _fuzz(seeds, parse, random.Random(f"{trial.seed} {name}"), end)
        cases += runs
        told.append(f"{name} {runs:,} ({lines} lines)")
        bad += [f"{name}: {problem}"] if problem else []
        trial.tell(trial.amount * (number + 1) // len(parsers))
    words = f"{len(bad)} crashes in {cases:,} inputs: {', '.join(told)}"
    return Figure(not bad, "; ".join([words, *bad]))


def _parsers(folder: Path) -> dict[str, tuple[list[bytes], Callable[[bytes], object]]]:
    project = folder / "projects" / "10"
    payloads = [path.read_bytes() for path in sorted(PAYLOADS.glob("webhook*.json"))]
    head = {"number": 1, "made": 1.0, "position": 2, "at": 3.0, "ids": [1, 2]}

    def from_file(read: Callable[[Path], object]) -> Callable[[bytes], object]:
        def call(data: bytes) -> object:
            path = folder / "input"
            path.write_bytes(data)
            return read(path)

        return call

    return {
        "webhook": (payloads, parse_webhook),
        "label config": ([XML.encode()], lambda data: parse_config(data.decode("utf-8", "replace"))),
        "snapshot": ([(project / "round.safetensors").read_bytes()], from_file(read_snapshot)),
        "head": ([json.dumps(head).encode()], from_file(lambda path: HeadReader().latest(path))),
        "manifest": (
            [b'{"format": 1, "version": "0", "at": 1.0, "projects": [1], "events": 2}'],
            _manifest,
        ),
    }


def _manifest(data: bytes) -> object:
    return read_manifest(data, "x")


def _fuzz(seeds: list[bytes], parse: Callable[[bytes], object], rng: random.Random, end: float) -> tuple[int, int, str]:
    """Inputs tried, lines of ours reached, and the first problem."""
    seen: set[tuple[str, int]] = set()
    corpus = list(seeds)
    for runs, data in enumerate(_inputs(seeds, corpus, rng), 1):
        began, before = time.process_time(), len(seen)
        problem = _tried(parse, data, seen)
        took = time.process_time() - began
        if problem or took > SLOWEST_S:
            return runs, len(seen), f"{problem or f'{took:.1f} s'} for {data[:200]!r}"
        if len(seen) > before:
            corpus.append(data)
        if time.monotonic() > end:
            return runs, len(seen), ""
    raise AssertionError  # there is no last input


def _tried(parse: Callable[[bytes], object], data: bytes, seen: set[tuple[str, int]]) -> str:
    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(_ROOM):
            return None
        if event == "line":
            seen.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        parse(data)
    except LabelCueError as error:
        return "" if len(str(error)) < 5000 else "an error without end"
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    finally:
        sys.settrace(before)
    return ""


def _inputs(seeds: list[bytes], corpus: list[bytes], rng: random.Random) -> Iterator[bytes]:
    yield from seeds
    while True:
        data = bytearray(rng.choice(corpus))
        for _ in range(rng.choice((1, 1, 2, 5))):
            _change(data, corpus, rng)
        yield bytes(data[:LARGEST])


def _change(data: bytearray, corpus: list[bytes], rng: random.Random) -> None:
    """Flip, cut, repeat, insert a word that parsers know, or cross with another input."""
    place = rng.randrange(len(data) + 1)
    what = rng.randrange(6)
    if what == 0 and place < len(data):
        data[place] ^= 1 << rng.randrange(8)
    elif what == 1:
        del data[place : place + rng.randint(1, 50)]
    elif what == 2:
        data[place:place] = data[place : place + rng.randint(1, 200)] * rng.choice((1, 2, 50))
    elif what == 3:
        data[place:place] = rng.choice(_WORDS) * rng.choice((1, 1, 100))
    elif what == 4:
        other = rng.choice(corpus)
        data[place:] = other[rng.randrange(len(other) + 1) :]
    else:
        data[place : place + 1] = rng.randbytes(rng.randint(1, 4))
