"""Image files of every form, and media that reach no Label Studio."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from labelcue.media.cache import Cache
from labelcue.media.fetching import Fetcher, Limits
from labelcue.media.origins import Gate, Origin, Resolver, resolve_by_system
from labelcue.media.reading import Media

TOKEN = "Token canary"
_opened: list[Media] = []


@pytest.fixture(autouse=True)
def close_media() -> Iterator[None]:
    """Imported by tests that open media: lets go of their connections."""
    yield
    while _opened:
        _opened.pop().close()


class Signs:
    """Says who asks, and how often it was asked anew."""

    def __init__(self) -> None:
        self.renewed = 0

    def authorisation(self, *, renew: bool = False) -> dict[str, str]:
        self.renewed += renew
        return {"Authorization": TOKEN}


def media_at(
    url: str,
    folder: Path = Path("/nowhere"),
    *,
    allowed: tuple[Origin, ...] = (),
    resolve: Resolver = resolve_by_system,
    limits: Limits = Limits(1_000_000, 30.0),  # noqa: B008 - frozen
    cached: int = 0,
    signs: Signs | None = None,
) -> Media:
    """Media of the Label Studio at `url`; they sleep between tries for no time."""
    base = httpx.URL(url)
    fetcher = Fetcher(base, Gate(base, allowed, resolve), signs or Signs(), limits, wait=lambda _: None)
    _opened.append(Media(base, fetcher, Cache(folder, cached), most=limits.bytes, parallel=4))
    return _opened[-1]


def media_of_nobody() -> Media:
    """For what needs no network: `data:` addresses."""
    return media_at("http://labelstudio.invalid/")


def gradient(width: int = 64, height: int = 48) -> Image.Image:
    """A picture whose corners tell how it lies: red grows to the right, green downwards."""
    red = np.tile(np.linspace(0, 255, width), (height, 1))
    green = np.tile(np.linspace(0, 255, height)[:, None], (1, width))
    return Image.fromarray(np.stack([red, green, np.full_like(red, 40)], axis=2).astype(np.uint8))


def as_file(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """The file's bytes."""
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()
