"""A region of an image → the upright rectangle around it, as shares of the image's width and height. Pure.

Label Studio keeps places in percent of the image as it is shown, upright. Points have no extent, and brushes lie in an
encoding of their own, so that both have no rectangle here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import cos, hypot, isfinite, radians, sin
from typing import NamedTuple

from labelcue.types import Json, Label, TaskSpec


class Box(NamedTuple):
    """Shares, 0 to 1, of an image's width and height; never empty."""

    left: float
    top: float
    right: float
    bottom: float


def box_of(spec: TaskSpec, region: Mapping[str, Json]) -> Box | None:
    """The part of the image that lies within a region's bounding rectangle; None where that cannot be told."""
    value, shape = region.get("value"), _SHAPES.get(spec.control)
    if shape is None or not isinstance(value, Mapping) or region.get("image_rotation"):
        return None
    try:
        wide, high = _size(region, "original_width"), _size(region, "original_height")
        box = _around([(x / wide / 100, y / high / 100) for x, y in shape(value, wide, high)])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return box


def has_boxes(spec: TaskSpec) -> bool:
    """Whether regions of this control have rectangles."""
    return spec.object == "Image" and spec.control in _SHAPES


def class_of(spec: TaskSpec, region: Mapping[str, Json]) -> Label | None:
    """The region's label, where it has exactly one that the label config knows."""
    value = region.get("value")
    labels = value.get(spec.control.lower()) if isinstance(value, Mapping) else None
    known = isinstance(labels, list) and len(labels) == 1 and labels[0] in spec.classes
    return str(labels[0]) if known and isinstance(labels, list) else None


Point = tuple[float, float]


def _rectangle(value: Mapping[str, Json], wide: float, high: float) -> Iterable[Point]:
    """Its corners: it is turned clockwise about the first one, the top left before."""
    x, y = float(value["x"]) * wide, float(value["y"]) * high
    right, down = float(value["width"]) * wide, float(value["height"]) * high
    angle = radians(float(value.get("rotation") or 0))
    for dx, dy in ((0.0, 0.0), (right, 0.0), (right, down), (0.0, down)):
        yield x + dx * cos(angle) - dy * sin(angle), y + dx * sin(angle) + dy * cos(angle)


def _ellipse(value: Mapping[str, Json], wide: float, high: float) -> Iterable[Point]:
    """Two corners around it: it is turned about its middle, and reaches √((a cos)² + (b sin)²) to the sides."""
    x, y = float(value["x"]) * wide, float(value["y"]) * high
    a, b = float(value["radiusX"]) * wide, float(value["radiusY"]) * high
    angle = radians(float(value.get("rotation") or 0))
    across, up = hypot(a * cos(angle), b * sin(angle)), hypot(a * sin(angle), b * cos(angle))
    return (x - across, y - up), (x + across, y + up)


def _polygon(value: Mapping[str, Json], wide: float, high: float) -> Iterable[Point]:
    """Its points."""
    for x, y in value["points"]:
        yield float(x) * wide, float(y) * high


_SHAPES: Mapping[str, Callable[[Mapping[str, Json], float, float], Iterable[Point]]] = {
    "RectangleLabels": _rectangle,
    "PolygonLabels": _polygon,
    "EllipseLabels": _ellipse,
}


def _size(region: Mapping[str, Json], name: str) -> float:
    """Pixels of the image, which tell what a turned region's sides are; a square where nobody says."""
    value = float(region.get(name) or 1)
    return value if isfinite(value) and value > 0 else 1.0


def _around(points: Iterable[Point]) -> Box | None:
    """Of what lies inside the image."""
    across, down = zip(*points, strict=True)
    sides = (min(across), min(down), max(across), max(down))
    if not all(map(isfinite, sides)):
        return None
    left, top, right, bottom = (min(1.0, max(0.0, side)) for side in sides)
    return Box(left, top, right, bottom) if left < right and top < bottom else None
