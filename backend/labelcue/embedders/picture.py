"""How an image file becomes pixels: the one place that decides it.

Files come from anybody: only formats whose readers are safe are opened, and only after the header said that the pixels
fit into memory. (PostScript, for one, would start another program.)
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import TaskUnreadable

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")
SMALLEST = 2
"""Pixels of each side; less is a counting pixel and no picture."""
PIXELS = 50_000_000
"""Most pixels of an image. One of them may take 400 MB while it is read."""
ALONE = 4_000_000
"""Images of more pixels are read one at a time."""
DEEP = ("I;16", "I;16L", "I;16B", "I;16N")
Part = tuple[float, float, float, float]
"""Left, top, right and bottom of a part of an image, as shares of its width and height."""
T = TypeVar("T")


def read_picture(raw: bytes, side: int, large: threading.Lock) -> NDArray[np.uint8]:
    """An image file → (side, side, 3) uint8 RGB: the whole picture, upright, scaled to a square.

    EXIF rotation is followed, transparency lies on white, of an animation the first frame counts, 16 bits become 8.
    Images of over 4 megapixels wait for the lock `large`. Raises TaskUnreadable with what is wrong.
    """
    return _opened(raw, large, lambda image: _pixels(image, side))


def read_parts(raw: bytes, parts: Sequence[Part], side: int, large: threading.Lock) -> list[NDArray[np.uint8] | None]:
    """The same of parts of the upright image, (side, side, 3) each; None where a part has fewer than `SMALLEST`
    pixels each way. Raises TaskUnreadable."""
    return _opened(raw, large, lambda image: _cut(image, parts, side))


def _opened(raw: bytes, large: threading.Lock, use: Callable[[Image.Image], T]) -> T:
    """What `use` makes of an image file. Raises TaskUnreadable."""
    from PIL import Image, UnidentifiedImageError

    try:
        Image.init()
        # Not every build of Pillow reads every form.
        with Image.open(BytesIO(raw), formats=[form for form in FORMATS if form in Image.OPEN]) as image:
            _check_size(image)
            with large if image.width * image.height > ALONE else nullcontext():
                return use(image)
    except TaskUnreadable:
        raise
    except UnidentifiedImageError as error:
        raise TaskUnreadable(_unknown(raw), f"LabelCue reads {', '.join(FORMATS)}.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _giant("far more") from error
    except MemoryError as error:
        raise TaskUnreadable("The image needs more memory than there is.", "Make it smaller.") from error
    except Exception as error:  # each of Pillow's readers has its own way to say "broken"
        raise TaskUnreadable(f"The image is broken or cut off: {str(error)[:200]}.", "Import it again.") from error


def _check_size(image: Image.Image) -> None:
    """By the header, before any pixel is read."""
    width, height = image.size
    if width * height > PIXELS:
        raise _giant(f"{width:,} x {height:,}")
    if min(width, height) < SMALLEST:
        raise TaskUnreadable(f"The image has {width} x {height} pixels.", f"It takes {SMALLEST} each way.")


def _giant(size: str) -> TaskUnreadable:
    return TaskUnreadable(
        f"The image has {size} pixels; LabelCue reads {PIXELS // 1_000_000} million.", "Import it smaller."
    )


def _unknown(raw: bytes) -> str:
    head = raw[:512].lstrip().lower()
    if not raw:
        return "The file is empty."
    if b"<svg" in head:
        return "The file is an SVG drawing, which has no pixels."
    if head.startswith((b"<!doctype html", b"<html")):
        return "The file is a web page and no image; a login page, maybe."
    return "The file is no image that can be read."


def _pixels(image: Image.Image, side: int) -> NDArray[np.uint8]:
    from PIL import Image, ImageOps

    # JPEG is read at a half, a quarter or an eighth where that suffices: a fifth of the time for a photograph.
    image.draft("RGB", (side, side))
    image.load()
    small = _reduced(image, side)
    upright = ImageOps.exif_transpose(small) if _orientation(image) else small
    flat = _flat(upright)
    return np.asarray(flat.resize((side, side), Image.Resampling.BILINEAR), dtype=np.uint8)


def _cut(image: Image.Image, parts: Sequence[Part], side: int) -> list[NDArray[np.uint8] | None]:
    """At full size, as parts may be small; each is made smaller by itself."""
    from PIL import ImageOps

    image.load()
    upright = ImageOps.exif_transpose(image) if _orientation(image) else image
    wide, high = upright.size
    found: list[NDArray[np.uint8] | None] = []
    for left, top, right, bottom in parts:
        place = (round(left * wide), round(top * high), round(right * wide), round(bottom * high))
        small = min(place[2] - place[0], place[3] - place[1]) < SMALLEST
        found.append(None if small else _squared(upright.crop(place), side))
    return found


def _squared(image: Image.Image, side: int) -> NDArray[np.uint8]:
    from PIL import Image

    flat = _flat(_reduced(image, side))
    return np.asarray(flat.resize((side, side), Image.Resampling.BILINEAR), dtype=np.uint8)


def _reduced(image: Image.Image, side: int) -> Image.Image:
    """By a whole factor, to no less than twice the side: what follows then handles few pixels."""
    factors = max(image.width // (2 * side), 1), max(image.height // (2 * side), 1)
    if factors == (1, 1) or image.mode not in ("L", "RGB", "RGBA", "LA", "CMYK", "YCbCr"):
        return image
    return image.reduce(factors)


def _orientation(image: Image.Image) -> int:
    """EXIF's word on rotation, 2 to 8; 0 where there is none or it cannot be read."""
    try:
        value = int(image.getexif().get(0x0112, 1))
    except Exception:  # EXIF is not the picture: what is broken there hurts nobody
        return 0
    return value if 2 <= value <= 8 else 0


def _flat(image: Image.Image) -> Image.Image:
    """Any mode → RGB; transparency on white."""
    from PIL import Image

    if image.mode in (*DEEP, "I", "F"):
        return Image.fromarray(_eight_bits(image)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> NDArray[np.uint8]:
    """Grey of more bits → 8: 16 bits by their full scale, other numbers by the range that the image has."""
    values: NDArray[Any] = np.asarray(image, dtype=np.float64)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = (0.0, 65535.0) if image.mode in DEEP else (float(values.min()), float(values.max()))
    return np.asarray(255 * (values - low) / max(high - low, 1e-12), dtype=np.uint8)
