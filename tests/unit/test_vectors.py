"""The vector file: what is written is found again, whatever a crash leaves behind."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

import numpy as np
import pytest

from labelcue.embedders import digest_of
from labelcue.errors import ConfigError, Corrupt, StoreError
from labelcue.pool.vectors import VectorFile
from labelcue.types import Floats
from waiting import until

DIM = 3
FILES = {"vectors.f32": 4 * DIM, "rows.i64": 8, "digests.b16": 16}


def rows(*ids: int) -> tuple[list[int], Floats, list[bytes]]:
    """Rows whose vectors and digests can be told from their ids."""
    vectors = np.array([[task, task + 0.5, -task] for task in ids], dtype=np.float32)
    return list(ids), vectors, [digest_of(str(task)) for task in ids]


def check(file: VectorFile, *ids: int) -> None:
    assert file.rows == len(ids)
    assert file.ids.tolist() == list(ids)
    assert file.vectors.shape == (len(ids), DIM)
    assert file.vectors.tolist() == rows(*ids)[1].reshape(-1, DIM).tolist()
    for task in ids:
        assert file.ids[file.row_of_digest(digest_of(str(task)))] == task


def test_nothing_is_written_before_the_first_row(tmp_path: Path) -> None:
    file = VectorFile(tmp_path / "v", DIM, "minilm@1")
    check(file)
    file.append([], np.empty((0, DIM)), [])
    assert not (tmp_path / "v").exists()


def test_rows_are_there_at_once_and_after_a_restart(tmp_path: Path) -> None:
    file = VectorFile(tmp_path / "v", DIM, "minilm@1")
    file.append(*rows(7, 3))
    check(file, 7, 3)
    before = file.vectors
    file.append(*rows(9))
    check(file, 7, 3, 9)
    check(VectorFile(tmp_path / "v", DIM, "minilm@1"), 7, 3, 9)
    assert before.tolist() == rows(7, 3)[1].tolist()
    assert (file.vectors.dtype, file.ids.dtype) == (np.float32, np.int64)
    assert not file.vectors.flags.writeable
    assert not file.ids.flags.writeable


def test_a_digest_finds_the_vector_of_its_content(tmp_path: Path) -> None:
    file = VectorFile(tmp_path, DIM)
    assert file.vector_of_digest(digest_of("1")) is None
    file.append(*rows(1, 2))
    file.append([5], [[9, 9, 9]], [digest_of("1")])
    assert file.row_of_digest(digest_of("1")) == 0
    assert file.row_of_digest(digest_of("none")) is None
    found = file.vector_of_digest(digest_of("2"))
    assert found is not None
    assert (found.tolist(), found.dtype) == ([2, 2.5, -2], np.float32)


def test_digests_are_found_among_many(tmp_path: Path) -> None:
    file = VectorFile(tmp_path, DIM)
    for start in range(1, 9001, 1500):
        file.append(*rows(*range(start, start + 1500)))
    for found in (file, VectorFile(tmp_path, DIM)):
        for task in range(1, 9001, 7):
            assert found.row_of_digest(digest_of(str(task))) == task - 1
        assert found.row_of_digest(digest_of("9001")) is None


@pytest.mark.parametrize("name", FILES)
def test_whatever_length_a_crash_leaves_only_complete_rows_count(tmp_path: Path, name: str) -> None:
    width = FILES[name]
    for size in (0, 1, width - 1, width, width + 1, 2 * width - 1, 2 * width, 2 * width + width // 2):
        folder = tmp_path / str(size)
        VectorFile(folder, DIM).append(*rows(1, 2, 3))
        with (folder / name).open("r+b") as file:
            file.truncate(size)
        torn = VectorFile(folder, DIM)
        check(torn, *[1, 2, 3][: size // width])
        torn.append(*rows(8, 9))
        check(torn, *[1, 2, 3][: size // width], 8, 9)
        check(VectorFile(folder, DIM), *[1, 2, 3][: size // width], 8, 9)
        assert {part: (folder / part).stat().st_size // parts for part, parts in FILES.items()} == dict.fromkeys(
            FILES, size // width + 2
        )


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_an_empty_one(tmp_path: Path, name: str) -> None:
    VectorFile(tmp_path, DIM).append(*rows(1, 2))
    (tmp_path / name).unlink()
    file = VectorFile(tmp_path, DIM)
    check(file)
    file.append(*rows(4))
    check(file, 4)


def test_a_tail_of_zeros_does_not_count(tmp_path: Path) -> None:
    VectorFile(tmp_path, DIM).append(*rows(1, 2))
    for name, width in FILES.items():
        with (tmp_path / name).open("ab") as file:
            file.write(bytes(3 * width + 5))
    torn = VectorFile(tmp_path, DIM)
    check(torn, 1, 2)
    torn.append(*rows(3))
    check(VectorFile(tmp_path, DIM), 1, 2, 3)


def test_reading_changes_no_file(tmp_path: Path) -> None:
    VectorFile(tmp_path, DIM).append(*rows(1, 2))
    (tmp_path / "rows.i64").write_bytes((tmp_path / "rows.i64").read_bytes()[:11])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    check(VectorFile(tmp_path, DIM), 1)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("other", [{"dim": 4}, {"embedder": "tfidf-svd@1"}, {"dtype": "float16"}])
def test_another_kind_is_refused(tmp_path: Path, other: dict[str, object]) -> None:
    kind: dict[str, object] = {"dim": DIM, "embedder": "minilm@1", "dtype": "float32"}
    VectorFile(tmp_path, **kind).append(*rows(1))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"holds float32 vectors of 'minilm@1' with 3 dimensions, and .* asked for"):
        VectorFile(tmp_path, **{**kind, **other})  # type: ignore[arg-type]


@pytest.mark.parametrize("meta", [None, b"", b"{", b"\xff"])
def test_rows_that_nobody_can_name_are_corrupt(tmp_path: Path, meta: bytes | None) -> None:
    VectorFile(tmp_path, DIM).append(*rows(1))
    (tmp_path / "meta.json").unlink()
    if meta is not None:
        (tmp_path / "meta.json").write_bytes(meta)
    with pytest.raises(Corrupt, match=r"meta\.json.*Delete the folder"):
        VectorFile(tmp_path, DIM)


def test_rows_that_vanish_are_corrupt(tmp_path: Path) -> None:
    file = VectorFile(tmp_path, DIM)
    file.append(*rows(1, 2))
    (tmp_path / "digests.b16").write_bytes(b"")
    with pytest.raises(Corrupt, match="had 2 rows and has 0"):
        file.refresh()


def test_float16_is_stored_and_given_as_it_is(tmp_path: Path) -> None:
    file = VectorFile(tmp_path, DIM, dtype="float16")
    file.append([1], [[1, 0.5, 1 / 3]], [digest_of("1")])
    assert (tmp_path / "vectors.f16").stat().st_size == 2 * DIM
    assert file.vectors.dtype == np.float16
    found = file.vector_of_digest(digest_of("1"))
    assert found is not None
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [1, 0.5, 1 / 3], rtol=1e-3)


def test_rows_that_do_not_fit_are_refused_whole(tmp_path: Path) -> None:
    file = VectorFile(tmp_path, DIM)
    ids, vectors, digests = rows(1, 2)
    for wrong in [
        (ids[:1], vectors, digests),
        (ids, vectors[:1], digests),
        (ids, vectors, digests[:1]),
        (ids, vectors * np.nan, digests),
        (ids, vectors, [digests[0], b"short"]),
        (ids, vectors, [digests[0], bytes(16)]),
    ]:
        with pytest.raises(ValueError, match=r"fit|finite"):
            file.append(*wrong)
    check(file)


def test_a_disk_that_refuses_is_named_and_leaves_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = VectorFile(tmp_path, DIM)
    file.append(*rows(1))
    with monkeypatch.context() as patch:
        patch.setattr("labelcue.pool.vectors.os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left")))
        with pytest.raises(StoreError, match="No space left"):
            file.append(*rows(2))
    check(file, 1)
    file.append(*rows(3))
    check(file, 1, 3)


def test_another_reader_sees_rows_after_refresh(tmp_path: Path) -> None:
    writer, reader = VectorFile(tmp_path, DIM), VectorFile(tmp_path, DIM)
    writer.append(*rows(1))
    check(reader)
    assert reader.refresh() == 1
    check(reader, 1)


def test_two_writers_take_turns(tmp_path: Path) -> None:
    first, second = VectorFile(tmp_path, DIM), VectorFile(tmp_path, DIM)
    first.append(*rows(1))
    second.append(*rows(2))
    first.append(*rows(3))
    check(first, 1, 2, 3)
    assert second.refresh() == 3


def _write_many(path: Path) -> None:
    file = VectorFile(path, DIM)
    for start in range(1, 301, 3):
        file.append(*rows(start, start + 1, start + 2))


def test_a_reader_never_sees_half_a_row(tmp_path: Path) -> None:
    writer = multiprocessing.get_context("spawn").Process(target=_write_many, args=(tmp_path,))
    writer.start()
    reader = VectorFile(tmp_path, DIM)

    def look() -> bool:
        found = reader.refresh()
        check(reader, *range(1, found + 1))
        return found == 300

    until(look, what="300 rows")
    writer.join(120)
    assert writer.exitcode == 0


def test_threads_may_read_while_one_appends(tmp_path: Path) -> None:
    file = VectorFile(tmp_path, DIM)
    failures: list[BaseException] = []
    done = threading.Event()

    def look() -> None:
        try:
            while not done.is_set():
                known = file.rows
                assert len(file.ids) >= known
                assert file.vectors[:known, 0].tolist() == file.ids[:known].tolist()
                file.vector_of_digest(digest_of(str(known + 1)))
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=look) for _ in range(3)]
    for thread in readers:
        thread.start()
    _write_many_into(file)
    done.set()
    for thread in readers:
        thread.join()
    assert not failures
    check(file, *range(1, 101))


def _write_many_into(file: VectorFile) -> None:
    for task in range(1, 101):
        file.append(*rows(task))
