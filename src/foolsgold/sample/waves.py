"""Lazy acceptance: judge candidates in the sampler's order, only until each pair has enough.

A judge that costs milliseconds a candidate (a cross-encoder) must not be asked about all of them: with `top`, nearly
all of what it would say is not needed. So each pair asks, wave by wave, for exactly as many of its next survivors as it
still lacks. No order of asking that takes the same candidates asks for fewer, and a wave over many queries at once
fills large batches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ScoreOf = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.floating]]
"""Scores of (pair, column), each shape (n,), as shape (n,)."""


class Acceptance(NamedTuple):
    """What came of it: `rejected (P, K)`, and the number of waves in which something was asked."""

    rejected: NDArray[np.bool_]
    n_waves: int


def accept_in_waves(
    order: NDArray[np.float64],
    free: NDArray[np.bool_],
    *,
    limits: NDArray[np.float64],
    n_wanted: int | NDArray[np.int64],
    score_of: ScoreOf,
) -> Acceptance:
    """Reject candidates that score above their pair's limit, as long as a pair lacks accepted ones.

    The first `n_wanted` by `order` of a pair's survivors that are not rejected are accepted, or all of them are.

    Args:
        order: shape (P, K), lowest first, ties by column; infinity for what is no survivor.
        free: shape (P, K), accepted without a score.
        limits: shape (P,); infinity accepts without a score.
        n_wanted: how many accepted candidates a pair needs; or each pair, shape (P,).
        score_of: called once a wave, never twice with the same (pair, column).
    """
    sequence = np.argsort(order, axis=1, kind="stable")  # (P, K)
    n_survivors = np.isfinite(order).sum(axis=1)
    free = free | np.isinf(limits)[:, None]
    rejected = np.zeros(order.shape, np.bool_)
    position = np.zeros(len(order), np.int64)
    n_accepted = np.zeros(len(order), np.int64)
    n_waves = 0
    while True:
        until = np.minimum(position + n_wanted - n_accepted, n_survivors)
        pairs, columns = _asked(sequence, position, until)
        if not len(pairs):
            return Acceptance(rejected, n_waves)
        unknown = ~free[pairs, columns]
        asked_pairs, asked_columns = pairs[unknown], columns[unknown]
        if len(asked_pairs):
            n_waves += 1
            rejected[asked_pairs, asked_columns] = score_of(asked_pairs, asked_columns) > limits[asked_pairs]
        n_accepted += np.bincount(pairs[~rejected[pairs, columns]], minlength=len(order))
        position = until


def _asked(
    sequence: NDArray[np.int64], position: NDArray[np.int64], until: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs and columns of the survivors from `position` up to `until` in each pair's sequence."""
    counts = np.maximum(until - position, 0)
    pairs = np.repeat(np.arange(len(sequence)), counts)
    within = np.arange(len(pairs)) - np.repeat(np.cumsum(counts) - counts, counts)
    return pairs, sequence[pairs, position[pairs] + within]
