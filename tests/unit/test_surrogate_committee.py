"""The committee: members as if fitted one by one, mutual information as its definition says."""

import numpy as np

from labelcue.engine import Cue
from labelcue.surrogates import Examples, Head, surrogates
from labelcue.surrogates.committee import fit_members, mutual_information
from labelcue.surrogates.device import tensor
from labelcue.surrogates.solver import solve


def examples(count: int = 60, classes: int = 3, dim: int = 12) -> Examples:
    rng = np.random.default_rng(0)
    labels = np.arange(count) % classes
    vectors = np.eye(classes, dim)[labels] + 0.4 * rng.standard_normal((count, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Examples(vectors.astype(np.float32), np.eye(classes, dtype=np.float32)[labels])


def test_members_are_what_single_fits_give():
    given = examples()
    rng = np.random.default_rng(1)
    head = surrogates.create("committee").fit(given, Head.blank(3, 12), True, rng)
    drawn = rng.multinomial(60, np.full(60, 1 / 60), size=4).astype(np.float32)
    members = fit_members(given, head, drawn)
    for member, times in zip(members, drawn, strict=True):
        start = tensor(np.zeros((3, 13), dtype=np.float32))
        alone = solve(tensor(given.vectors), tensor(given.targets * times[:, None]), head.l2, start)
        ours, theirs = (tensor(given.vectors) @ theta[:, :-1].T + theta[:, -1] for theta in (member, alone))
        assert float((ours.softmax(1) - theirs.softmax(1)).abs().max()) < 0.02


def test_mutual_information_is_its_definition():
    rng = np.random.default_rng(2)
    vectors, members = rng.standard_normal((20, 6)), rng.standard_normal((5, 3, 7))
    found = mutual_information(vectors.astype(np.float32), members.astype(np.float32), 1.5)
    for vector, value in zip(vectors, found, strict=True):
        scores = np.array([(member[:, :-1] @ vector + member[:, -1]) / 1.5 for member in members])
        p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        mean = p.mean(axis=0)
        expected = -(mean * np.log(mean)).sum() + (p * np.log(p)).sum(axis=1).mean()
        assert abs(value - expected) < 1e-5


def test_a_cue_ranks_by_disagreement_and_keeps_the_heads_probabilities():
    given = examples(120)
    truth = given.targets.argmax(axis=1)
    outcomes = {}
    for name in ("logistic", "committee", "committee "):
        cue = Cue(given.vectors, strategy="bald", classes=list("abc"), surrogate=name.strip())
        cue.label({row: "abc"[truth[row]] for row in range(20)})
        outcomes[name] = cue.round(3)
    np.testing.assert_array_equal(outcomes["logistic"].probabilities, outcomes["committee"].probabilities)
    np.testing.assert_array_equal(outcomes["committee"].rank, outcomes["committee "].rank)
    assert (outcomes["logistic"].rank != outcomes["committee"].rank).any()
