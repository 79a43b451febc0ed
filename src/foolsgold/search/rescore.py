"""Scores in float64, computed pair by pair, so that neither blocks nor threads show in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors

_PAIRS_AT_ONCE = 16_384


def pair_scores(
    query_vecs: Vectors, doc_vecs: Vectors, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]
) -> NDArray[np.float64]:
    """The similarity of each (query, document) pair, shape (P,), float64.

    Each pair is summed by itself along its own row, so that its score depends on nothing but its two vectors.
    """
    scores = np.empty(len(query_rows), np.float64)
    for start in range(0, len(query_rows), _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        products = query_vecs.exact(query_rows[part]) * doc_vecs.exact(doc_rows[part])  # (P, D)
        scores[part] = np.add.reduce(products, axis=1)
    return scores


def best_first(
    query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer], scores: NDArray[np.float64]
) -> NDArray[np.int64]:
    """The order by query, then by falling score, then by document."""
    return np.lexsort((doc_rows, -scores, query_rows))
