"""What a target still costs: the learner's forecast in labels, times what one label costs and how fast they come."""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from labelcue.errors import BadRequest

FIELDS = ("target", "price", "currency")
LONGEST_CURRENCY = 8


@dataclass(frozen=True, slots=True)
class Budget:
    """What the admin asked, and the answer; None where it cannot be said."""

    target: float | None
    """Accuracy in percent."""
    price: float | None
    """Of one label."""
    currency: str
    labels: Mapping[str, Any] | None
    """The estimate of labels that are still needed."""
    an_hour: float | None
    sentence: str

    @property
    def money(self) -> dict[str, float | None] | None:
        """The estimate in money."""
        return self._times(self.price)

    @property
    def hours(self) -> dict[str, float | None] | None:
        """The estimate in hours of labelling, at the present pace."""
        return self._times(1 / self.an_hour if self.an_hour else None)

    def _times(self, factor: float | None) -> dict[str, float | None] | None:
        if factor is None or self.labels is None:
            return None
        bounds = {name: self.labels.get(name) for name in ("value", "low", "high")}
        return {name: None if bound is None else bound * factor for name, bound in bounds.items()}


def budget(asked: Mapping[str, str], kept: MutableMapping[str, Any], curve: Mapping[str, Any]) -> Budget:
    """What is asked now, or else what this admin asked last; `curve` is the report's. Raises BadRequest."""
    if any(name in asked for name in FIELDS):
        kept["budget"] = {name: asked.get(name, "").strip() for name in FIELDS}
    said: dict[str, str] = kept.get("budget", {})
    target, price = _number("target", said), _number("price", said)
    if target is not None and target > 100:
        raise BadRequest("An accuracy is at most 100 %.", "Ask for a target below that.")
    found, sentence = _target(target, curve)
    return Budget(
        target,
        price,
        said.get("currency", "")[:LONGEST_CURRENCY],
        (found or {}).get("labels"),
        (curve.get("rate") or {}).get("an_hour"),
        sentence,
    )


def _target(target: float | None, curve: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """The forecast of the next whole percent, and its sentence."""
    points, targets = curve["points"], curve["targets"]
    if target is None or not points:
        return None, ""
    now = 100 * points[-1]["accuracy"]["value"]
    if target <= now:
        return None, f"The model is there already: its accuracy is {now:.1f} %."
    above = [one for one in targets if 100 * one["target"] >= target - 1e-9]
    if not above:
        return None, "Nobody can say what that target takes; ask for a lower one."
    best = min(above, key=lambda one: float(one["target"]))
    return (best if best["reachable"] else None), str(best["sentence"])


def _number(name: str, said: Mapping[str, str]) -> float | None:
    text = said.get(name, "").replace(",", ".").replace("%", "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise BadRequest(f"The {name} is no number.", "Write it as 95 or 0.08.")
    return value
