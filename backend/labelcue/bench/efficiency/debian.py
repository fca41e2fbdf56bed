"""Programs of Debian with the tags that people gave them (debtags): for `--data debian:tags` or `debian:FILE`.

Sets of labels that nobody derived or made up. Nothing is shipped or fetched: the list is the one that apt keeps on any
Debian machine, and a text is a package's name with its short description. What was chosen is the same rule for each
release; the contents, and so the figures, are the release's.
"""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress

from labelcue.bench.efficiency.dataset import LabelledSet
from labelcue.embedders import embedders
from labelcue.errors import BadRequest
from labelcue.types import Floats

PREFIX = "debian:"
OF_APT = "tags"
"""In place of a file: what apt knows here."""
LIST = ("apt-cache", "dumpavail")
PROGRAM = "role::program"
FACETS = ("field", "use", "works-with")
"""What a program is for, and on what: its words tell, where those of `implemented-in` do not."""
UNSAID = "TODO"
"""Stands where a facet still waits for somebody."""
LABELS = 20
"""The most common tags, of the facets together; of the rarer ones a few hundred labels hold next to nothing."""
LEAST = 1000
"""Programs; of fewer, the rarest label would have too few test items."""
TESTED = 3
"""One program in so many is a test row."""
EMBEDDED = 512
"""Texts between two steps of the progress bar."""
REMEDY = "On Debian, run apt-get update; elsewhere pass debian:FILE, the unpacked Packages list of a Debian release."


@dataclass(frozen=True)
class Program:
    """A package that people have tagged with what it is for."""

    name: str
    text: str
    """Its name and its short description."""
    tags: frozenset[str]
    """Of the facets, one or more."""


def debian(name: str, embedder: str = "minilm") -> LabelledSet:
    """The set of `debian:tags` or `debian:FILE`, embedded. Raises BadRequest, and ConfigError as the embedder does.

    Its name says the release and the first digits of the contents' digest: figures of two lists do not compare.
    """
    wanted = name.removeprefix(PREFIX)
    programs = programs_of(_apt() if wanted == OF_APT else _read(Path(wanted)))
    if len(programs) < LEAST:
        raise BadRequest(f"{name} has {len(programs)} tagged programs; {LEAST} are needed.", REMEDY)
    return _labelled(f"debian-{_release() if wanted == OF_APT else Path(wanted).stem}", programs, embedder)


def programs_of(packages: str) -> list[Program]:
    """Tagged programs of a Packages list, by name: one of each source, and one of those with the same description.

    Sources often make several packages that differ in a word (`claws-mail` 29), and lists have updates twice.
    """
    sources, descriptions, found = set(), set(), []
    for fields in sorted(stanzas(packages), key=lambda one: one.get("Package", "")):
        tags = frozenset(tag.strip() for tag in fields.get("Tag", "").split(",")) - {""}
        said = frozenset(tag for tag in tags if _counts(tag))
        name, description = fields.get("Package", ""), fields.get("Description", "")
        source = (fields.get("Source") or name).split(" ")[0]
        if PROGRAM not in tags or not said or not description or source in sources or description in descriptions:
            continue
        sources.add(source)
        descriptions.add(description)
        found.append(Program(name, f"{name}: {description}", said))
    return found


def stanzas(packages: str) -> Iterator[dict[str, str]]:
    """The fields of each package, folded lines joined; of a description, its first line alone."""
    for stanza in packages.split("\n\n"):
        fields: dict[str, str] = {}
        key = ""
        for line in stanza.splitlines():
            if not line.startswith((" ", "\t")):
                key, _, value = line.partition(":")
                fields[key] = value.strip()
            elif key != "Description":
                fields[key] = f"{fields.get(key, '')} {line.strip()}".strip()
        if fields:
            yield fields


def _labelled(name: str, programs: Sequence[Program], embedder: str) -> LabelledSet:
    """Programs that have none of the labels but a rarer tag stay, with an empty set: somebody looked at these.

    A program is a test row by its name's checksum, so that it is one in every release.
    """
    labels, texts = common_tags(programs), [program.text for program in programs]
    targets = np.array([[label in program.tags for label in labels] for program in programs]).astype(np.int64)
    tests = np.array([zlib.crc32(program.name.encode()) % TESTED == 0 for program in programs])
    alike = [label for label, column in zip(labels, targets[~tests].T, strict=True) if np.ptp(column) == 0]
    if alike:
        raise BadRequest(f"The pool of {name} has {', '.join(alike[:5])} always or never.", REMEDY)
    sha = hashlib.sha256(json.dumps([embedder, texts, labels, targets.tolist()]).encode()).hexdigest()[:16]
    vectors = _embedded(texts, embedder)
    return LabelledSet(
        name=f"{name}-{sha[:6]}",
        vectors=vectors[~tests],
        targets=targets[~tests],
        test_vectors=vectors[tests],
        test_targets=targets[tests],
        classes=labels,
        sha=sha,
    )


def common_tags(programs: Sequence[Program]) -> tuple[str, ...]:
    """The labels, the most common first; of equals, by name."""
    counts = Counter(tag for program in programs for tag in program.tags)
    return tuple(sorted(counts, key=lambda tag: (-counts[tag], tag))[:LABELS])


def _counts(tag: str) -> bool:
    facet, _, value = tag.partition("::")
    return facet in FACETS and value != UNSAID


def _apt() -> str:
    try:
        listed = subprocess.run(LIST, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BadRequest(f"debian:{OF_APT} cannot be read: {error}.", REMEDY) from error
    return listed.stdout.decode(errors="replace")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        remedy = f"Name an unpacked Packages list, or debian:{OF_APT} for apt's own."
        raise BadRequest(f"debian:{path} cannot be read: {error}.", remedy) from error


def _release() -> str:
    """Such as `bookworm`; apt's list has no name of its own."""
    try:
        known = platform.freedesktop_os_release()
    except OSError:
        known = {}
    return known.get("VERSION_CODENAME") or known.get("ID") or "unknown"


def _embedded(texts: Sequence[str], embedder: str) -> Floats:
    model, console = embedders.create(embedder), Console(stderr=True)
    parts = []
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bars:
        bar = bars.add_task("descriptions", total=len(texts))
        for first in range(0, len(texts), EMBEDDED):
            part = texts[first : first + EMBEDDED]
            parts.append(model.embed(part))
            bars.advance(bar, len(part))
    return np.concatenate(parts)
