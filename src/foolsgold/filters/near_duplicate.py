"""Documents that nearly repeat others: relevant where those are, and nothing new to learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.duplicate_text import first_of_each
from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock


@dataclass(frozen=True)
class NearPositive:
    """Drops near-duplicates of a known positive: `cos(d, d_pos) > bound`, or one text contains the other.

    Compared with all known positives of the query. Texts are folded and compared word by word, those of four words or
    more; 0.95 is the bound of negminer.
    """

    bound: float
    binds_judged = False

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what differs from every known positive."""
        return Verdict(~((pairs.positive_similarities > self.bound) | pairs.contains_positive), "near_positive")


class NearNegative:
    """Of the candidates left that nearly repeat each other, keeps the one of lowest rank; so it must be applied last.

    The bound on their cosine is applied when mining, and kept as `duplicate_of`.
    """

    binds_judged = True

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep the first of each group among what is alive."""
        return Verdict(first_of_each(pairs.duplicate_of, pairs.ranks, alive), "near_negative")
