"""What was fetched is kept by content, within its bound, and never believed blindly."""

from __future__ import annotations

import os
import time
from pathlib import Path

from labelcue.media.cache import FRESH_S, Cache


def test_a_cache_that_was_changed_is_not_believed(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1000)
    cache.put("a", b"good")
    (content,) = tmp_path.glob("content/*/*")
    content.write_bytes(b"evil")
    assert cache.get("a") is None
    cache.put("a", b"good")
    assert cache.get("a") == b"good"
    (name,) = tmp_path.glob("names/*/*")
    name.write_text("../../../../etc/passwd")
    assert cache.get("a") is None


def test_addresses_whose_content_may_change_are_asked_again_after_a_day(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1000)
    cache.put("a", b"good")
    (name,) = tmp_path.glob("names/*/*")
    os.utime(name, (time.time() - 2 * FRESH_S,) * 2)
    assert cache.get("a") is None
    assert cache.get("a", for_ever=True) == b"good"


def test_the_cache_keeps_to_its_size_and_what_was_used_last(tmp_path: Path) -> None:
    cache = Cache(tmp_path, 1000)
    cache.put("large", b"x" * 251)
    assert cache.get("large") is None
    for number in range(40):
        cache.put(str(number), b"%03d" % number * 33)
        for place, path in enumerate(sorted(tmp_path.glob("content/*/*"), key=lambda path: path.stat().st_mtime)):
            os.utime(path, (place, place))  # whatever the file system's clock can tell apart
        cache.get("0")
    assert sum(path.stat().st_size for path in tmp_path.glob("content/*/*")) <= 1000
    assert cache.get("0") is not None
    assert cache.get("39") is not None
    assert cache.get("1") is None
