"""Negatives from a window of ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock

MAX_WINDOW_END = 110
_ALWAYS_WITHIN = 20


def rank_window(n_documents: int, min_rank: int = 10) -> tuple[int, int]:
    """SimpleMiner's window for a corpus of a given size: the first rank, and the one after the last.

    The window ends at a tenth of the corpus, at most at 110; so that a small collection is never left without, it ends
    at no less than 20 (or the whole corpus), and starts at no more than half its end.

    >>> [rank_window(n) for n in (1, 4, 20, 100, 300, 1_100)]
    [(1, 1), (2, 4), (10, 20), (10, 20), (10, 30), (10, 110)]
    """
    end = min(MAX_WINDOW_END, max(n_documents // 10, min(n_documents, _ALWAYS_WITHIN)))
    return first_rank(end, min_rank), end


def first_rank(end: int, min_rank: int) -> int:
    """Where a window that ends at `end` starts: at `min_rank`, but at no more than half its end."""
    return 0 if min_rank == 0 else min(min_rank, max(1, end // 2))


@dataclass(frozen=True)
class RankWindow:
    """Keeps ranks `[min_rank, max_rank)`; where no positive has a score, it starts no earlier than a rank of its own.

    Attributes:
        min_rank: first rank kept.
        max_rank: first rank not kept.
        min_rank_without_positive: first rank kept for queries without positives, and for pairs whose positive has no
            score, such as one that a run does not have: no margin guards them.
    """

    min_rank: int
    max_rank: int
    min_rank_without_positive: int
    binds_judged = False

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep the window."""
        without = max(self.min_rank, self.min_rank_without_positive)
        first = np.where(np.isnan(pairs.positive_scores), without, self.min_rank)  # (P,)
        return Verdict((pairs.ranks >= first[:, None]) & (pairs.ranks < self.max_rank), "rank_window")
