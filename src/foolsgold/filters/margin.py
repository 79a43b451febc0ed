"""Positive-aware margins (NV-Retriever, arXiv 2407.15831), for each (query, positive) pair by itself.

A candidate is compared with the positive of its own pair: comparing it with the weakest positive of the query would
let one weak positive wipe the query. A query without positives has no margin and keeps everything; so does a pair
whose positive has no score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock


def above_margins(pairs: PairBlock, *, relative: float | None, absolute: float | None) -> NDArray[np.bool_]:
    """Which candidates lie above a margin and were not judged not relevant, shape (P, K); None is no margin."""
    above = np.zeros(pairs.scores.shape, np.bool_)
    alive = pairs.present
    if relative is not None:
        above |= ~RelativeMargin(relative)(pairs, alive).keep
    if absolute is not None:
        above |= ~AbsoluteMargin(absolute)(pairs, alive).keep
    return above & ~pairs.judged_negative


@dataclass(frozen=True)
class AbsoluteMargin:
    """Drops candidates with `s > s_pos - m` (TopK-MarginPos); the paper's best m is 0.05."""

    margin: float
    binds_judged = False

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what lies far enough below the positive."""
        threshold = pairs.positive_scores - self.margin
        return Verdict(~(pairs.scores > threshold[:, None]), "absolute_margin")


@dataclass(frozen=True)
class RelativeMargin:
    """Drops candidates with `s > s_pos - m * |s_pos|` (TopK-PercPos); m = 0.05 is the paper's 95%.

    With the absolute value the rule stays a margin where the positive's score is negative.
    """

    margin: float
    binds_judged = False

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what lies far enough below the positive."""
        threshold = pairs.positive_scores - self.margin * np.abs(pairs.positive_scores)
        return Verdict(~(pairs.scores > threshold[:, None]), "relative_margin")
