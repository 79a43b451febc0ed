"""The nearest documents by the vectors that a Voyager index itself holds, where no others were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors
from foolsgold.search.rescore import k_best, pair_scores
from foolsgold.search.voyager import finalists

if TYPE_CHECKING:
    from voyager import Index

_QUERIES_PER_BLOCK = 1_024


def nearest_stored(index: Index, queries: Vectors, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Ids (Q, k) and distances (Q, k), in float64 from the stored vectors."""
    if not len(queries):
        return np.empty((0, k), np.int64), np.empty((0, k))
    parts = [_of_block(index, queries, start, k) for start in range(0, len(queries), _QUERIES_PER_BLOCK)]
    return np.concatenate([ids for ids, _ in parts]), np.concatenate([distances for _, distances in parts])


def _of_block(index: Index, queries: Vectors, start: int, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    rows, ids = finalists(index, queries.block(start, start + _QUERIES_PER_BLOCK), k)
    needed, position = np.unique(ids, return_inverse=True)
    stored = Vectors.of(index.get_vectors(needed.tolist()), "cosine", "index")
    scores = pair_scores(queries, stored, rows + start, position)
    best = k_best(rows, ids, scores, k)
    return ids[best].reshape(-1, k), 1 - scores[best].reshape(-1, k)
