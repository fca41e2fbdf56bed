"""Taxonomy: paths through a tree; one path where a single one may be taken, else a set of them.

A class is a path, written as its values with ` / ` between. Each path is a class of its own: whoever takes
`Animal / Dog` has said nothing of `Animal`, as Label Studio stores it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TypeAlias
from xml.etree.ElementTree import Element

from labelcue.errors import TaskUnreadable, UnsupportedConfig
from labelcue.labels import CLASS, SET
from labelcue.labelstudio.controls import Control, controls
from labelcue.labelstudio.drawing import drawn
from labelcue.labelstudio.markup import Objects, controls_in, number, on, tree
from labelcue.types import Answer, Json, Label, TaskSpec

SEPARATOR = " / "
"""Label Studio's own between the parts of a path."""
Path: TypeAlias = tuple[str, ...]


@controls.register("Taxonomy")
class Taxonomy(Control):
    """A tree of choices for the whole task."""

    def kind(self, element: Element, objects: Objects) -> str:
        """One path with `maxUsages="1"`, else a set of them."""
        return CLASS if number(element.get("maxUsages", "")) == 1 else SET

    def classes(self, element: Element) -> tuple[Label, ...]:
        """Every path that may be taken: of `leafsOnly`, those that end at a leaf."""
        return tuple(map(SEPARATOR.join, _paths(element)))

    def refused(self, element: Element) -> str:
        """Trees that are not in the config, and paths for parts of the task."""
        paths = list(_paths(element))
        names = set(map(SEPARATOR.join, paths))
        checks = (
            (element.get("apiUrl"), "its tree comes from an address"),
            (element.get("value"), "its tree comes from each task"),
            (on(element, "perRegion"), "a perRegion Taxonomy is not learned, only one answer for the whole task"),
            (on(element, "perItem"), "a perItem Taxonomy is not learned, only one answer for the whole task"),
            (on(element, "labeling"), "a Taxonomy that labels regions is not learned, only one for the whole task"),
            (any("" in path for path in paths), "a Choice of its tree has neither value nor alias"),
            (len(names) < len(paths), f"two of its paths read alike, as one has {SEPARATOR!r} in a value"),
            (len(names) < 2, f"its tree has {len(names)} different paths, and learning needs two"),
        )
        return next((why for wrong, why in checks if wrong), "")

    def read(self, spec: TaskSpec, regions: Sequence[Mapping[str, Json]]) -> Answer | None:
        """A path; or a set of paths, the empty one where nothing was taken.

        Raises TaskUnreadable for a path that the config does not have, and for two where it takes one.
        """
        taken = list(dict.fromkeys(SEPARATOR.join(path) for region in regions for path in _taken(spec, region)))
        if spec.kind == CLASS and len(taken) > 1:
            shown = ", ".join(repr(path[:60]) for path in taken[:5])
            raise TaskUnreadable(
                f"{spec.from_name!r} has several paths: {shown}.", "It takes one; mend the annotation."
            )
        unknown = next((path for path in taken if path not in spec.classes), None)
        if unknown is not None:
            raise TaskUnreadable(
                f"{spec.from_name!r} has the unknown path {unknown[:60]!r}.",
                "Mend the annotation, or add the path to the label config.",
            )
        if spec.kind == SET:
            return frozenset(taken)
        return taken[0] if taken else None

    def made(self, spec: TaskSpec, answer: Answer) -> list[Mapping[str, Json]]:
        """One region, its paths in the config's order; none where no path is predicted."""
        wanted = answer if isinstance(answer, frozenset) else frozenset((str(answer),))
        known = _by_name(spec.xml, spec.from_name)
        gone = sorted(wanted - known.keys())
        if gone:
            raise UnsupportedConfig(f"the label config has no {gone[0][:60]!r} any more")
        paths = tuple(path for name, path in known.items() if name in wanted)
        if not paths:
            return []
        return [{**drawn(spec.xml, spec.from_name, paths), "value": {"taxonomy": [list(path) for path in paths]}}]


def _paths(element: Element) -> Iterator[Path]:
    """Those that may be taken, in the order of the config."""
    leaves = on(element, "leafsOnly")
    return (path for path, leaf in _walk(element, ()) if leaf or not leaves)


def _walk(element: Element, above: Path) -> Iterator[tuple[Path, bool]]:
    """Each path, and whether it ends at a leaf; of twins only the first, as Label Studio shows them."""
    seen: set[str] = set()
    for choice in element.findall("Choice"):
        value = choice.get("value") or ""
        if value not in seen:
            seen.add(value)
            path = (*above, choice.get("alias") or value)
            yield path, choice.find("Choice") is None
            yield from _walk(choice, path)


def _taken(spec: TaskSpec, region: Mapping[str, Json]) -> list[list[str]]:
    value = region.get("value")
    paths = value.get("taxonomy") if isinstance(value, Mapping) else None
    if not isinstance(paths, list) or not all(_is_path(path) for path in paths):
        raise TaskUnreadable(
            f"A region of {spec.from_name!r} has no list of paths.",
            "It was made under another label config; mend the annotation.",
        )
    return paths


def _is_path(path: Json) -> bool:
    return isinstance(path, list) and bool(path) and all(isinstance(part, str) for part in path)


@lru_cache(maxsize=16)
def _by_name(xml: str, name: str) -> Mapping[Label, Path]:
    """The paths of one control by their classes."""
    element = next(one for one in controls_in(tree(xml)) if one.get("name") == name)
    return {SEPARATOR.join(path): path for path in _paths(element)}
