"""Drawing with unequal probabilities, and scores on a scale that is the same for every model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock


def race(numbers: NDArray[np.float64], log_weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys whose n lowest are a draw of n without replacement with probabilities proportional to the weights.

    Each candidate runs for a time that is exponentially distributed with its weight as rate, `-ln(1 - u) / w`; the
    first to arrive is i with probability `w_i / sum(w)`, and so on among those still running (Efraimidis and Spirakis
    2006; the Gumbel top-k trick is the same in logarithms). A key is the logarithm of that time.

    Args:
        numbers: uniform random numbers `u` in [0, 1), shape (P, K).
        log_weights: `ln w` up to a constant for each row, shape (P, K).
    """
    times = np.maximum(-np.log1p(-numbers), np.finfo(np.float64).tiny)  # u = 0 would have no logarithm
    keys: NDArray[np.float64] = np.log(times) - log_weights
    return keys


def scaled_scores(pairs: PairBlock, reference: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Scores above a reference score, in standard deviations of the scores of the pair's candidates; shape (P, K).

    Cosines of one model lie between 0.6 and 0.9, dot products of another between 50 and 120: counted in their own
    spread a difference means the same for both. Where the spread is 0 (one candidate, or all equal), it counts as 1; a
    candidate that is not there, or has no score, counts as the lowest.

    Args:
        pairs: the block.
        reference: shape (P,); None, and NaN for a pair, is the score of the best candidate.
    """
    known = pairs.present & np.isfinite(pairs.scores)
    rows = [_range_and_spread(scores[there]) for scores, there in zip(pairs.scores, known, strict=True)]
    lowest, highest, spread = np.array(rows).T[:, :, None]  # each (P, 1)
    zero = highest if reference is None else np.where(np.isnan(reference)[:, None], highest, reference[:, None])
    scaled: NDArray[np.float64] = (np.where(known, pairs.scores, lowest) - zero) / spread
    return scaled


def _range_and_spread(scores: NDArray[np.float64]) -> tuple[float, float, float]:
    """Of one pair at a time: the sum over a row of a block would depend, in its last bit, on the block's width."""
    return (float(scores.min()), float(scores.max()), float(scores.std()) or 1.0) if len(scores) else (0.0, 0.0, 1.0)
