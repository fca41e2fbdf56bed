"""What LabelCue stands on, as it is installed: at the locked version, above what is known to be unsafe, free to use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

SAFE_SINCE = {
    "certifi": ("2024.7.4", "CVE-2024-39689"),
    "flask": ("3.1.1", "CVE-2025-47278"),
    "fonttools": ("4.60.2", "CVE-2025-66034"),
    "h11": ("0.16.0", "CVE-2025-43859"),
    "idna": ("3.7", "CVE-2024-3651"),
    "jinja2": ("3.1.6", "CVE-2025-27516"),
    "label-studio-sdk": ("1.0.10", "CVE-2025-25295"),
    "lxml": ("5.0.0", "older ones bundle a vulnerable libxml2"),
    "nltk": ("3.9", "CVE-2024-39705"),
    "numpy": ("1.22", "CVE-2021-41496"),
    "pillow": ("11.3.0", "CVE-2025-48379"),
    "pydantic": ("2.4.0", "CVE-2024-3772"),
    "requests": ("2.32.4", "CVE-2024-47081"),
    "scikit-learn": ("1.5.0", "CVE-2024-5206"),
    "torch": ("2.6.0", "CVE-2025-32434"),
    "tornado": ("6.5", "CVE-2025-47287"),
    "tqdm": ("4.66.3", "CVE-2024-34062"),
    "urllib3": ("2.5.0", "CVE-2025-50181"),
    "waitress": ("3.0.1", "CVE-2024-49768"),
    "werkzeug": ("3.0.6", "CVE-2024-49767"),
}
"""The first release without the newest flaw that we know of, and its name. `pip-audit` asks the network for more."""
_DEVICE = ("nvidia-", "cuda-", "triton")
"""What torch brings along beside a GPU; the lock names the CPU build and leaves these out."""
_COPYLEFT = re.compile(r"\b(A?GPL|SSPL|Commons Clause)", re.IGNORECASE)
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\n]+)", re.MULTILINE)


@dataclass(frozen=True)
class Package:
    """One distribution that LabelCue needs to run."""

    name: str
    version: str
    licence: str


def needed(direct: list[str]) -> list[Package]:
    """These requirements and all that they pull in on this machine, by name. Raises PackageNotFoundError."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement(one) for one in direct]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name in found or not _applies(one):
            continue
        found[name] = distribution(name)
        waiting += [Requirement(text) for text in found[name].requires or () if "extra ==" not in text]
        waiting += _of_extras(found[name], one.extras)
    return [Package(name, one.version, _licence(one)) for name, one in sorted(found.items())]


def problems(packages: list[Package], lock: Path) -> Iterator[str]:
    """What is unsafe, foreign to the lock, or not free to use, in a sentence each."""
    pinned: dict[str, set[str]] = {}
    for name, version in _PINNED.findall(lock.read_text()):
        pinned.setdefault(canonicalize_name(name), set()).add(version)
    for one in packages:
        least, flaw = SAFE_SINCE.get(one.name, ("0", ""))
        if Version(one.version) < Version(least):
            yield f"{one.name} {one.version} has {flaw}: take {least} or later, with `make lock`"
        if one.name not in pinned and not one.name.startswith(_DEVICE):
            yield f"{one.name} is not in {lock.name}: run `make lock`"
        if _COPYLEFT.search(one.licence) and "LGPL" not in one.licence:
            yield f"{one.name} is under {one.licence}"


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _of_extras(of: Distribution, extras: set[str]) -> list[Requirement]:
    every = [Requirement(text) for text in of.requires or ()]
    wanted = [one for one in every if one.marker is not None and any(one.marker.evaluate({"extra": x}) for x in extras)]
    return [Requirement(f"{one.name}{one.specifier}") for one in wanted]


def _licence(of: Distribution) -> str:
    """As its metadata say: the expression, the field if it is short, or the classifiers."""
    said = of.metadata
    classified = [one.rpartition(" :: ")[2] for one in said.get_all("Classifier") or () if one.startswith("License ::")]
    field = str(said.get("License") or "").strip()
    short = field if field and len(field) < 60 and "\n" not in field else ""
    return str(said.get("License-Expression") or short or "; ".join(classified) or "see its files")
