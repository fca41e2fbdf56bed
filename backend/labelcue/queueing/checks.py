"""Whether settings can be: the strategy is there, its parameters are in range, the classes exist."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from labelcue.errors import LabelCueError, WrongSetting
from labelcue.labels import LabelKind
from labelcue.queueing.catalogue import Catalogue, ParamCard
from labelcue.queueing.settings import QueueSettings

if TYPE_CHECKING:
    from labelcue.labelstudio.way import Way

SHOWN = 10
"""So many values are named in a remedy."""


def check_choice(settings: QueueSettings, catalogue: Catalogue) -> None:
    """Raises WrongSetting for a strategy, a parameter or a surrogate that nobody has."""
    card = catalogue.strategy(settings.strategy)
    if card is None:
        names = ", ".join(one.name for one in catalogue.strategies)
        raise WrongSetting("strategy", f"There is no strategy {settings.strategy!r}.", f"Choose one of: {names}.")
    declared = {one.name: one for one in card.params}
    for name, value in settings.params.items():
        if name not in declared:
            raise WrongSetting(
                f"params.{name}",
                f"The strategy {card.name!r} has no parameter {name!r}.",
                f"It knows: {', '.join(declared) or 'none'}.",
            )
        if not _allows(declared[name], value):
            raise WrongSetting(
                f"params.{name}",
                f"The parameter {name!r} of {card.name!r} cannot be {value:g}.",
                f"Pass {declared[name].range}.",
            )
    if catalogue.surrogate(settings.surrogate) is None:
        names = ", ".join(one.name for one in catalogue.surrogates)
        raise WrongSetting("surrogate", f"There is no surrogate {settings.surrogate!r}.", f"Choose one of: {names}.")


def check_kind(settings: QueueSettings, stands: QueueSettings, catalogue: Catalogue, kind: LabelKind) -> None:
    """Raises WrongSetting for what makes no sense for the project's kind of label. A strategy or surrogate that stands
    already may stay: the learner takes another in its place."""
    strategy, surrogate = catalogue.strategy(settings.strategy), catalogue.surrogate(settings.surrogate)
    if strategy is not None and settings.strategy != stands.strategy and not strategy.suits(kind.like or kind.name):
        names = ", ".join(one.name for one in catalogue.strategies if one.suits(kind.like or kind.name))
        raise WrongSetting(
            "strategy",
            f"The strategy {strategy.name!r} makes no sense for labels that are {kind.takes}.",
            f"Choose one of: {names}.",
        )
    if surrogate is not None and settings.surrogate != stands.surrogate and not surrogate.suits(kind.name):
        names = ", ".join(one.name for one in catalogue.surrogates if one.suits(kind.name))
        raise WrongSetting(
            "surrogate",
            f"The surrogate {surrogate.name!r} does not learn labels that are {kind.takes}.",
            f"Choose one of: {names}.",
        )
    if settings.classes and not kind.exclusive:
        raise WrongSetting(
            "classes",
            f"The labels are {kind.takes}: no task has a single class, so that classes have no shares of the places.",
            "Take the class quotas out; slices can have quotas.",
        )


def check_opinions(way: Callable[[], Way]) -> None:
    """Raises WrongSetting for a share of second opinions unless the plugin serves: Label Studio serves a labelled task
    to nobody, and only the plugin opens one again."""
    try:
        found = way()
    except LabelCueError as error:
        raise WrongSetting(
            "second_opinions",
            f"Whether a share of second opinions can be served is not known: {error.message}",
            f"{error.remedy} Until then leave it as it is.".strip(),
        ) from error
    if not found.by_plugin:
        raise WrongSetting(
            "second_opinions",
            "A share of second opinions cannot be served: Label Studio keeps a labelled task closed, only the plugin "
            f"opens it again, and this queue is served {found.words}.",
            "Leave it at 0, or install the plugin (plugin/docs/README.md).",
        )


def check_classes(settings: QueueSettings, classes: Collection[str]) -> None:
    """Raises WrongSetting for a class that the label config does not have."""
    unknown = sorted(settings.classes.keys() - set(classes))
    if unknown:
        raise WrongSetting(
            "classes",
            f"The label config has no class {', '.join(map(repr, unknown))}.",
            f"Choose among: {', '.join(classes) or 'none yet, as the learner has not read it'}.",
        )


def check_slices(settings: QueueSettings, fields: Mapping[str, Mapping[str, int]], unfit: Collection[str]) -> None:
    """Raises WrongSetting for a field that no task has, or that is no slice, and for values that no task has.

    `fields`: field → value → number of tasks.
    """
    field = settings.slice_field
    if not field:
        return
    usable = f"Choose among: {', '.join(fields) or 'none yet, as the learner has not read the tasks'}."
    if field in unfit:
        raise WrongSetting(
            "slice_field", f"The field {field!r} has too many values, or too long ones, to be a slice.", usable
        )
    if field not in fields:
        raise WrongSetting("slice_field", f"No task has a field {field!r}.", usable)
    unknown = sorted(settings.slices.keys() - fields[field].keys())
    if unknown:
        values = list(fields[field])
        more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
        raise WrongSetting(
            "slices",
            f"No task has {', '.join(map(repr, unknown))} as {field!r}.",
            f"Choose among: {', '.join(values[:SHOWN])}{more}.",
        )


def _allows(param: ParamCard, value: float) -> bool:
    return (
        (not param.whole or value == int(value))
        and (param.least is None or value >= param.least)
        and (param.most is None or value <= param.most)
    )
