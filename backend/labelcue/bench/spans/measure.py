"""Spans of mails: F1 after so many labels in the order of each strategy, and how early errors come."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from labelcue.bench.spans.mails import pieces
from labelcue.embedders import embedders
from labelcue.embedders.words import WordReader, Words
from labelcue.engine import Cue, Found
from labelcue.labels.tokens import Tokens
from labelcue.surrogates.tagger import plausible
from labelcue.types import Floats, Span

SHARE = 0.1
"""Of a queue's head, in which errors are looked for; and of the answers that get one planted."""
FOLDS = 5
STRATEGIES = ("random", "entropy", "coreset-margin", "herding")


class Pool(NamedTuple):
    """Texts with their spans."""

    vectors: Floats
    """(n, 384)."""
    words: list[Words]
    spans: list[set[Span]]

    def cue(self, rows: Sequence[int], strategy: str, seed: int) -> Cue:
        """A queue of some of them."""
        tokens = [self.words[row] for row in rows]
        return Cue(self.vectors[rows], list(rows), strategy, seed=seed, surrogate="tagger", tokens=tokens)


def run(pool: int, held_out: int, budget: int, batch: int, seeds: int) -> dict[str, Any]:
    """`pool` texts to choose from, F1 of exact spans on `held_out` others after every `batch` labels up to `budget`.

    `labels_to_match_random`: labels in a strategy's order after which F1 is that of the whole budget at random, by the
    means over seeds, interpolated; above the budget: not reached. `wrong`: texts of the pool, not labelled, whose
    predicted spans are not exactly right after the budget at random; `planted`: labelled texts of whose answers a tenth
    had a span moved, dropped, or given another class, ordered by how plausible a model without them finds them.
    `recall`: of those the share among the first tenth, `times_random` over the share of all.
    """
    texts, spans = pieces(pool + held_out)
    began = time.perf_counter()
    words = WordReader().read(texts)
    read_s = time.perf_counter() - began
    data = Pool(embedders.create("minilm").embed(texts), words, spans)
    curves = {name: [_curve(data, pool, name, budget, batch, seed) for seed in range(seeds)] for name in STRATEGIES}
    means = {name: np.mean(curve, axis=0) for name, curve in curves.items()}
    steps = np.arange(batch, budget + 1, batch)
    wrong = [_wrong(data, pool, budget, seed) for seed in range(seeds)]
    planted = [_planted(data, budget, seed) for seed in range(seeds)]
    return {
        "texts": len(texts),
        "words": int(sum(len(one.offsets) for one in words)),
        "read_s": round(read_s, 2),
        "bytes_a_word": words[0].states.itemsize * words[0].states.shape[1] + 8,
        "f1": {name: {int(n): round(float(v), 4) for n, v in zip(steps, f, strict=True)} for name, f in means.items()},
        "area": {name: round(float(f.mean()), 4) for name, f in means.items()},
        "labels_to_match_random": {name: _reached(f, means["random"][-1], steps) for name, f in means.items()},
        "wrong": _summed(wrong),
        "planted": _summed(planted),
    }


def f1(found: Sequence[Sequence[Found]], truth: Sequence[set[Span]]) -> float:
    """Of exact spans: 2 right / (predicted + there)."""
    right = sum(len({one[:3] for one in said} & want) for said, want in zip(found, truth, strict=True))
    return 2 * right / max(1, sum(map(len, found)) + sum(map(len, truth)))


def plant(answers: Sequence[set[Span]], rng: np.random.Generator) -> tuple[list[set[Span]], set[int]]:
    """Answers of which a tenth, of those that have spans, are wrong in one; and which these are."""
    full = [place for place, answer in enumerate(answers) if answer]
    chosen = rng.choice(full, size=round(SHARE * len(answers)), replace=False)
    labels = sorted({label for answer in answers for _, _, label in answer})
    out = [set(answer) for answer in answers]
    for place in chosen.tolist():
        start, end, label = sorted(out[place])[int(rng.integers(len(out[place])))]
        out[place].discard((start, end, label))
        other = labels[(labels.index(label) + 1 + int(rng.integers(len(labels) - 1))) % len(labels)]
        wrong = (None, (start, end, other), (start, start + max(1, (end - start) // 2), label))
        out[place] |= {one for one in (wrong[int(rng.integers(3))],) if one is not None}
    return out, set(chosen.tolist())


def _curve(data: Pool, pool: int, strategy: str, budget: int, batch: int, seed: int) -> list[float]:
    """F1 on the texts behind the pool, after every batch."""
    rows = list(range(len(data.spans)))
    cue = data.cue(rows, strategy, seed)
    cue.hold(rows[pool:])
    points = []
    for _ in range(0, budget, batch):
        cue.label({item: data.spans[int(item)] for item in cue.next(batch)})
        points.append(f1(_found(cue, rows[pool:]), data.spans[pool:]))
    return points


def _wrong(data: Pool, pool: int, budget: int, seed: int) -> tuple[float, float]:
    """Recall of texts with a wrong prediction in the head of the queue by doubt, and their share of the queue."""
    rows = np.random.default_rng(seed).permutation(pool)
    cue = data.cue(sorted(rows.tolist()), "entropy", seed)
    cue.label({int(row): data.spans[row] for row in rows[:budget]})
    queue = [int(one.id) for one in cue.rank(pool)]
    found = _found(cue, queue)
    bad = np.array([{one[:3] for one in said} != data.spans[row] for row, said in zip(queue, found, strict=True)])
    return _recall(bad)


def _planted(data: Pool, budget: int, seed: int) -> tuple[float, float]:
    """The same of answers with a planted error, ordered by how `plausible` they are."""
    rng = np.random.default_rng(seed)
    answers, bad = plant(data.spans[: 2 * budget], rng)
    rows = np.arange(len(answers))
    fold, likely = rng.permutation(len(rows)) % FOLDS, np.zeros(len(rows))
    for number in range(FOLDS):
        cue = data.cue(rows.tolist(), "random", seed)
        cue.label({int(row): answers[row] for row in rows[fold != number]})
        left, outcome = rows[fold == number], cue.round(seed)
        piece = Tokens.of([data.words[row] for row in left]).of_rows(np.arange(len(left)))
        likely[left] = plausible(outcome.extra, piece, [frozenset(answers[row]) for row in left], outcome.classes)
    order = np.argsort(likely, kind="stable")
    return _recall(np.isin(order, list(bad)))


def _found(cue: Cue, rows: Sequence[int]) -> list[list[Found]]:
    return cast("list[list[Found]]", cue.predict(rows))


def _recall(bad: np.ndarray[Any, np.dtype[np.bool_]]) -> tuple[float, float]:
    """Share of what is bad that stands in the first tenth, and the share of all that is bad."""
    head = round(SHARE * len(bad))
    return float(bad[:head].sum() / max(1, bad.sum())), float(bad.mean())


def _reached(curve: np.ndarray[Any, Any], goal: float, steps: np.ndarray[Any, Any]) -> float:
    """Labels after which the curve is first at the goal; infinite where it is not."""
    at = np.flatnonzero(curve >= goal)
    if not len(at):
        return float("inf")
    place = int(at[0])
    if not place:
        return float(steps[0])
    share = (goal - curve[place - 1]) / max(1e-12, curve[place] - curve[place - 1])
    return round(float(steps[place - 1] + share * (steps[place] - steps[place - 1])), 1)


def _summed(found: Sequence[tuple[float, float]]) -> dict[str, float]:
    recall, share = (float(np.mean(part)) for part in zip(*found, strict=True))
    return {"recall": round(recall, 4), "times_random": round(recall / SHARE, 2), "share_of_all": round(share, 4)}
