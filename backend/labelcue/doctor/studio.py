"""Is Label Studio there, is it one that we know, and does it take our token?"""

from __future__ import annotations

from collections.abc import Iterator

from labelcue.doctor.finding import Finding
from labelcue.labelstudio.client import LabelStudio
from labelcue.store.connection import Connection

TESTED = ("1.23.",)
"""Beginnings of the releases against which the tests run."""
_ON_TOKENS = (
    "Put a personal access token (Account & Settings) in its place by running `labelcue connect` again. Legacy tokens "
    "are off by default, as they never expire; an owner may allow them under Organization, API Token Settings."
)


def studio_findings(ls: LabelStudio, connection: Connection) -> Iterator[Finding]:
    """`label-studio` and `token`; raises LabelStudioError and its kinds, which say what does not work."""
    project = connection.project
    user = ls.whoami()
    release = ls.version()
    known = release.startswith(TESTED)
    yield Finding(
        "label-studio",
        "ok" if known else "warn",
        f"Release {release} at {ls.url}" + ("." if known else ", which LabelCue was not tested with."),
        f"LabelCue is tested with Label Studio {', '.join(part + 'x' for part in TESTED)}; use one of these.",
        project,
    )
    legacy = connection.token.get_secret_value().count(".") != 2
    kind = (
        "a legacy token, which stops working when the organization forbids them"
        if legacy
        else "a personal access token"
    )
    yield Finding("token", "ok", f"Accepted for {user.get('email', user.get('id'))}: {kind}.", _ON_TOKENS, project)
