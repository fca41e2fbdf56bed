"""How one project's Label Studio is reached, and what `disconnect` has to put back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from labelcue.errors import Corrupt, NotFound, StoreError
from labelcue.store.atomic import replace_file


class Connection(BaseModel):
    """One connected project. Only `save` ever writes the token in clear; `repr` and `model_dump` hide it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="Label Studio's address.")
    project: int = Field(description="The project's id in Label Studio.")
    token: SecretStr = Field(description="Personal access token or legacy token.")
    title: str = Field(default="", description="The project's title, for people.")
    backend_id: int | None = Field(default=None, description="Id of our ML backend in Label Studio.")
    webhook_id: int | None = Field(default=None, description="Id of our webhook in Label Studio.")
    renewals: int = Field(default=0, description="How often our webhook got a new secret.")
    embedder: str = Field(default="minilm", description="How this project's tasks become vectors.")
    model: str = Field(default="", description="Another model that is asked what it says of tasks; empty: none.")
    pre_annotation: Literal["off", "confident", "on"] = Field(
        default="off", description="When queued tasks show a label."
    )
    before: dict[str, Any] = Field(default_factory=dict, description="What `disconnect` restores.")

    @classmethod
    def load(cls, path: Path) -> Connection:
        """Read what `save` wrote. Raises NotFound, Corrupt, StoreError; none of them quotes the file."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise NotFound(f"There is no connection at {path}.", "Run `labelcue connect` for this project.") from error
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}.", "Let this user read it.") from error
        except ValidationError as error:
            fields = sorted({".".join(str(part) for part in one["loc"]) or "JSON" for one in error.errors()})
            raise Corrupt(
                f"{path} is no connection: {', '.join(fields)} cannot be read.", "Run `labelcue connect` again."
            ) from None

    def save(self, path: Path) -> None:
        """Write it, token and all, readable by its owner alone, swapped whole. Raises StoreError."""
        body = {**self.model_dump(mode="json"), "token": self.token.get_secret_value()}
        replace_file(path, json.dumps(body, indent=1, sort_keys=True).encode())
