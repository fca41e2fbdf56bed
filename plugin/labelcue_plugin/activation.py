"""Whether and how the plugin works in this process."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from labelcue_plugin import fingerprints
from labelcue_plugin.configuration import Unconfigured, read_configuration
from labelcue_plugin.service import LabelCue

log = logging.getLogger(__name__)


class Activation:
    """What became of the start: `cue` where the plugin works, else `refused` says why not."""

    def __init__(self) -> None:
        self.cue: LabelCue | None = None
        self.refused = "Label Studio has not started it yet."


STATE = Activation()


def activate() -> None:
    """Take the place of the choice of the next task, or say in one line why not."""
    try:
        configuration = read_configuration(os.environ)
        functions = found_functions(fingerprints.KNOWN)
    except Unconfigured as error:
        return _refuse(str(error))
    except Exception as error:  # whatever a Label Studio that we do not know raises, it must run
        return _refuse(f"this Label Studio's functions cannot be looked at ({type(error).__name__}: {error}).")
    strange = fingerprints.strangers(functions)
    if strange:
        return _refuse(
            f"this release of Label Studio has other functions than those that it knows ({', '.join(strange)}); "
            "use Label Studio 1.20 to 1.23.2, or a newer labelcue-plugin."
        )
    try:
        from labelcue_plugin import actions, columns
        from labelcue_plugin.serving import Serving
        from labelcue_plugin.stream import Stream

        cue = LabelCue(configuration)
        columns.install()
        actions.install()
        Serving(cue).install()
        Stream(cue).install()  # last: until here Label Studio chooses by itself
    except Exception as error:
        return _refuse(f"it cannot start in this Label Studio ({type(error).__name__}: {error}).")
    STATE.cue, STATE.refused = cue, ""
    return None


def found_functions(names: Mapping[str, Any]) -> dict[str, Callable[..., Any] | None]:
    """The functions of these names (`module:function` or `module:Class.method`), None where there is none."""
    found: dict[str, Callable[..., Any] | None] = {}
    for name in names:
        module, _, path = name.partition(":")
        thing: Any = import_module(module)
        for part in path.split("."):
            thing = getattr(thing, part, None)
        found[name] = thing
    return found


def _refuse(why: str) -> None:
    STATE.cue, STATE.refused = None, why
    log.warning("The LabelCue plugin is off, and Label Studio serves tasks by itself: %s", why)
