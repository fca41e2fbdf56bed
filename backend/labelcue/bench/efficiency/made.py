"""Sets of labels that come with scikit-learn or are made by it: for `--data made:NAME`, where nobody has a file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from labelcue.bench.efficiency.dataset import LabelledSet, distinct, read_set
from labelcue.bench.efficiency.debian import PREFIX as OF_DEBIAN
from labelcue.bench.efficiency.debian import debian
from labelcue.errors import BadRequest
from labelcue.types import Floats, Ints

PREFIX = "made:"
TESTED = 3
"""One row in so many is a test row."""
DIGITS = {
    "even": (0, 2, 4, 6, 8),
    "prime": (2, 3, 5, 7),
    "square": (0, 1, 4, 9),
    "has a loop": (0, 6, 8, 9),
    "is zero": (0,),
    "is seven": (7,),
}
"""Labels of the digits that they are of."""


def made(name: str) -> LabelledSet:
    """The set of this name, the same on every machine. Raises BadRequest."""
    make = MADE.get(name.removeprefix(PREFIX))
    if make is None:
        raise BadRequest(f"There is no set {name!r}.", f"Choose one of: {', '.join(PREFIX + one for one in MADE)}.")
    vectors, targets, classes = make()
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    tests = np.arange(len(vectors)) % TESTED == 0
    return LabelledSet(
        name=name.removeprefix(PREFIX),
        vectors=vectors[~tests],
        targets=targets[~tests],
        test_vectors=vectors[tests],
        test_targets=targets[tests],
        classes=classes,
        sha=hashlib.sha256(vectors.tobytes() + targets.tobytes()).hexdigest()[:16],
    )


def _topics(seed: int, labels: int) -> tuple[Floats, Ints, tuple[str, ...]]:
    """Texts as counts of 300 words, of three topics each on the average, with TF-IDF; some topics are rare."""
    from sklearn.datasets import make_multilabel_classification

    counts, targets = make_multilabel_classification(
        n_samples=3000, n_features=300, n_classes=labels, n_labels=3, length=80, random_state=seed
    )
    weight = np.log((1 + len(counts)) / (1 + (counts > 0).sum(axis=0))) + 1
    return counts * weight, targets.astype(np.int64), tuple(f"topic {number}" for number in range(labels))


def _digits() -> tuple[Floats, Ints, tuple[str, ...]]:
    """1,797 scanned digits of 64 pixels (UCI, CC BY 4.0), which scikit-learn ships, with what is true of each digit."""
    from sklearn.datasets import load_digits

    pixels, digits = load_digits(return_X_y=True)
    targets = np.column_stack([np.isin(digits, members) for members in DIGITS.values()])
    return pixels, targets.astype(np.int64), tuple(DIGITS)


MADE: Mapping[str, Callable[[], tuple[Floats, Ints, tuple[str, ...]]]] = {
    "topics": lambda: _topics(0, 20),
    "more-topics": lambda: _topics(1, 30),
    "digits": _digits,
}


def sets_of(paths: Sequence[Path]) -> list[LabelledSet]:
    """Every set, from a file, made or of Debian's list; raises BadRequest where two have one name."""
    return distinct([_set_of(path) for path in paths])


def _set_of(path: Path) -> LabelledSet:
    name = str(path)
    if name.startswith(PREFIX):
        return made(name)
    return debian(name) if name.startswith(OF_DEBIAN) else read_set(path)
