"""The form of a queue's settings: what it shows, and what was sent with it. Shares are percentages in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labelcue.errors import WrongSetting
from labelcue.queueing.catalogue import Catalogue, ParamCard, StrategyCard
from labelcue.queueing.settings import QueueSettings

SHARES = ("audit", "explore", "second_opinions")
MANY_CLASSES = 30
"""With more, a form with a field for each would be no help: their quotas are lines of text, too."""
_FRIENDLY = {
    "strategy": "Strategy",
    "params": "Parameters",
    "surrogate": "Model",
    "explore": "Exploration",
    "audit": "Audit items",
    "classes": "Class quotas",
    "slice_field": "Slice field",
    "slices": "Slice quotas",
    "second_opinions": "Second opinions",
    "pre_annotation": "Pre-annotation",
}


def friendly(field: str) -> str:
    """A setting's name for people."""
    return _FRIENDLY.get(field.partition(".")[0], field)


def percent(value: float) -> str:
    """A share as the form has it: `12.5`."""
    return f"{100 * value:.6g}"


def lines(quotas: Mapping[str, float]) -> str:
    """Quotas as text, one a line."""
    return "\n".join(f"{name} = {percent(value)}" for name, value in quotas.items())


def param(settings: QueueSettings, card: StrategyCard, one: ParamCard) -> str:
    """A parameter as it stands; its default where another strategy is chosen, or nothing was said."""
    ours = card.name == settings.strategy.partition("@")[0]
    return f"{settings.params.get(one.name, one.default) if ours else one.default:g}"


def wanted(form: Mapping[str, str], catalogue: Catalogue) -> dict[str, Any]:
    """The settings that the form asks for. Raises WrongSetting for what is no number or no line."""
    strategy = form.get("strategy", "")
    card = catalogue.strategy(strategy)
    params = {}
    for one in card.params if card is not None else ():
        given = form.get(f"params.{strategy}.{one.name}", "").strip()
        if given and _number(f"params.{one.name}", given) != one.default:
            params[one.name] = _number(f"params.{one.name}", given)
    found: dict[str, Any] = {"strategy": strategy, "params": params}
    for name in ("surrogate", "pre_annotation", "slice_field"):
        found[name] = form.get(name, "").strip()
    for name in SHARES:
        found[name] = _share(name, form.get(name, ""))
    found["classes"] = _quotas("classes", form)
    found["slices"] = _quotas("slices", form)
    return found


def _quotas(name: str, form: Mapping[str, str]) -> dict[str, float]:
    """Fields `name.VALUE`, and lines `VALUE = percent`; empty ones and zeros are no quotas."""
    found = {key.partition(".")[2]: value for key, value in form.items() if key.startswith(f"{name}.")}
    for line in form.get(name, "").splitlines():
        value, sign, number = line.rpartition("=")
        if line.strip() and not sign:
            raise WrongSetting(
                name, f"The line {line.strip()[:60]!r} has no '='.", "Write one a line: value = percent."
            )
        if line.strip():
            found[value.strip()] = number
    shares = {value: _share(f"{name}.{value}", number) for value, number in found.items()}
    return {value: share for value, share in shares.items() if share}


def _share(name: str, text: str) -> float:
    text = text.replace("%", "").strip()
    return round(_number(name, text) / 100, 12) if text else 0.0


def _number(name: str, text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError as error:
        raise WrongSetting(
            name, f"{friendly(name)}: {text[:40]!r} is no number.", "Write a number, as 12.5."
        ) from error


def shown(settings: QueueSettings) -> list[tuple[str, str]]:
    """Every setting for people: name and value."""
    found = []
    for field, value in settings.model_dump().items():
        if isinstance(value, dict):
            pair = "{} {}" if field == "params" else "{} {}\N{NARROW NO-BREAK SPACE}%"
            said = ", ".join(
                pair.format(key, f"{one:g}" if field == "params" else percent(one)) for key, one in value.items()
            )
        else:
            said = f"{percent(value)}\N{NARROW NO-BREAK SPACE}%" if isinstance(value, float) else str(value)
        found.append((friendly(field), said or "none"))
    return found
