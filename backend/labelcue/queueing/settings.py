"""The settings of one project's queue: a plain value, whole in every version."""

from __future__ import annotations

from collections.abc import Mapping
from math import fsum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from labelcue.errors import WrongSetting
from labelcue.types import Json

Share = Annotated[float, Field(ge=0, le=1)]
Quotas = dict[str, Annotated[float, Field(gt=0, le=1)]]
SHARES = ("explore", "audit", "classes", "slice_field", "slices")
"""What is kept account of: the count begins anew when any of it changes."""
ROUNDING = 1e-9
"""So far above 1 the sum of shares may be: ten times 0.1 is more than 1."""


class QueueSettings(BaseModel):
    """How a project's queue is made. Shares are of the places that are served, 0 to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    strategy: str = Field(default="herding", description="How the queue is ordered.")
    params: dict[str, float] = Field(
        default_factory=dict, description="The strategy's own parameters; those left out have their defaults."
    )
    surrogate: str = Field(default="logistic", description="What learns from the labels.")
    explore: Share = Field(default=0.0, description="Share of the places that are drawn at random and learned from.")
    audit: Share = Field(
        default=0.05,
        description="Share of the places that are drawn at random to measure the model; it never learns from them.",
    )
    classes: Quotas = Field(
        default_factory=dict, description="Share of the places for tasks of a class, as labelled or else predicted."
    )
    slice_field: str = Field(default="", description="The field of the tasks' data whose values are the slices.")
    slices: Quotas = Field(default_factory=dict, description="Share of the places for tasks of a slice.")
    second_opinions: Share = Field(
        default=0.0, description="Share of the places that go to labelled tasks, for another annotator's opinion."
    )
    pre_annotation: Literal["off", "confident", "on"] = Field(
        default="off", description="Whether tasks show the predicted label: never, only when confident, or always."
    )

    @model_validator(mode="after")
    def _add_up(self) -> QueueSettings:
        sums = {
            "audit": (self.audit, self.explore, self.second_opinions),
            "classes": tuple(self.classes.values()),
            "slices": tuple(self.slices.values()),
        }
        for name, shares in sums.items():
            if fsum(shares) > 1 + ROUNDING:
                words = "audit, explore and second_opinions" if name == "audit" else f"the shares of {name}"
                raise PydanticCustomError("sum", f"{words} sum to {fsum(shares):.3g}, more than 1", {"field": name})
        if self.slices and not self.slice_field:
            raise PydanticCustomError("sum", "slices need a slice_field", {"field": "slice_field"})
        return self

    @property
    def ordering(self) -> tuple[str, dict[str, float], str]:
        """What a change of makes the learner start anew: strategy, its parameters, surrogate."""
        return self.strategy, dict(self.params), self.surrogate

    @property
    def levers(self) -> dict[str, Json]:
        """All the rest, as JSON."""
        return self.model_dump(mode="json", exclude={"strategy", "params", "surrogate"})


class Change(NamedTuple):
    """One field that differs between two versions."""

    field: str
    was: Json
    now: Json


def read_settings(body: Mapping[str, Any], base: QueueSettings) -> QueueSettings:
    """`base` with the fields of `body` in place of its own. Raises WrongSetting that names the first wrong field."""
    try:
        return QueueSettings.model_validate({**base.model_dump(), **body})
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "sum":
            name = first["ctx"]["field"]
            raise WrongSetting(name, f"The settings do not fit together: {first['msg']}.", _meaning(name)) from error
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise WrongSetting(
                name, f"There is no setting {name!r}.", f"The settings are: {', '.join(QueueSettings.model_fields)}."
            ) from error
        raise WrongSetting(name, f"The setting {name!r} is wrong: {first['msg']}.", _meaning(name)) from error


def _meaning(name: str) -> str:
    described = QueueSettings.model_fields[name.partition(".")[0]].description
    return f"{name.partition('.')[0]}: {described}"


def changes(before: QueueSettings, after: QueueSettings) -> list[Change]:
    """The fields that differ, in the order of the settings."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [Change(name, old[name], new[name]) for name in old if old[name] != new[name]]


def in_words(changed: list[Change]) -> str:
    """What a save changed, for people: `strategy from herding to margin, audit from 0.05 to 0.1`."""
    said = [f"{one.field} from {_shown(one.was)} to {_shown(one.now)}" for one in changed]
    return ", ".join(said) or "nothing"


def _shown(value: Json) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={one:g}" for key, one in value.items()) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value) or "none"
