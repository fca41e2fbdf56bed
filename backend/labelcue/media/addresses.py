"""A task's value → where its bytes are. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import unquote_to_bytes

import httpx

from labelcue.errors import TaskUnreadable
from labelcue.types import TaskId

CLOUD = ("s3", "gs", "azure-blob")
"""Schemes that Label Studio resolves by its own storages."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
_MEDIA_PATH = re.compile(r"(data/(upload|local-files)/|storage-data/uploaded/|(tasks|projects)/\d+/(presign|resolve)/)")
REMEDY = (
    "LabelCue reads what was uploaded to Label Studio (/data/upload/...), its local files (/data/local-files/?d=...), "
    "its cloud storages (s3:, gs:, azure-blob:), http(s) addresses that `media_allow` names, and data: addresses."
)


def shown(value: str) -> str:
    """An address as errors and logs may hold it: short, and without a query, which may be a signature."""
    return re.split(r"[?#,]", value, maxsplit=1)[0][:200]


def scheme_of(value: str) -> str:
    """The scheme in small letters; empty where the address has none."""
    found = _SCHEME.match(value)
    return found[0].lower() if found else ""


def locate(value: str, task: TaskId, base: httpx.URL) -> httpx.URL:
    """Where the bytes of a value that is no `data:` address are; `base` is Label Studio's address, with a slash.

    What a cloud storage holds is asked of Label Studio, which signs an address for it or hands it through. Raises
    TaskUnreadable for everything that is not one of the forms that Label Studio gives.
    """
    if _FORBIDDEN.search(value):
        raise TaskUnreadable("The address holds a control character or a backslash.", REMEDY)
    scheme = scheme_of(value)
    if scheme in CLOUD:
        # As Label Studio's own pages ask for it.
        asked = base64.urlsafe_b64encode(value.encode("utf-8", "replace")).decode()
        return base.join(f"tasks/{int(task)}/resolve/").copy_merge_params({"fileuri": asked})
    try:
        url = httpx.URL(value) if scheme in ("http", "https") else _relative(value, scheme, base)
    except (httpx.InvalidURL, ValueError) as error:
        raise TaskUnreadable(f"{shown(value)!r} is no address: {error}.", REMEDY) from error
    if url.userinfo:
        raise TaskUnreadable("The address holds a user or a password.", "Take them out of it.")
    if not url.host:
        raise TaskUnreadable(f"{shown(value)!r} names no host.", REMEDY)
    return url


def _relative(value: str, scheme: str, base: httpx.URL) -> httpx.URL:
    """An address on Label Studio itself."""
    if value.startswith(("upload/", "/upload/")):
        value = "/data/" + value.lstrip("/")
    if scheme or not value.startswith("/") or value.startswith("//"):
        raise TaskUnreadable(f"{shown(value)!r} is no address that LabelCue fetches.", REMEDY)
    # Below a path like /label-studio/ some releases write the path into the address, others do not.
    beneath = value if value.startswith(base.path) else base.path.rstrip("/") + value
    return base.copy_with(raw_path=httpx.URL(beneath).raw_path)


def is_media(url: httpx.URL, base: httpx.URL) -> bool:
    """Label Studio's media alone get its token: no other address of it may be asked in the user's name."""
    beneath = url.path[len(base.path) :] if url.path.startswith(base.path) else ""
    # What stands before Label Studio may resolve dots that are written as %2e, and end up at another page.
    return _MEDIA_PATH.match(beneath) is not None and ".." not in beneath.split("/")


def at_home(url: httpx.URL, base: httpx.URL) -> httpx.URL | None:
    """Label Studio's own file under another of its names, at the address that LabelCue knows; None for all else.

    Label Studio writes the name into addresses that browsers use (LABEL_STUDIO_HOST), which may lead nowhere from here.
    """
    _, mark, rest = url.path.partition("/data/local-files/")
    if not mark or rest:
        return None
    return base.join("data/local-files/").copy_with(query=url.query)


def other_way(url: httpx.URL, base: httpx.URL) -> httpx.URL | None:
    """Where an upload is that Label Studio does not hold on its own disk; None where there is no other place."""
    beneath = url.path[len(base.path) :] if url.path.startswith(base.path) else ""
    if not beneath.startswith("data/upload/"):
        return None
    path = beneath.removeprefix("data/")
    return base.join("storage-data/uploaded/").copy_merge_params({"filepath": path})


def inline(value: str, most: int) -> bytes:
    """The bytes of a `data:` address (RFC 2397), at most `most` of them; raises TaskUnreadable."""
    head, comma, body = value.partition(",")
    if not comma:
        raise TaskUnreadable("The data: address has no comma, so it holds nothing.", "Write data:image/png;base64,...")
    if len(body) > 3 * most:
        raise TaskUnreadable(f"The data: address is over {most / 1e6:g} MB.", "Import it as a file.")
    raw = unquote_to_bytes(body)
    if head.lower().replace(" ", "").endswith(";base64"):
        try:
            raw = base64.b64decode(raw, validate=False)
        except binascii.Error as error:
            raise TaskUnreadable(f"The data: address is not base64: {error}.", "Encode it again.") from error
    if len(raw) > most:
        raise TaskUnreadable(f"The data: address is over {most / 1e6:g} MB.", "Import it as a file.")
    return raw
