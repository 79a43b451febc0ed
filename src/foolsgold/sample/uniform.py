"""Any survivors, each as likely as the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock
from foolsgold.sample.seeds import numbers_of


class Uniform:
    """Draws without replacement, each survivor with equal probability, as BGE does from ranks 10 to 210.

    Each candidate of a query gets a random number, and the survivors with the smallest are taken. The numbers depend on
    the seed, the query's id and the rank alone, so that other queries, blocks and filters do not change them.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def order(
        self, pairs: PairBlock, keep: NDArray[np.bool_], *, pair_ids: Sequence[tuple[str, str]]
    ) -> NDArray[np.float64]:
        """Random numbers in [0, 1), shape (P, K), the same for all pairs of a query."""
        return numbers_of(self._seed, [(query_id,) for query_id, _ in pair_ids], keep.shape[1])
