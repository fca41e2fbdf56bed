"""A few products of many rows are right, whoever computes them."""

import numpy as np
import pytest

from labelcue.pool import columns as module
from labelcue.pool.columns import times


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize(("rows", "columns"), [(50, 10), (1, 1), (7, 0), (0, 3), (3, 40)])
def test_products_of_rows_that_may_and_may_not_be_written(direct, rows, columns, monkeypatch):
    if not direct:
        monkeypatch.setattr(module, "_direct", lambda: False)
    rng = np.random.default_rng(0)
    left, right = rng.standard_normal((rows, 33)), rng.standard_normal((columns, 33))
    block = left.astype(np.float32)
    multiply = times(right.astype(np.float32))
    for writeable in (True, False, False):
        block.flags.writeable = writeable
        np.testing.assert_allclose(multiply(block), left @ right.T, atol=1e-4)
        multiply(block)[:] = 0
    np.testing.assert_array_equal(block, left.astype(np.float32))


def test_a_torch_without_the_operator_is_told(monkeypatch):
    monkeypatch.setattr(module, "_by_onednn", lambda columns: columns.gone)
    assert not module._direct.__wrapped__()
    monkeypatch.setattr(module, "_by_onednn", lambda columns: lambda rows: rows[:, :2])
    assert not module._direct.__wrapped__()
