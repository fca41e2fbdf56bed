"""Pictures of tasks, as Label Studio itself has them: the browser gets them there, with its own login.

Nothing is fetched here, and no page lets a browser load a picture from anywhere else: what a task names is a stranger's
word, and asking its address would tell who looks at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urljoin, urlsplit

from flask import g

from labelcue.service.pages.history import History
from labelcue.service.pages.reading import Seen
from labelcue.types import Json, TaskId

FILES = "/data/"
"""Where Label Studio has uploaded and local files."""
_HOST = re.compile(r"[a-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9a-f:.]+\](?::[0-9]{1,5})?")
_LONGEST = 2000
"""Characters of an address; a picture that is written into the task itself is longer."""


def pictures(seen: Seen, history: History, tasks: Iterable[TaskId]) -> dict[TaskId, str]:
    """The address of each task's picture, of those that have one in Label Studio; the page may then show them.

    `history` is followed by the caller.
    """
    url, field = seen.connection.url if seen.connection is not None else "", history.picture_field
    allowed = origin(url)
    if not allowed or not field:
        return {}
    found = {task: address(url, history.value(task, field)) for task in tasks}
    shown = {task: one for task, one in found.items() if one}
    if shown:
        g.pictures_from = allowed
    return shown


def allowed_from() -> str:
    """What the page's policy adds for its pictures: the origin of the project's Label Studio, where it shows any."""
    return f" {g.pictures_from}" if "pictures_from" in g else ""


def origin(url: str) -> str:
    """`http://host:port` of a web address; empty where it is none, or could be more than one word of a policy."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    host = parts.netloc.lower()
    return f"{parts.scheme}://{host}" if parts.scheme in ("http", "https") and _HOST.fullmatch(host) else ""


def address(url: str, value: Json) -> str:
    """Where the Label Studio at `url` has the file that a task's field names; empty for what lies elsewhere.

    Files alone: to load an address is to call it, and others of Label Studio's do something, as /logout.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or not value.isprintable() or "\\" in value:
        return ""
    if not value.startswith(("/", "http://", "https://")):
        return ""
    try:
        found = urljoin(f"{url.rstrip('/')}/", value)
        path, root = urlsplit(found).path, urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""
    is_file = path.startswith((FILES, f"{root}{FILES}")) and not {"..", "."} & set(unquote(path).split("/"))
    return found if is_file and origin(found) == origin(url) else ""
