"""Names of embedders, surrogates and strategies, and how they are found.

A room (`labelcue.strategies`, say) is a package whose modules register one thing each:

    strategies = Registry("labelcue.strategies")

    @strategies.register("margin")
    class Margin(Strategy): ...

`name@version` pins a version; a bare name takes the newest. `name:argument` passes the rest to the factory.
Third parties use an entry point group of the room's name.
"""

from __future__ import annotations

import importlib
import pkgutil
import threading
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from labelcue.errors import UnknownName

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Registry(Generic[T]):
    """Factories by name and version; every module of the room is loaded at the first look-up."""

    def __init__(self, room: str) -> None:
        self.room = room
        self._factories: dict[str, dict[int, Callable[..., T]]] = {}
        self._loaded = False
        self._lock = threading.RLock()

    def register(self, name: str, version: int = 1) -> Callable[[F], F]:
        """Class or function decorator: adds a factory under `name@version`."""

        def add(factory: F) -> F:
            self._factories.setdefault(name, {})[version] = factory
            return factory

        return add

    def names(self) -> list[str]:
        """Every registered name, sorted, without versions."""
        self._load()
        return sorted(self._factories)

    def resolve(self, name: str) -> str:
        """The full `name@version` (with `:argument`, if any) that `name` stands for."""
        base, _, argument = name.partition(":")
        bare, _, version = base.partition("@")
        versions = self._versions(bare, name)
        number = int(version) if version.isdecimal() else max(versions)
        if number not in versions or (version and not version.isdecimal()):
            raise UnknownName(f"{bare!r} has no version {version!r}.", f"Versions: {sorted(versions)}.")
        return f"{bare}@{number}" + (f":{argument}" if argument else "")

    def create(self, name: str, **options: Any) -> T:
        """Build what `name` stands for; `name:argument` calls the factory with `argument` first."""
        base, _, argument = self.resolve(name).partition(":")
        bare, _, version = base.partition("@")
        factory = self._versions(bare, name)[int(version)]
        return factory(argument, **options) if argument else factory(**options)

    def _versions(self, bare: str, asked: str) -> dict[int, Callable[..., T]]:
        self._load()
        if bare not in self._factories:
            kind = self.room.rpartition(".")[2]
            raise UnknownName(
                f"There is nothing called {asked!r} in {kind}.", f"Choose one of: {', '.join(self.names())}."
            )
        return self._factories[bare]

    def _load(self) -> None:
        with self._lock:  # reentrant: a module may look something up while it is loaded
            if self._loaded:
                return
            package = importlib.import_module(self.room)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self.room}.{module.name}")
            for point in entry_points(group=self.room):
                self.register(point.name)(point.load())
            self._loaded = True
