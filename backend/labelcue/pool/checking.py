"""Vectors and ids as they come from outside: what is wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labelcue.errors import BadRequest
from labelcue.pool.matrix import Matrix
from labelcue.pool.roster import Roster, named, plain


def refuse_doubles(ids: Sequence[Any] | NDArray[Any]) -> None:
    """Raises BadRequest that names the ids which stand there more than once."""
    names, times = np.unique(Roster(ids).names, return_counts=True)
    doubles = plain(names[times > 1])
    if doubles:
        raise BadRequest(f"The ids {named(doubles)} stand there more than once.", "Give each vector an id of its own.")


def as_array(vectors: Any) -> NDArray[Any]:
    """Whatever holds the vectors as an array of numbers, without a copy where it is one. Raises BadRequest."""
    try:
        array = np.asarray(vectors)
    except ValueError:
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "fiu":
        raise BadRequest("The vectors are no array of numbers.", "Pass (n, d) float32, a row for each item.")
    return array


def check(matrix: Matrix, ids: Sequence[Any] | NDArray[Any], start: int) -> None:
    """Raises BadRequest where the rows from `start` on do not match their ids, or have no direction."""
    if len(ids) != matrix.rows - start:
        raise BadRequest(f"There are {matrix.rows - start} vectors and {len(ids)} ids.", "Pass one id for each vector.")
    bad = matrix.bad_rows(start)
    if len(bad):
        names = plain([ids[row - start] for row in bad])
        raise BadRequest(
            f"The vectors of {named(names)} hold NaN or infinity, or are zero.",
            "Leave these items out, or embed them anew.",
        )
