"""One frozen Settings, read once: defaults < environment < file < flags.

The environment uses `LABELCUE_` and the field's name in capitals (`LABELCUE_PORT=9095`); the file is `labelcue.toml`
in the home folder, or the one that `--config` or `LABELCUE_CONFIG` names, with the same names in small letters.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from labelcue.errors import ConfigError

FILE_NAME = "labelcue.toml"
PREFIX = "LABELCUE_"
CONFIG = "LABELCUE_CONFIG"
"""Environment variable that names the file, as `--config` does."""


class Settings(BaseSettings):
    """Everything that an operator can set. Each field says what it does; `labelcue settings` prints them all."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    home: Path = Field(Path("~/.labelcue"), description="Folder of the ledger, vectors, checkpoints and connections.")
    store: str = Field("", description="URL of the ledger; empty: `sqlite:///<home>/ledger.sqlite3`.")
    host: str = Field("127.0.0.1", description="Address that the service listens on.")
    port: int = Field(9095, ge=0, le=65535, description="Port that the service listens on; 0 takes a free one.")
    url: str = Field("", description="Address under which Label Studio reaches the service; empty: http://host:port.")
    threads: int = Field(8, ge=1, description="Threads that answer requests.")
    basic_user: str = Field("labelcue", description="User of the HTTP Basic authentication of backend routes.")
    basic_password: SecretStr = Field(SecretStr(""), description="Password of backend routes and of the REST API.")
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="Bearer of the whole REST API; each project's webhook has a secret made of it."
    )
    plugin_secret: SecretStr = Field(
        SecretStr(""), description="What the plugin makes each project's Bearer of; empty: `webhook_secret`."
    )
    insecure: bool = Field(False, description="Serve without secrets. For trials on loopback alone.")
    max_body_mb: float = Field(64, gt=0, description="Largest request body in MB; larger ones get 413.")
    busy_ms: int = Field(700, ge=1, description="How long an append waits for a locked ledger before 503, in ms.")
    embedder: str = Field(
        "auto",
        description="How tasks become vectors, unless the project was connected otherwise; auto: minilm for text, "
        "efficientnet-lite0 for images.",
    )
    model: str = Field(
        "",
        description="Another model whose predictions say how unsure tasks are: labelstudio for those that stand "
        "there, or an ML backend's address; empty: none.",
    )
    strategy: str = Field("herding", description="How the queue is ordered, unless the project chose otherwise.")
    surrogate: str = Field(
        "logistic",
        description="What learns from the labels: logistic, graph (shares labels among neighbours), committee.",
    )
    audit: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of the places drawn at random to measure the model, unless the project chose otherwise.",
    )
    seed: int = Field(0, ge=0, description="Seed of every random choice.")
    queue_length: int = Field(
        400, ge=1, description="Places of the queue that are chosen greedily, one given the others."
    )
    debounce_ms: int = Field(40, ge=0, description="How long a round waits for further events, in ms.")
    poll_ms: int = Field(20, ge=1, description="How often the learner looks for new events, in ms.")
    predict_embed_s: float = Field(2.0, gt=0, description="Time that /predict spends on embedding unknown tasks, in s.")
    reconcile_s: float = Field(60, gt=0, description="Seconds between two looks for what the webhooks missed.")
    reconcile_full_s: float = Field(3600, gt=0, description="Seconds between two comparisons of everything.")
    frontier: int = Field(200, ge=8, description="Fewest tasks that stand in Label Studio as predictions (stock way).")
    delivery_duty: float = Field(
        0.1, gt=0, le=1, description="Largest share of time that delivery may keep Label Studio busy."
    )
    pre_annotation: Literal["off", "confident", "on"] = Field(
        "off", description="Whether queued tasks show the predicted label: never, only when confident, or always."
    )
    confident: float = Field(
        0.9, ge=0, le=1, description="Confidence from which `pre_annotation = confident` shows a label."
    )
    media_allow: tuple[str, ...] = Field(
        (), description="Origins beside Label Studio that media may be fetched from, as https://*.example.com."
    )
    media_mb: float = Field(20, gt=0, description="Largest image file in MB; tasks with larger ones are named.")
    media_seconds: float = Field(20, gt=0, description="Time that one file may take, redirects included, in s.")
    media_parallel: int = Field(8, ge=1, le=64, description="Files that are fetched at a time.")
    media_cache_mb: float = Field(
        1000, ge=0, description="Room for fetched files under the home folder, in MB; 0: none."
    )
    crops: int = Field(
        20,
        ge=0,
        description="Boxes of an image that are cut out and embedded, to learn the class of a box; 0: none. Beside "
        "another model's boxes alone.",
    )
    lease_s: float = Field(10, gt=1, description="Seconds after which a dead learner's project is taken over.")
    insights_s: float = Field(
        60,
        ge=0,
        description="Seconds between two computations of what admins read, while something changes; 0: none.",
    )
    alarm_urls: SecretStr = Field(
        SecretStr(""), description="Web addresses that get a JSON body for every alarm, with a space between two."
    )
    blas_threads: int = Field(0, ge=0, description="Threads of linear algebra; 0: cores - 1, at least 1.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least serious line that is logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: console in a terminal, else JSON."
    )

    @property
    def base_url(self) -> str:
        """The address under which Label Studio reaches the service."""
        return self.url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def store_url(self) -> str:
        """The ledger's URL."""
        return self.store or f"sqlite:///{self.home / 'ledger.sqlite3'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags come in as keywords and are the only source here; `load_settings` merges the others below them."""
        return (init_settings,)


def load_settings(flags: Mapping[str, Any] | None = None, config: Path | None = None) -> Settings:
    """Merge defaults, environment, file and flags (None means: not given), the later the stronger.

    Raises ConfigError that names the field, its source and what is wrong.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    environment = EnvSettingsSource(Settings, env_prefix=PREFIX)()
    home = Path(given.get("home") or environment.get("home") or Settings.model_fields["home"].default).expanduser()
    named = str(config or os.environ.get(CONFIG, ""))
    path = Path(named) if named else home / FILE_NAME
    if named and not path.is_file():
        raise ConfigError(
            f"There is no configuration file {path}.", f"Leave out --config and {CONFIG}, or mend the path."
        )
    try:
        from_file = TomlConfigSettingsSource(Settings, path)() if path.is_file() else {}
    except ValueError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", "Mend the line that it names.") from error
    merged: dict[str, Any] = {**environment, **from_file, **given}
    merged["home"] = Path(merged.get("home", home)).expanduser().absolute()
    try:
        return Settings(**merged)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"The setting {name!r} is wrong: {first['msg']}.",
            f"Set it by {PREFIX}{name.upper()}, in {path} or by a flag; `labelcue settings` explains every one.",
        ) from error
