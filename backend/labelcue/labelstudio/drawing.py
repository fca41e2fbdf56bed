"""Answers → regions, made and checked by Label Studio's SDK, once for a config and an answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from labelcue.errors import UnsupportedConfig
from labelcue.types import Json

Value: TypeAlias = tuple[str, ...] | tuple[tuple[str, ...], ...] | float
"""What a region says: choices, paths, or a number."""
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")


@lru_cache(maxsize=1024)
def drawn(xml: str, control: str, value: Value) -> Mapping[str, Json]:
    """The region in which the control says `value`, made and accepted by the SDK; raises UnsupportedConfig.

    It is shared: copy what you change.
    """
    shown = ", ".join(map(repr, value))[:80] if isinstance(value, tuple) else f"{value:g}"
    alone = isinstance(value, tuple) and len(value) == 1 and isinstance(value[0], str)
    given = value[0] if isinstance(value, tuple) and alone else _json(value)
    try:
        region = _interface(xml).create_regions({control: given})[0]
    except (ValueError, IndexError) as error:
        raise UnsupportedConfig(f"Label Studio's SDK makes no region for {shown}.") from error
    made = {
        "id": region.id,
        "from_name": region.from_tag.name,
        "to_name": region.to_tag.name,
        "type": region.from_tag.tag.lower(),
        "value": region.value.model_dump(),
    }
    accept(xml, [made], shown)
    return made


def accept(xml: str, result: Sequence[Json], shown: str) -> None:
    """Pass where the SDK takes these regions for a prediction; raises UnsupportedConfig that names what is `shown`."""
    wrong = _interface(xml).validate_prediction({"result": list(result), "score": 1.0}, return_errors=True)
    if wrong:
        raise UnsupportedConfig(f"Label Studio's SDK refuses the label {shown}: {wrong[0][:200]}.")


def _json(value: Json) -> Json:
    return [_json(one) for one in value] if isinstance(value, tuple) else value


@lru_cache(maxsize=16)
def _interface(xml: str) -> Any:
    # Imported here: it costs a second and 60 MB, which only those who predict should pay.
    from label_studio_sdk.label_interface.interface import LabelInterface

    try:
        # lxml takes no declared encoding in text.
        return LabelInterface(_DECLARATION.sub("", xml, count=1))
    except Exception as error:  # The SDK raises bare Exceptions among others.
        raise UnsupportedConfig(f"Label Studio's SDK cannot read the label config: {type(error).__name__}.") from error
