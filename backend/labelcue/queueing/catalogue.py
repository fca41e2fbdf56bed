"""What can be chosen: the learner writes down its strategies and surrogates, so that others need not load them."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labelcue.errors import Corrupt, NotFound, StoreError
from labelcue.store.atomic import replace_file


class _Card(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ParamCard(_Card):
    """One parameter of a strategy."""

    name: str
    default: float
    least: float | None = Field(description="The least value; null: any.")
    most: float | None = Field(description="The largest value; null: any.")
    whole: bool = Field(description="Whether only whole numbers make sense.")
    range: str = Field(description="What may be passed, in words.")
    says: str = Field(description="What it does, in one sentence.")


class StrategyCard(_Card):
    """One strategy."""

    name: str
    summary: str = Field(description="What it does, in one sentence.")
    when: str = Field(description="When to use it, in one sentence.")
    params: list[ParamCard]
    kinds: list[str] = Field(
        default_factory=list, description="Kinds of label for which it makes sense; empty: not said."
    )

    def suits(self, kind: str) -> bool:
        """Whether it makes sense for this kind of label; where nothing is said, it does."""
        return kind in self.kinds or not self.kinds


class SurrogateCard(_Card):
    """One surrogate."""

    name: str
    summary: str = Field(description="What it learns, in one sentence.")
    when: str = Field(description="When to use it, in one sentence.")
    kind: str = Field(default="", description="The kind of label that it learns; empty: not said.")
    listens: bool = Field(default=False, description="Whether it takes what another model says.")

    def suits(self, kind: str) -> bool:
        """Whether it learns this kind of label; where nothing is said, it does."""
        return self.kind in {kind, ""}


class Catalogue(_Card):
    """All that the learner has; the operator's defaults come first."""

    strategies: list[StrategyCard]
    surrogates: list[SurrogateCard]

    def strategy(self, name: str) -> StrategyCard | None:
        """The card of `name`, whatever version it pins."""
        bare = name.partition("@")[0]
        return next((card for card in self.strategies if card.name == bare), None)

    def surrogate(self, name: str) -> SurrogateCard | None:
        """The card of `name`, whatever version it pins."""
        bare = name.partition("@")[0]
        return next((card for card in self.surrogates if card.name == bare), None)


def write_catalogue(path: Path, catalogue: Catalogue) -> None:
    """Swap the file whole. Raises StoreError."""
    replace_file(path, catalogue.model_dump_json(indent=1).encode(), durable=False)


def read_catalogue(path: Path) -> Catalogue:
    """What `write_catalogue` wrote. Raises NotFound before the learner's first start, Corrupt, StoreError."""
    try:
        return Catalogue.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFound(
            "Nobody knows yet what can be chosen: the learner has never run.", "Start it: `labelcue serve`."
        ) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", "Let this user read it.") from error
    except ValidationError as error:
        raise Corrupt(f"{path} is no catalogue.", "Restart the learner, which writes it anew.") from error
