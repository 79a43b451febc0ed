"""Positive-aware margins (NV-Retriever, arXiv 2407.15831), for each (query, positive) pair by itself.

A candidate is compared with the positive of its own pair: comparing it with the weakest positive of the query would
let one weak positive wipe the query. A query without positives has no margin and keeps everything; so does a pair whose
positive has no score.

Margins guard against false negatives, and bind only what may be one (a probability of `min_probability` or more, or an
unknown one): where few are to be expected, the hardest negatives lie above the margins, and taught most
(benchmarks/training).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock


def above_margins(
    pairs: PairBlock, *, relative: float | None, absolute: float | None, min_probability: float = 0.0
) -> NDArray[np.bool_]:
    """Which candidates lie above a margin that binds them, shape (P, K); None is no margin."""
    above = np.zeros(pairs.scores.shape, np.bool_)
    alive = pairs.present
    if relative is not None:
        above |= ~RelativeMargin(relative, min_probability)(pairs, alive).keep
    if absolute is not None:
        above |= ~AbsoluteMargin(absolute, min_probability)(pairs, alive).keep
    return above & ~pairs.judged_negative


@dataclass(frozen=True)
class AbsoluteMargin:
    """Drops candidates with `s > s_pos - m` (TopK-MarginPos); the paper's best m is 0.05."""

    margin: float
    min_probability: float = 0.0
    binds_judged = False

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what lies far enough below the positive, and what is hardly a false negative."""
        threshold = pairs.positive_scores - self.margin
        return Verdict(~_binding(pairs, threshold, self.min_probability), "absolute_margin")


@dataclass(frozen=True)
class RelativeMargin:
    """Drops candidates with `s > s_pos - m * |s_pos|` (TopK-PercPos); m = 0.05 is the paper's 95%.

    With the absolute value the rule stays a margin where the positive's score is negative.
    """

    margin: float
    min_probability: float = 0.0
    binds_judged = False

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what lies far enough below the positive, and what is hardly a false negative."""
        threshold = pairs.positive_scores - self.margin * np.abs(pairs.positive_scores)
        return Verdict(~_binding(pairs, threshold, self.min_probability), "relative_margin")


def _binding(pairs: PairBlock, threshold: NDArray[np.float64], min_probability: float) -> NDArray[np.bool_]:
    """What lies above `threshold (P,)`, and is as likely or of unknown probability; shape (P, K)."""
    unlikely = pairs.false_negative_probabilities < min_probability
    above: NDArray[np.bool_] = (pairs.scores > threshold[:, None]) & ~unlikely
    return above
