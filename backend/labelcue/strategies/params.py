"""What a strategy can be given: each parameter declares its range and says in a sentence what it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from math import isfinite
from typing import Any

from labelcue.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: a whole number where its default is one, else a number."""

    name: str
    default: float
    least: float | None
    most: float | None
    says: str
    """What it does, in one plain sentence."""

    @property
    def whole(self) -> bool:
        """Whether it counts something."""
        return isinstance(self.default, int)

    @property
    def range(self) -> str:
        """What may be passed, for people."""
        kind = "a whole number" if self.whole else "a number"
        if self.least is None or self.most is None:
            bound, word = (self.least, "from {:g} on") if self.most is None else (self.most, "up to {:g}")
            return kind if bound is None else f"{kind} {word.format(bound)}"
        return f"{kind} from {self.least:g} to {self.most:g}"

    def allows(self, value: object) -> bool:
        """Whether it may have this value."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            return False
        return (
            (not self.whole or value == int(value))
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
        )


def param(default: float, says: str, *, least: float | None = None, most: float | None = None) -> Any:
    """A field of a strategy's dataclass that declares itself."""
    return field(default=default, metadata={"says": says, "least": least, "most": most})


def params_of(strategy: object) -> list[Param]:
    """The parameters of a strategy, in the order of its fields; those of others than us may lack range and words."""
    declared = fields(strategy) if is_dataclass(strategy) else ()
    return [
        Param(one.name, one.default, one.metadata.get("least"), one.metadata.get("most"), one.metadata.get("says", ""))
        for one in declared
        if one.default is not MISSING and isinstance(one.default, (int, float))
    ]


def read_params(name: str, known: list[Param], given: Mapping[str, Any]) -> dict[str, float]:
    """Counts as whole numbers. Raises BadRequest that names what the strategy `name` does not know, or cannot take."""
    declared = {one.name: one for one in known}
    unknown = sorted(given.keys() - declared.keys())
    if unknown:
        raise BadRequest(
            f"The strategy {name!r} has no parameter {', '.join(map(repr, unknown))}.",
            f"It knows: {', '.join(declared) or 'none'}.",
        )
    for key, value in given.items():
        if not declared[key].allows(value):
            raise BadRequest(
                f"The strategy {name!r} was given {key}={value!r}.", f"Pass {declared[key].range} as {key}."
            )
    return {key: int(value) if declared[key].whole else value for key, value in given.items()}
