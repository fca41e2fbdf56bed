"""What other settings would do to a queue: a question to the learner and its answer, each a small file.

home/projects/<N>/compare/<id>.ask.json      settings, two of them, and how many places
home/projects/<N>/compare/<id>.answer.json   the first places under each, side by side
home/projects/<N>/compare/<id>.typed.json    the form that it was asked with, for who goes on with it
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from labelcue.errors import Corrupt, StoreError
from labelcue.queueing.settings import QueueSettings
from labelcue.store.atomic import replace_file

FOLDER = "compare"
ASK, ANSWER, TYPED = ".ask.json", ".answer.json", ".typed.json"
NUMBERS = 2**53
"""A question's number is below this: whole in JSON wherever it is read."""
KEPT_S = 3600.0
"""How long answers, and questions that nobody answered, are kept."""
PLACES = 50
MOST = 400


_FIELDS = TypeAdapter(dict[str, str])


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Part):
    """Two settings whose queues are to be compared."""

    a: QueueSettings
    b: QueueSettings
    places: int = Field(default=PLACES, ge=1, le=MOST)


class Seat(_Part):
    """One place of a queue."""

    task: int
    label: str | None = Field(description="The predicted class; null while nothing is trained.")
    confidence: float
    uncertainty: float
    novelty: float
    slice: str = Field(description="The value of the slice field; empty without one.")
    reason: str
    shared: bool = Field(description="Whether the other queue has the task in its first places, too.")


class Side(_Part):
    """The first places under one of the settings."""

    settings: QueueSettings
    strategy: str = Field(description="The strategy that ordered it: an understudy while the neighbour graph grows.")
    places: list[Seat]
    classes: dict[str, int] = Field(description="How many places are predicted to be of each class.")
    slices: dict[str, int] = Field(description="How many are of each slice, the most frequent first.")


class Comparison(_Part):
    """Both queues side by side; nothing was saved."""

    a: Side | None
    b: Side | None
    overlap: int = Field(description="Tasks that both have.")
    error: str = Field(description="Why there is no comparison; empty where there is one.")


def ask(project: Path, question: Question) -> int:
    """Put the question into the project's folder: its number. Raises StoreError."""
    number = secrets.randbelow(NUMBERS)
    replace_file(project / FOLDER / f"{number}{ASK}", question.model_dump_json().encode(), durable=False)
    return number


def answer(project: Path, number: int) -> Comparison | None:
    """The answer to a question, None while there is none. Raises Corrupt, StoreError."""
    text = _text(project / FOLDER / f"{number}{ANSWER}")
    try:
        return None if text is None else Comparison.model_validate_json(text)
    except ValidationError as error:
        raise Corrupt(f"The answer {number} in {project / FOLDER} is no comparison.", "Ask again.") from error


def keep_typed(project: Path, number: int, typed: Mapping[str, str]) -> None:
    """Keep a form's fields beside the question that was asked with it. Raises StoreError."""
    replace_file(project / FOLDER / f"{number}{TYPED}", _FIELDS.dump_json(dict(typed)), durable=False)


def read_typed(project: Path, number: int) -> dict[str, str] | None:
    """The fields of the form that a question was asked with, None where none are kept. Raises Corrupt, StoreError."""
    text = _text(project / FOLDER / f"{number}{TYPED}")
    try:
        return None if text is None else _FIELDS.validate_json(text)
    except ValidationError as error:
        raise Corrupt(f"The form {number} in {project / FOLDER} is none.", "Fill it in again.") from error


def is_asked(project: Path, number: int) -> bool:
    """Whether the question waits for its answer."""
    return (project / FOLDER / f"{number}{ASK}").is_file()


def questions(project: Path) -> list[tuple[int, Question | None]]:
    """What waits for an answer; None for a file that is no question. Raises StoreError."""
    found: list[tuple[int, Question | None]] = []
    for path in sorted((project / FOLDER).glob(f"*{ASK}")):
        number = path.name.removesuffix(ASK)
        try:
            question = Question.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}.", "Let this user read it.") from error
        except ValidationError:
            question = None
        found.append((int(number) if number.isdecimal() else 0, question))
    return found


def reply(project: Path, number: int, said: Comparison) -> None:
    """Answer a question, and sweep out what is old. Raises StoreError."""
    folder = project / FOLDER
    replace_file(folder / f"{number}{ANSWER}", said.model_dump_json().encode(), durable=False)
    (folder / f"{number}{ASK}").unlink(missing_ok=True)
    for path in folder.glob("*.json"):
        try:
            if time.time() - path.stat().st_mtime > KEPT_S:
                path.unlink()
        except FileNotFoundError:
            continue


def _text(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}.", "Let this user read it.") from error
