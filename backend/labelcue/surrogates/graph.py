"""The head and the neighbours' vote: labels shared out over the neighbour graph, where held-out labels say it helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy import sparse

from labelcue.surrogates import Examples, Head, Links, Refined, Scored, surrogates
from labelcue.surrogates.crossval import FEWEST, MOST, QUARTERS, choose_temperature, folds, held_out, mark, sample
from labelcue.surrogates.device import tensor
from labelcue.surrogates.logistic import Logistic, theta_of
from labelcue.surrogates.spread import operator, share_out, vote
from labelcue.types import Bools, Floats, Ints

SHARES = (0.5, 0.75, 0.9)
"""Powers of the neighbours' vote that the head's own, the rest to 1, is weighed against. Never 1: the vote says nothing
of rows that no label reaches."""
LARGEST = 500_000
"""Rows times classes beyond which the head speaks alone: a round would wait for seconds."""


@surrogates.register("graph")
class GraphVote(Logistic):
    """p ∝ (p_head^(1 - share) p_graph^share)^(1 / temperature), the logistic head's fit as it is.

    The share is chosen again whenever the temperature is: among those whose held-out loss is below the head's own by
    more than the standard error of the difference, the one that is surest to be (the rule of Breiman et al., 1984,
    which leans to the simpler model); 0 where there is none.
    """

    name = "graph"
    summary = "The same, joined by what the labels of near neighbours say."
    when = "Where suggestions are to be right after few labels, and the pool falls into topics."
    uses_graph = True
    understudy = "logistic"

    def __init__(self) -> None:
        self._links: Links | None = None
        self._step = sparse.csr_matrix((0, 0), dtype=np.float32)

    def refine(
        self, scored: Scored, examples: Examples, head: Head, before: Head, full: bool, rng: np.random.Generator
    ) -> Refined:
        """The fusion of both, with one product of the graph and the labels for each step."""
        alone = replace(head, share=0.0, fused=1.0)
        rows, classes = scored.logits.shape
        if not head.trained or len(examples) < FEWEST or rows * classes > LARGEST:
            return super().refine(scored, examples, alone, before, full, rng)
        known = not full and before.trained and before.labelled >= FEWEST
        if not known or mark(before.labelled, QUARTERS) != mark(len(examples), QUARTERS):
            head = self._choose_share(scored, examples, alone, rng)
        if not head.share:
            return super().refine(scored, examples, alone, before, full, rng)
        votes = self._votes(scored, examples)
        own = alone.probabilities(scored.logits.copy())
        return Refined(fuse(scored.logits, votes, head), head, own=own)

    def _operator(self, scored: Scored) -> sparse.csr_matrix:
        """Kept while the graph is the same one: a function of it alone."""
        links = scored.links()
        if links is not self._links:
            self._links, self._step = links, operator(links)
        return self._step

    def _votes(self, scored: Scored, examples: Examples) -> Floats:
        given = np.zeros_like(scored.logits)
        given[scored.labelled] = examples.targets
        mass = share_out(self._operator(scored), given)
        return vote(mass, mass.sum(axis=0), _prior(examples.targets), len(mass))

    def _choose_share(self, scored: Scored, examples: Examples, head: Head, rng: np.random.Generator) -> Head:
        """`head` with the share and the temperature that labels call for which neither side saw."""
        some = sample(len(examples), rng, MOST)
        vectors, targets = (tensor(part[some]) for part in (examples.vectors, examples.targets))
        fold = folds(targets, rng)
        cold = theta_of(Head.blank(*head.weights.shape))
        own = held_out(vectors, targets, fold, (head.l2,), cold)[0]
        theirs = tensor(self._held_out_votes(scored, examples, some, fold))
        alone = _losses(own, targets, choose_temperature(own, targets))
        best = replace(head, share=0.0, fused=1.0)
        surest = 0.0
        for share in SHARES:
            scores = (1 - share) * torch.log_softmax(own, dim=1) + share * theirs
            temperature = choose_temperature(scores, targets)
            gain = alone - _losses(scores, targets, temperature)
            least = float(gain.mean() - gain.std() / len(gain) ** 0.5)
            if least > surest:
                best, surest = replace(head, share=share, fused=temperature), least
        return best

    def _held_out_votes(self, scored: Scored, examples: Examples, some: Ints, fold: Ints) -> Floats:
        """(n, c) float32 vote on each of some labelled rows by the labels of the other folds.

        Masses add up: each fold's labels are shared out once, and what a row may not see is taken away.
        """
        step, targets = self._operator(scored), examples.targets[some]
        at, rows = scored.labelled[some], len(scored.logits)
        parts = [_part(step, at, targets, fold == number) for number in range(int(fold.max()) + 1)]
        mass = np.sum([own for own, _ in parts], axis=0)
        total = np.sum([whole for _, whole in parts], axis=0)
        votes = np.empty_like(targets)
        for number, (own, whole) in enumerate(parts):
            left = fold == number
            seen = np.maximum(mass[left] - own[left], 0), np.maximum(total - whole, 0)
            votes[left] = vote(*seen, _prior(targets[~left]), rows)
        return votes


def fuse(logits: Floats, votes: Floats, head: Head) -> Floats:
    """(n, c) float32 probabilities from the (n, c) head's logits and log votes; overwrites both."""
    logits -= logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    logits *= np.float32(1 - head.share)
    votes *= np.float32(head.share)
    logits += votes
    return replace(head, temperature=head.fused).probabilities(logits)


def _part(step: sparse.csr_matrix, at: Ints, targets: Floats, part: Bools) -> tuple[Floats, Floats]:
    """(n, c) mass at the rows `at`, and (c,) everywhere, of the labels of one part of them."""
    given = np.zeros((step.shape[0], targets.shape[1]), dtype=np.float32)
    given[at[part]] = targets[part]
    used = np.flatnonzero(given.any(axis=0))
    mass = np.zeros_like(targets)
    total = np.zeros(targets.shape[1], dtype=np.float32)
    spread = share_out(step, np.ascontiguousarray(given[:, used]))
    mass[:, used], total[used] = spread[at], spread.sum(axis=0)
    return mass, total


def _prior(targets: Floats) -> Floats:
    shares: Floats = targets.sum(axis=0) / targets.sum()
    return shares


def _losses(scores: torch.Tensor, targets: torch.Tensor, temperature: float) -> torch.Tensor:
    """(n,) negative log likelihood of each item, in nats."""
    return -(targets * torch.log_softmax(scores / temperature, dim=1)).sum(dim=1)
