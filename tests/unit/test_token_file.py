"""Tokens on disk, and who reads them there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labelcue.errors import Corrupt
from labelcue.pool.token_file import TokenFile


def texts(*counts: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(sum(counts))
    return [(rng.random((n, 3)).astype(np.float16), np.arange(2 * n).reshape(n, 2)) for n in counts]


def opened(path: Path, reader: str = "words", width: int = 3) -> TokenFile:
    return TokenFile(path / "words", reader, width)


def test_rows_are_there_again_after_a_restart(tmp_path: Path) -> None:
    file, given = opened(tmp_path), texts(0, 4, 2, 0)
    file.append([7, 8], given[:2])
    file.append([9, 5], given[2:])
    file.append([], [])
    for one in (file, opened(tmp_path)):
        assert one.rows == 4
        piece = one.tokens.of_rows(np.array([1, 0, 2]))
        assert piece.counts.tolist() == [4, 0, 2]
        np.testing.assert_array_equal(piece.states, np.vstack([given[1][0], given[2][0]]).astype(np.float32))
        np.testing.assert_array_equal(piece.offsets, np.vstack([given[1][1], given[2][1]]))
        assert len(one.tokens.first(2)) == 2
    blocks = [(rows.tolist(), piece.counts.tolist()) for rows, piece in file.tokens.pieces()]
    assert blocks == [([0, 1, 2, 3], [0, 4, 2, 0])]


@pytest.mark.parametrize("file", ["states.f16", "places.i32", "rows.i64"])
@pytest.mark.parametrize("cut", [1, 5])
def test_a_tail_that_a_crash_left_does_not_count(tmp_path: Path, file: str, cut: int) -> None:
    given = texts(2, 3)
    opened(tmp_path).append([1, 2], given)
    path = tmp_path / "words" / file
    path.write_bytes(path.read_bytes()[:-cut])
    again = opened(tmp_path)
    assert again.rows == 1
    again.append([2], given[1:])
    assert opened(tmp_path).rows == 2
    np.testing.assert_array_equal(again.tokens.of_rows(np.array([1])).offsets, given[1][1])
    states = tmp_path / "words" / "states.f16"
    states.write_bytes(states.read_bytes() + b"tail")
    assert opened(tmp_path).rows == 2


def test_what_does_not_fit_is_read_anew(tmp_path: Path) -> None:
    opened(tmp_path).append([1, 2], texts(2, 3))
    file = opened(tmp_path)
    file.fit(np.array([1, 2, 3]))
    assert file.rows == 2
    file.fit(np.array([1, 9, 3]))
    assert file.rows == opened(tmp_path).rows == 0
    file.append([4], texts(2))
    assert opened(tmp_path, reader="other").rows == 0
    opened(tmp_path).append([4], texts(2))
    file = opened(tmp_path)
    file.fit(np.array([], dtype=np.int64))
    assert file.rows == 0


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    opened(tmp_path).append([1], texts(1))
    (tmp_path / "words" / "meta.json").write_text("{")
    with pytest.raises(Corrupt, match=r"meta\.json cannot be read"):
        opened(tmp_path)
