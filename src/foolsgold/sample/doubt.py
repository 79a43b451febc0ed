"""Doubtful positives: those that stand so low among their candidates that the label may be wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock


def standings(pairs: PairBlock, rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float64]:
    """How each positive stands among its candidates, shape (P,); NaN for one without a score, or without candidates.

    `(s_pos - mean) / std` over the scores of the query's candidates that are no known positives: comparable between
    queries, as similarities are not.

    Args:
        pairs: the block.
        rows: of which pairs.
    """
    all_scores = pairs.scores[rows]
    others = pairs.present[rows] & ~pairs.known_positive_text[rows] & ~np.isnan(all_scores)
    n = others.sum(axis=1)
    mean = _sums(np.where(others, all_scores, 0.0)) / np.maximum(n, 1)
    spread = np.sqrt(_sums(np.where(others, all_scores - mean[:, None], 0.0) ** 2) / np.maximum(n, 1))
    found = (pairs.positive_scores[rows] - mean) / np.where(spread > 0, spread, 1.0)
    return np.where(n > 0, found, np.nan)


def _sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row, one by one: `sum` would depend, in its last bit, on how wide the block is."""
    sums: NDArray[np.float64] = np.cumsum(values, axis=1)[:, -1] if values.shape[1] else np.zeros(len(values))
    return sums


def lowest(found: NDArray[np.float64], ratio: float) -> float:
    """The standing below which are a share of the pairs, rounded down; -inf where that is none."""
    known = np.sort(found[~np.isnan(found)])
    n = int(ratio * len(known))
    return float(known[n]) if 0 < n < len(known) else -np.inf
