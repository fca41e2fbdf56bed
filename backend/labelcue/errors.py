"""Every error that LabelCue raises on purpose.

LabelCueError                 the root: code, message, remedy, HTTP status
├── ConfigError               a setting is missing or wrong                        400
│   └── UnsupportedConfig     the label config has nothing that we can learn       422
├── BadRequest                a body or parameter cannot be read                   400
│   ├── TooLarge              it is over a limit                                   413
│   └── WrongSetting          a setting of the queue cannot be                     400
├── Conflict                  somebody else was faster                             409
├── NotAuthorised             the secret is missing or wrong                       401
├── NotFound                  no such project, task or version                     404
│   └── UnknownName           nothing of that name is registered                   404
├── TaskUnreadable            one task has no data that we can embed               422
├── StoreError                the ledger or an array file cannot be used           503
│   ├── StoreBusy             the ledger is locked for longer than we wait         503
│   ├── Corrupt               a file fails its checksum or its format              500
│   └── LeaseLost             another process holds this project                   409
├── OutsideError              another model or embedder said no, or nonsense       502
│   └── OutsideDown           no answer, a time-out, 429 or 5xx: try again later   503
└── LabelStudioError          Label Studio said no, or nothing                     502
    ├── LabelStudioDown       no answer, a time-out, 429 or 5xx: try again later   503
    ├── LabelStudioRefused    401 or 403: the token is not accepted                502
    └── ProjectGone           the project was deleted                              410
"""

from __future__ import annotations

from typing import ClassVar


class LabelCueError(Exception):
    """An error that names the thing, the reason and the remedy."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()

    def envelope(self) -> dict[str, dict[str, str]]:
        """The one shape in which an error reaches a client."""
        return {"error": {"code": self.code, "message": self.message, "remedy": self.remedy}}


class ConfigError(LabelCueError):
    """A setting is missing or wrong."""

    code = "config"
    status = 400


class UnsupportedConfig(ConfigError):
    """The label config has no control that LabelCue can learn."""

    code = "unsupported_config"
    status = 422


class BadRequest(LabelCueError):
    """A body or a parameter cannot be read."""

    code = "bad_request"
    status = 400


class TooLarge(BadRequest):
    """A body is over the limit."""

    code = "too_large"
    status = 413


class WrongSetting(BadRequest):
    """A setting of the queue cannot be what it was to become."""

    code = "wrong_setting"

    def __init__(self, field: str, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.field = field
        """The setting's name, so that a form can point at it."""


class Conflict(LabelCueError):
    """Somebody else was faster; what stands now is theirs."""

    code = "conflict"
    status = 409


class NotAuthorised(LabelCueError):
    """The secret is missing or wrong."""

    code = "not_authorised"
    status = 401


class NotFound(LabelCueError):
    """No such project, task or version."""

    code = "not_found"
    status = 404


class UnknownName(NotFound):
    """Nothing of that name is registered."""

    code = "unknown_name"


class TaskUnreadable(LabelCueError):
    """One task has no data that can be embedded."""

    code = "task_unreadable"
    status = 422


class StoreError(LabelCueError):
    """The ledger or an array file cannot be used."""

    code = "store"
    status = 503


class StoreBusy(StoreError):
    """The ledger is locked for longer than we wait."""

    code = "store_busy"


class Corrupt(StoreError):
    """A file fails its checksum or its format."""

    code = "corrupt"
    status = 500


class LeaseLost(StoreError):
    """Another process holds this project."""

    code = "lease_lost"
    status = 409


class OutsideError(LabelCueError):
    """Another model, or an embedder that is a server, said no, or something that cannot be used."""

    code = "outside"
    status = 502


class OutsideDown(OutsideError):
    """No answer, a time-out, 429 or 5xx: worth trying again later."""

    code = "outside_down"
    status = 503

    def __init__(self, message: str, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after
        """Seconds that it asked us to wait, where it said so."""


class LabelStudioError(LabelCueError):
    """Label Studio said no, or nothing."""

    code = "label_studio"
    status = 502


class LabelStudioDown(LabelStudioError):
    """No answer, a time-out, 429 or 5xx: worth trying again later."""

    code = "label_studio_down"
    status = 503

    def __init__(self, message: str, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after
        """Seconds that Label Studio asked us to wait, where it said so."""


class LabelStudioRefused(LabelStudioError):
    """401 or 403: the token is not accepted."""

    code = "label_studio_refused"


class ProjectGone(LabelStudioError):
    """The project was deleted in Label Studio."""

    code = "project_gone"
    status = 410
