"""Flags of commands, made of the settings: one description each, wherever it is read."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, get_origin

import click
from pydantic import SecretStr

from labelcue.settings import CONFIG, Settings, load_settings

F = TypeVar("F", bound=Callable[..., Any])


def options(*names: str) -> Callable[[F], F]:
    """Add `--config` and a flag for each of these settings (all, where none is named); passes `settings` on.

    Secrets have no flag: every user of a machine can read its process list.
    """
    chosen = names or tuple(name for name, field in Settings.model_fields.items() if field.annotation is not SecretStr)

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, config: Path | None, **given: Any) -> Any:
            flags = {name: given.pop(name) for name in chosen}
            if config is not None:
                os.environ[CONFIG] = str(config.absolute())  # for the processes that this one starts
            return function(*args, settings=load_settings(flags, config), **given)

        wrapped: Any = call
        for name in reversed(chosen):
            wrapped = _flag(name)(wrapped)
        path = click.Path(path_type=Path, dir_okay=False)
        return click.option("--config", type=path, help="Configuration file. [<home>/labelcue.toml]")(wrapped)  # type: ignore[no-any-return]

    return decorate


def _flag(name: str) -> Callable[[F], F]:
    field = Settings.model_fields[name]
    text = f"{field.description} [LABELCUE_{name.upper()}; default: {_shown(field.default)}]"
    option = f"--{name.replace('_', '-')}"
    if field.annotation is bool:
        return click.option(f"{option}/--no-{name.replace('_', '-')}", default=None, help=text)
    if get_origin(field.annotation) is not None:
        choices: tuple[str, ...] = field.annotation.__args__ if field.annotation else ()
        return click.option(option, type=click.Choice(choices), default=None, help=text)
    return click.option(option, default=None, help=text, metavar=name.rpartition("_")[2].upper())


def _shown(default: object) -> str:
    return str(default) or "none"
