"""Image files of every form become upright RGB squares, or are named."""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, features

from labelcue.embedders.picture import read_parts, read_picture
from labelcue.errors import TaskUnreadable
from picturing import as_file, gradient

SIDE = 32


def read(raw: bytes) -> NDArray[np.uint8]:
    return read_picture(raw, SIDE, threading.Lock())


def transparent() -> Image.Image:
    image = gradient().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    return image


def sixteen_bits(mode: str = "I;16") -> Image.Image:
    values = np.tile(np.linspace(0, 65535, 64), (48, 1))
    return Image.fromarray(values.astype(np.uint16 if mode == "I;16" else np.int32))


def rotated() -> bytes:
    """Lies on its side in the file, and says by EXIF (orientation 6: turn clockwise) how to stand it up."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return as_file(gradient().transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)


COLOURS: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: as_file(gradient()),
    "JPEG": lambda: as_file(gradient(), "JPEG", quality=95),
    "progressive JPEG": lambda: as_file(gradient(), "JPEG", quality=95, progressive=True),
    "large JPEG": lambda: as_file(gradient(1000, 700), "JPEG", quality=95),
    "CMYK JPEG": lambda: as_file(gradient().convert("CMYK"), "JPEG", quality=95),
    "rotated by EXIF": rotated,
    "broken EXIF": lambda: as_file(gradient(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff", quality=95),
    "GIF": lambda: as_file(gradient(), "GIF"),
    "palette": lambda: as_file(gradient().quantize(256)),
    "BMP": lambda: as_file(gradient(), "BMP"),
    "TIFF": lambda: as_file(gradient(), "TIFF"),
    "alpha": lambda: as_file(gradient().convert("RGBA")),
    "large PNG": lambda: as_file(gradient(1000, 700)),
    "WebP": lambda: as_file(gradient(), "WEBP", lossless=True),
    "several pictures in one": lambda: as_file(gradient(), "MPO", save_all=True, append_images=[gradient()]),
}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("form", COLOURS)
def test_a_coloured_picture_comes_out_upright(form: str) -> None:
    if form == "WebP" and not features.check("webp"):
        pytest.skip("this Pillow has no WebP")
    found = read(COLOURS[form]()).astype(int)
    assert found.shape == (SIDE, SIDE, 3)
    wanted = np.asarray(gradient().resize((SIDE, SIDE), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(found - wanted).mean() < 12


GREYS: dict[str, Callable[[], bytes]] = {
    "8 bits": lambda: as_file(sixteen_bits().point(lambda x: x / 257).convert("L")),
    "16 bits": lambda: as_file(sixteen_bits()),
    "16 bits TIFF": lambda: as_file(sixteen_bits(), "TIFF"),
    "32 bits TIFF": lambda: as_file(sixteen_bits("I"), "TIFF"),
    "float TIFF": lambda: as_file(sixteen_bits("I").convert("F"), "TIFF"),
    "grey with alpha": lambda: as_file(sixteen_bits().point(lambda x: x / 257).convert("L").convert("LA")),
}


@pytest.mark.parametrize("form", GREYS)
def test_a_grey_picture_keeps_its_range(form: str) -> None:
    found = read(GREYS[form]()).astype(int)
    assert (found[..., 0] == found[..., 2]).all()
    assert found[0, 0, 0] < 12
    assert found[0, -1, 0] > 243
    assert abs(found[0, SIDE // 2, 0] - 128) < 12


def test_one_bit_and_flat_pictures_are_read() -> None:
    assert read(as_file(gradient().convert("1"))).shape == (SIDE, SIDE, 3)
    assert read(as_file(Image.fromarray(np.full((9, 9), 7, np.int32)), "TIFF")).max() == 0
    assert read(as_file(Image.new("L", (1000, 2)))).shape == (SIDE, SIDE, 3)


def test_what_is_transparent_is_white() -> None:
    assert read(as_file(transparent())).min() == 255
    palette = Image.new("P", (9, 9), 0)
    palette.putpalette([9, 9, 9])
    assert read(as_file(palette, "GIF", transparency=0)).min() == 255


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    found = read(as_file(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50))
    assert (found == (255, 0, 0)).all()


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


BAD = {
    "empty": (b"", "is empty"),
    "text": (b"hello", "no image"),
    "web page": (b"<!DOCTYPE html><html>login</html>", "web page"),
    "SVG": (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image"),
    "truncated PNG": (as_file(gradient())[:-150], "broken or cut off"),
    "truncated JPEG": (as_file(gradient(), "JPEG")[:500], "broken or cut off"),
    "half a header": (as_file(gradient())[:12], "no image|broken"),
    "wrong checksum": (as_file(gradient())[:50] + b"\0\0\0\0" + as_file(gradient())[54:], "broken or cut off"),
    "60 megapixels": (png_header(10_000, 6_000), "10,000 x 6,000 pixels"),
    "100 megapixels": (png_header(10_000, 10_000), "pixels"),
    "4 gigapixels": (png_header(65_535, 65_535), "pixels"),
    "a line of 60 million": (png_header(60_000_000, 1), "pixels"),
    "one pixel": (as_file(Image.new("RGB", (1, 1))), "1 x 1 pixels"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_named(name: str) -> None:
    raw, why = BAD[name]
    with pytest.raises(TaskUnreadable, match=why) as caught:
        read(raw)
    assert caught.value.remedy
    assert len(str(caught.value)) < 400


def test_every_cut_of_a_file_is_read_or_named() -> None:
    raw = as_file(gradient(), "GIF")
    for end in range(0, len(raw), 37):
        try:
            assert read(raw[:end]).shape == (SIDE, SIDE, 3)
        except TaskUnreadable:
            continue


def parts(raw: bytes, *places: tuple[float, float, float, float]) -> list[NDArray[np.uint8] | None]:
    return read_parts(raw, places, SIDE, threading.Lock())


@pytest.mark.parametrize("form", ["PNG", "JPEG", "palette", "large PNG", "rotated by EXIF", "CMYK JPEG", "alpha"])
def test_parts_are_cut_from_the_upright_picture(form: str) -> None:
    whole, corner = parts(COLOURS[form](), (0, 0, 1, 1), (0.5, 0.5, 1, 1))
    assert whole is not None
    assert corner is not None
    wanted = [gradient(), gradient().crop((32, 24, 64, 48))]
    for found, picture in zip((whole, corner), wanted, strict=True):
        same = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)).astype(int)
        assert found.shape == (SIDE, SIDE, 3)
        assert np.abs(found.astype(int) - same).mean() < 12


def test_parts_of_no_pixels_are_left_out() -> None:
    assert [one is None for one in parts(as_file(gradient()), (0, 0, 0.01, 1), (0, 0, 1, 1), (0.9, 0.99, 1, 1))] == [
        True,
        False,
        True,
    ]
    assert parts(as_file(gradient())) == []


@pytest.mark.parametrize("name", BAD)
def test_parts_of_what_cannot_be_read_are_named(name: str) -> None:
    raw, why = BAD[name]
    with pytest.raises(TaskUnreadable, match=why):
        parts(raw, (0, 0, 1, 1))
