"""What a strategy sees, made without an engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labelcue.labels.choice import Choice
from labelcue.pool.clusters import Clusters
from labelcue.pool.cover import Cover
from labelcue.pool.features import Features
from labelcue.pool.graph import Graph
from labelcue.pool.greedy import FarthestFirst
from labelcue.pool.herd import Herd
from labelcue.pool.kernel import Kernel
from labelcue.pool.matrix import Matrix
from labelcue.strategies import View


def view_of(
    vectors: np.ndarray,
    probabilities: np.ndarray,
    *,
    labelled: Sequence[int] = (),
    leased: Sequence[int] = (),
    head: int = 10,
    seed: int = 0,
    trained: bool = True,
    disagreement: np.ndarray | None = None,
) -> View:
    """All rows but the labelled and leased ones are candidates; `probabilities` (n, c) are of all rows."""
    matrix = Matrix(vectors.astype(np.float32))
    every, cover = np.arange(matrix.rows), Cover(matrix)
    cover.set([*labelled, *leased])
    rows = np.setdiff1d(every, [*labelled, *leased])
    said, held = (np.array(sorted(some), dtype=np.int64) for some in (labelled, leased))
    probabilities = probabilities.astype(np.float32)
    graph = Graph()

    def neighbours() -> Herd:
        graph.grow(matrix)
        return Herd(Kernel(graph.edges()), cover, rows, np.ones(matrix.rows, dtype=bool))

    return View(
        belief=Choice().believe(probabilities[rows], np.zeros((0, probabilities.shape[1]), dtype=np.float32)),
        squared=cover.squared[rows],
        trained=trained,
        labelled=len(said),
        head=min(head, len(rows)),
        spread=lambda weight, power, k: FarthestFirst(
            matrix, rows, cover.squared[rows], weight, power, cover.covered
        ).run(k),
        neighbours=neighbours,
        features=Features(matrix, rows, every, said, held, probabilities[held], Clusters()),
        rng=np.random.default_rng(seed),
        disagreement=disagreement,
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows of length one."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def some_pool(rows: int, classes: int, seed: int = 0, dim: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) unit vectors in groups, and (n, c) probabilities from certain to flat."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, classes, rows)
    vectors = unit(np.eye(classes, dim)[group] + 0.5 * rng.standard_normal((rows, dim)))
    scores = np.exp(rng.exponential(2, (rows, 1)) * vectors[:, :classes])
    return vectors, scores / scores.sum(axis=1, keepdims=True)
