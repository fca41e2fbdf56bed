"""A file of arrays is what the safetensors library reads and writes."""

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load

from labelcue.store.tensors import pieces

ARRAYS = {
    "bias": np.array([1.5, -2], dtype=np.float32),
    "empty": np.empty((0, 3), dtype=np.float32),
    "ids": np.array([3, 2**40], dtype=np.int64),
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
}


@pytest.mark.parametrize("names", [list(ARRAYS), ["weights", "ids"], ["empty"], []])
def test_the_library_reads_what_was_written(names, tmp_path):
    path = tmp_path / "file.safetensors"
    path.write_bytes(b"".join(pieces({name: ARRAYS[name] for name in names}, {"about": "räume", "format": "1"})))
    read = load(path.read_bytes())
    assert read.keys() == set(names)
    for name in names:
        np.testing.assert_array_equal(read[name], ARRAYS[name])
        assert read[name].dtype == ARRAYS[name].dtype
    with safe_open(path, "numpy") as file:
        assert file.metadata() == {"about": "räume", "format": "1"}


def test_arrays_are_aligned_and_not_copied():
    head, *rest = pieces(ARRAYS, {})
    assert len(head) % 8 == 0
    assert [len(piece) for piece in rest] == [16, 8, 0, 24]
    assert np.shares_memory(np.frombuffer(rest[0], dtype=np.int64), ARRAYS["ids"])
