"""How unsure a surrogate is of each item, from (m, c) probabilities: 0 is certain, 1 is as unsure as can be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from labelcue.types import Floats

STEPS = np.float32(4096)
"""Measures are rounded to 1/4096: finer differences are float noise, and would order copies of one item by chance."""
PIECE = 8192
"""Rows of one step, which stay in the cache."""

EASIEST = np.float32(4.5e-5)
"""Hardness at a score of 10, beyond which Kolossov, Montanari & Tandon (arXiv 2309.14563) cut scores off."""


def margin(probabilities: Floats) -> Floats:
    """(m,) float32 1 - (p1 - p2), p1 and p2 the two largest (Scheffer, Decomain & Wrobel, IDA 2001); one class: 1."""
    classes = probabilities.shape[1]
    if classes == 2:
        return rounded(1 - np.abs(probabilities[:, 0] - probabilities[:, 1]))
    out = np.ones(len(probabilities), dtype=np.float32)
    for start in range(0, len(out) if classes > 1 else 0, PIECE):
        first, second = _two_largest(np.ascontiguousarray(probabilities[start : start + PIECE].T))
        out[start : start + PIECE] = rounded(1 - (first - second))
    return out


def predicted(probabilities: Floats) -> tuple[Floats, NDArray[np.int32]]:
    """`margin`, and (m,) the most probable class, of equals the first."""
    out, label = np.ones(len(probabilities), dtype=np.float32), np.zeros(len(probabilities), dtype=np.int32)
    for start in range(0, len(out) if probabilities.shape[1] > 1 else 0, PIECE):
        part = slice(start, start + PIECE)
        first, second = _two_largest(np.ascontiguousarray(probabilities[part].T), label[part])
        out[part] = rounded(1 - (first - second))
    return out, label


def mean_prediction(probabilities: Floats) -> NDArray[np.float64]:
    """(c,) float64 mean probability of each class."""
    total, ones = np.zeros(probabilities.shape[1]), np.ones(PIECE, dtype=np.float32)
    for start in range(0, len(probabilities), PIECE):
        part = probabilities[start : start + PIECE]
        total += ones[: len(part)] @ part
    return total / max(1, len(probabilities))


def least_confidence(probabilities: Floats) -> Floats:
    """(m,) float32 (1 - p1) c / (c - 1) (Lewis & Gale, SIGIR 1994, scaled to 0..1); one class: 1."""
    classes = probabilities.shape[1]
    if classes < 2:
        return np.ones(len(probabilities), dtype=np.float32)
    return rounded((1 - probabilities.max(axis=1)) * np.float32(classes / (classes - 1)))


def entropy(probabilities: Floats) -> Floats:
    """(m,) float32 -sum p log p / log c (Shannon; for selection Settles, 2009, section 3.1); one class: 1."""
    classes = probabilities.shape[1]
    if classes < 2:
        return np.ones(len(probabilities), dtype=np.float32)
    safe = np.maximum(probabilities, np.float32(1e-30))
    return rounded(-(probabilities * np.log(safe)).sum(axis=1) / np.float32(np.log(classes)))


def disagreement(nats: Floats, classes: int) -> Floats:
    """(m,) float32 mutual information of a committee as a share of its maximum, log c; one class: 1."""
    if classes < 2:
        return np.ones(len(nats), dtype=np.float32)
    return rounded(nats / np.float32(np.log(classes)))


def binary_entropy(probabilities: Floats) -> Floats:
    """(m,) float32 mean over the columns of the entropy of a yes or no of that probability, over log 2; none: 1."""
    width = probabilities.shape[1]
    total = np.zeros(len(probabilities), dtype=np.float32)
    for start in range(0, len(total) if width else 0, PIECE):
        part = slice(start, start + PIECE)
        yes = np.clip(probabilities[part], np.float32(1e-7), np.float32(1 - 1e-7))
        total[part] = -(yes * np.log(yes) + (1 - yes) * np.log1p(-yes)).sum(axis=1)
    return rounded(total / np.float32(width * np.log(2))) if width else np.ones_like(total)


def unevenness(share: NDArray[np.float64]) -> float:
    """0 where all of (g,) shares, g > 1, are alike, 1 where one has all: by the effective number, exp(H)
    (Hill, 1973)."""
    entropy = -float((share * np.log(np.maximum(share, 1e-30))).sum())
    return float(np.clip(1 - (np.exp(entropy) - 1) / (len(share) - 1), 0, 1))


def hardness(probabilities: Floats) -> Floats:
    """(m,) float32 (1 - sum p^2) / 2, which is p (1 - p) for two classes; never below `EASIEST`."""
    gini = 1 - np.einsum("ij,ij->i", probabilities, probabilities)
    hard: Floats = np.maximum(gini / 2, EASIEST).astype(np.float32)
    return hard


def gradients(probabilities: Floats) -> Floats:
    """(m, c) float32 p - onehot(ŷ): the gradient of the loss by the scores, were the prediction the label."""
    slopes = probabilities.copy()
    slopes[np.arange(len(slopes)), probabilities.argmax(axis=1)] -= 1
    return slopes


def _two_largest(columns: Floats, label: NDArray[np.int32] | None = None) -> tuple[Floats, Floats]:
    """(m,) largest and second of (c, m), class by class: rows are short, columns are long.

    `label`: (m,) zeros, which become the number of the largest.
    """
    first, second = columns[0].copy(), np.full(columns.shape[1], -np.inf, dtype=np.float32)
    for number, column in enumerate(columns[1:], 1):
        if label is not None:
            np.maximum(label, (column > first) * np.int32(number), out=label)
        np.maximum(second, np.minimum(first, column), out=second)
        np.maximum(first, column, out=first)
    return first, second


def rounded(measure: Floats) -> Floats:
    """(m,) float32 within 0 to 1, in steps of 1/4096."""
    return (np.round(np.clip(measure, 0, 1) * STEPS) / STEPS).astype(np.float32)
