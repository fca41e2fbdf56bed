"""Label Studio's answers: the good ones as JSON, the others as our errors. Pure."""

from __future__ import annotations

import email.utils
import time
from typing import Any

import httpx

from labelcue.errors import LabelStudioDown, LabelStudioError, LabelStudioRefused, ProjectGone

LONGEST_MESSAGE = 300
NO_PROJECT = "No Project matches"
"""How Label Studio begins to say that a project does not exist."""
REFUSED_REMEDY = (
    "Take a personal access token from Label Studio (your picture, Account & Settings, Personal Access Token). "
    "Legacy tokens are off by default and work only where the organization allows them (Organization, API Token "
    "Settings)."
)
SSRF_REMEDY = (
    "Label Studio refuses private addresses by default. Start it with ML_BLOCK_LOCAL_IP=false and "
    "SSRF_PROTECTION_ENABLED=false; or, to keep the protection for all others, with USE_DEFAULT_BANNED_SUBNETS=false "
    "and USER_ADDITIONAL_BANNED_SUBNETS naming the networks that stay forbidden; or give the service a public address."
)
DOWN_REMEDY = "Look whether Label Studio runs and is not overloaded; LabelCue tries again by itself."


def checked(answer: httpx.Response, url: str, token: str) -> httpx.Response:
    """The answer itself where it is good; else raises the error that fits its status."""
    status = answer.status_code
    if answer.is_success:
        return answer
    said = said_by(_json(answer), token)
    if status == 429 or status >= 500:
        raise LabelStudioDown(
            f"Label Studio at {url} answered {status}{said and ': ' + said}.", DOWN_REMEDY, retry_after(answer)
        )
    if status in (401, 403) and "reserved network address" not in said:
        raise token_failure(status, _json(answer), url, token)
    if status == 404 and NO_PROJECT in said:
        raise ProjectGone(
            f"Label Studio at {url} has no such project.", "It was deleted, or the token's user cannot see it."
        )
    raise _other(answer, url, said)


def _other(answer: httpx.Response, url: str, said: str) -> LabelStudioError:
    status = answer.status_code
    if "reserved network address" in said:
        return LabelStudioError(f"Label Studio refuses the address of the service: {said}.", SSRF_REMEDY)
    if answer.is_redirect:
        target = answer.headers.get("location", "another address").partition("?")[0]
        return LabelStudioError(
            f"{url} redirects to {target}.", "Give Label Studio's final address, with https and path."
        )
    if status == 404 and not said:
        return LabelStudioError(f"There is no Label Studio API at {url}.", "Check the address and the path in it.")
    return LabelStudioError(f"Label Studio at {url} answered {status}{said and ': ' + said}.")


def unanswered(error: httpx.HTTPError, url: str) -> LabelStudioDown:
    """The error where nothing came back, or not all of it."""
    reason = (
        "did not answer in time"
        if isinstance(error, httpx.TimeoutException)
        else f"cannot be reached ({_words(error)})"
    )
    return LabelStudioDown(f"Label Studio at {url} {reason}.", DOWN_REMEDY)


def token_failure(status: int, body: Any, url: str, token: str) -> LabelStudioError:
    """The error where the token, or its refreshing, was refused."""
    said = said_by(body, token)
    if status == 429 or status >= 500:
        return LabelStudioDown(f"Label Studio at {url} answered {status}{said and ': ' + said}.", DOWN_REMEDY)
    return LabelStudioRefused(
        f"Label Studio at {url} refuses the token ({status}{said and ': ' + said}).", REFUSED_REMEDY
    )


def is_missing(answer: httpx.Response) -> bool:
    """Whether Label Studio itself, and not a proxy before it, says that a thing of a project does not exist."""
    body = _json(answer) if answer.status_code == 404 else None
    return isinstance(body, dict) and "detail" in body and NO_PROJECT not in str(body["detail"])


def as_object(answer: httpx.Response) -> dict[str, Any]:
    """The body of a good answer as a JSON object; an empty body is an empty one."""
    body = _json(answer) if answer.content else {}
    if not isinstance(body, dict):
        raise LabelStudioError(*not_json(str(answer.url.copy_with(query=None))))
    return body


def as_list(answer: httpx.Response) -> list[dict[str, Any]]:
    """The body of a good answer as a list of JSON objects."""
    body = _json(answer)
    if not isinstance(body, list) or not all(isinstance(item, dict) for item in body):
        raise LabelStudioError(*not_json(str(answer.url.copy_with(query=None))))
    return body


def not_json(url: str) -> tuple[str, str]:
    """Message and remedy where something answers that is not Label Studio's API."""
    return (
        f"{url} answers, but not as Label Studio does.",
        "Check the address; a log-in page or a proxy may stand before it.",
    )


def said_by(body: Any, token: str) -> str:
    """Label Studio's own words in an error body, in one short line and without the token."""
    if not isinstance(body, dict):
        return ""
    words = [str(body.get("detail", ""))]
    problems = body.get("validation_errors")
    if isinstance(problems, dict):
        words += [f"{name}: {_flat(problem)}" for name, problem in problems.items()]
    text = " ".join("; ".join(word for word in words if word).split()).replace(token, "***")
    return text.rstrip(".") if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + "…"


def retry_after(answer: httpx.Response) -> float | None:
    """Seconds from the Retry-After header, which holds seconds or a date; None where there is no readable one."""
    value = answer.headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _flat(problem: Any) -> str:
    return ", ".join(map(_flat, problem)) if isinstance(problem, list) else str(problem)


def _words(error: Exception) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError):  # no JSON, or nested without end
        return None
