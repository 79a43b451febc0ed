"""Fixed bounds on the score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock


@dataclass(frozen=True)
class MaxScore:
    """Drops candidates with `s > bound`: too similar to be trusted."""

    bound: float
    binds_judged = False

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what scores no higher."""
        return Verdict(~(pairs.scores > self.bound), "max_score")


@dataclass(frozen=True)
class MinScore:
    """Drops candidates with `s < bound`: too easy to teach."""

    bound: float
    binds_judged = False

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what scores no lower."""
        return Verdict(~(pairs.scores < self.bound), "min_score")
