"""Doubtful positives: those that stand so low among their candidates that the label may be wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock


def standings(pairs: PairBlock) -> NDArray[np.float64]:
    """How each positive stands among its candidates, shape (P,); NaN for one without a score, or without candidates.

    `(s_pos - mean) / std` over the scores of the query's candidates that are no known positives: comparable between
    queries, as similarities are not.
    """
    others = pairs.present & ~pairs.known_positive_text & ~np.isnan(pairs.scores)
    n = others.sum(axis=1)
    scores = np.where(others, pairs.scores, 0.0)
    mean = scores.sum(axis=1) / np.maximum(n, 1)
    spread = np.sqrt((np.where(others, scores - mean[:, None], 0.0) ** 2).sum(axis=1) / np.maximum(n, 1))
    found = (pairs.positive_scores - mean) / np.where(spread > 0, spread, 1.0)
    return np.where(n > 0, found, np.nan)


def lowest(found: NDArray[np.float64], ratio: float) -> float:
    """The standing below which are a share of the pairs, rounded down; -inf where that is none."""
    known = np.sort(found[~np.isnan(found)])
    n = int(ratio * len(known))
    return float(known[n]) if 0 < n < len(known) else -np.inf
