"""Four witnesses of relevance, each relative to its own query, so that they mean the same in any collection.

Measured on collections that were left out of the fit (benchmarks/false_negatives), they tell hidden positives from
other candidates better than the ratio of a candidate's score to the positive's, on which margins rest.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

WITNESSES = ("dense", "words", "near_positive", "words_of_positive")


class Testimony(NamedTuple):
    """What is known of the candidates of B queries.

    Attributes:
        features: shape (B, K, 4), float64, in the order of WITNESSES; 0 where there is no candidate.
        positive_features: shape (P, 2), float64: the first two, of the known positives themselves.
        positive_similarities: shape (B, K), float32: cosine of the candidate and the nearest known positive; NaN for a
            query without positives.
        contains_positive: shape (B, K): whether the folded text of candidate or positive contains that of the other.
        duplicate_of: shape (B, K), int16: rank of the first candidate that this one nearly repeats, its own where it
            repeats none; -1 where there is no candidate.
    """

    features: NDArray[np.float64]
    positive_features: NDArray[np.float64]
    positive_similarities: NDArray[np.float32]
    contains_positive: NDArray[np.bool_]
    duplicate_of: NDArray[np.int16]


def standardised(
    values: NDArray[np.float64], positives: NDArray[np.float64], owners: NDArray[np.int64], unknown: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`(x - mean) / std` over each query's candidates that are no known positives.

    Args:
        values: shape (B, K).
        positives: shape (P,), put on the same scale.
        owners: shape (P,), the query of each positive.
        unknown: shape (B, K), which candidates make mean and deviation.

    Returns:
        The values (B, K) and the positives (P,); where all are equal, differences count as they are.
    """
    count = np.maximum(unknown.sum(axis=1), 1)
    mean = _row_sums(np.where(unknown, values, 0)) / count  # (B,)
    variance = _row_sums(np.where(unknown, (values - mean[:, None]) ** 2, 0)) / count
    spread = np.where(variance > 1e-12, np.sqrt(variance), 1)
    return (values - mean[:, None]) / spread[:, None], (positives - mean[owners]) / spread[owners]


def _row_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From left to right, so that columns without candidates at the end change no digit."""
    sums: NDArray[np.float64] = np.cumsum(values, axis=1)[:, -1]
    return sums


def above_median(values: NDArray[np.float64], unknown: NDArray[np.bool_]) -> NDArray[np.float64]:
    """`x - median` over each query's candidates that are no known positives, shape (B, K)."""
    masked = np.where(unknown, values, np.nan)
    some = unknown.any(axis=1)
    median = np.zeros(len(values))
    median[some] = np.nanmedian(masked[some], axis=1)
    return values - median[:, None]


def relative_to_best(
    values: NDArray[np.float64], positives: NDArray[np.float64], owners: NDArray[np.int64], unknown: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`x / max` over each query's candidates and positives, from 0 to 1; 0 where nothing scores. Shapes as above."""
    best = np.where(unknown, values, 0).max(axis=1, initial=0)
    np.maximum.at(best, owners, positives)
    best = np.where(best > 0, best, 1)
    return values / best[:, None], positives / best[owners]
