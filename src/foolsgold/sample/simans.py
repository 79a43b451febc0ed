"""Survivors that score about as high as the positive."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock
from foolsgold.sample.seeds import numbers_of
from foolsgold.sample.weighted import race, scaled_scores


class SimANS:
    """Draws without replacement from all survivors, with p ∝ exp(-a (s - s_pos - b)²) (SimANS, arXiv 2210.11773).

    Candidates far below the positive are too easy, those far above it are likely to be positives themselves; the ones
    about it are *ambiguous*, and teach most. The paper's a = 0.5 and b = 0 (also 1) were for raw dot products; here the
    difference is divided by the standard deviation of the query's candidates' scores, so that they mean the same for
    every model: a = 0.5 is then a bell with a standard deviation of one spread. For a query without positives the score
    of its best candidate stands for `s_pos`.

    The random numbers depend on the seed, the ids of query and positive, and the rank alone.
    """

    def __init__(self, seed: int, *, a: float, b: float) -> None:
        self._seed = seed
        self._a = a
        self._b = b

    def order(
        self, pairs: PairBlock, keep: NDArray[np.bool_], *, pair_ids: Sequence[tuple[str, str]]
    ) -> NDArray[np.float64]:
        """Keys of a race among all candidates, shape (P, K)."""
        distances = scaled_scores(pairs, pairs.positive_scores) - self._b
        numbers = numbers_of(self._seed, [(*ids, "simans") for ids in pair_ids], keep.shape[1])
        return race(numbers, -self._a * distances**2)
