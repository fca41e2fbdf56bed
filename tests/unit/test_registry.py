"""Names, versions and arguments of registered things."""

from __future__ import annotations

import pytest

from labelcue.errors import UnknownName
from labelcue.registry import Registry


@pytest.fixture
def registry() -> Registry[str]:
    made: Registry[str] = Registry("labelcue.data")
    made._loaded = True
    made.register("plain")(lambda: "one")
    made.register("plain", version=2)(lambda: "two")
    made.register("named")(lambda argument: f"named {argument}")
    return made


def test_a_bare_name_takes_the_newest_version(registry: Registry[str]) -> None:
    assert registry.create("plain") == "two"
    assert registry.create("plain@1") == "one"
    assert registry.resolve("plain") == "plain@2"


def test_an_argument_is_passed_on(registry: Registry[str]) -> None:
    assert registry.create("named:a/b:c") == "named a/b:c"
    assert registry.resolve("named:x") == "named@1:x"


@pytest.mark.parametrize("name", ["other", "plain@3", "plain@x", "", "@1"])
def test_unknown_names_list_what_there_is(registry: Registry[str], name: str) -> None:
    with pytest.raises(UnknownName) as caught:
        registry.create(name)
    assert caught.value.remedy
