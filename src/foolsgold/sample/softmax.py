"""The best survivors, the harder the likelier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock
from foolsgold.sample.sampler import first_survivors
from foolsgold.sample.seeds import numbers_of
from foolsgold.sample.top import Top
from foolsgold.sample.weighted import race, scaled_scores


class Softmax:
    """Draws without replacement from the `sample_from` best survivors, with p ∝ exp(s / temperature).

    The best are those that `Top` would take, ten by default: NV-Retriever (arXiv 2407.15831) found a softmax over the
    ten best as good as the top ones, and more than ten worse. Where fewer survive, all of them compete. `s` is counted
    in standard deviations of the query's candidates' scores, so that one temperature suits every model. At the default
    of 1.0 a candidate is e times as likely as one that scores a standard deviation lower, which leaves each of the ten
    a fair chance; a lower temperature comes nearer to `Top`, a higher one to `Uniform`.

    The random numbers depend on the seed, the query's id and the rank alone.
    """

    def __init__(self, seed: int, *, sample_from: int, temperature: float, best: Top | None = None) -> None:
        self._seed = seed
        self._sample_from = sample_from
        self._temperature = temperature
        self._best = best or Top()

    def order(
        self, pairs: PairBlock, keep: NDArray[np.bool_], *, pair_ids: Sequence[tuple[str, str]]
    ) -> NDArray[np.float64]:
        """Keys of a race among the best, shape (P, K); infinite for all others."""
        best = first_survivors(self._sample_from, keep, self._best.order(pairs, keep, pair_ids=pair_ids))
        numbers = numbers_of(self._seed, [(query_id, "softmax") for query_id, _ in pair_ids], keep.shape[1])
        return np.where(best, race(numbers, scaled_scores(pairs) / self._temperature), np.inf)
