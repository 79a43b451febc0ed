"""For each token the documents that hold it: what BM25 searches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Postings:
    """For each token the documents that hold it, ascending, and what it adds to their score.

    A query is scored by itself, in float64 and in the order of its tokens, so that nothing depends on blocks or
    threads, nor on what other documents there are.

    Args:
        matrix: documents and tokens, a `scipy.sparse.csr_array`; each token is in some document.
    """

    def __init__(self, matrix: Any) -> None:
        by_token = matrix.tocsc()
        self._n_documents: int = by_token.shape[0]
        self._starts: NDArray[np.integer] = by_token.indptr
        self._doc_rows: NDArray[np.int32] = by_token.indices
        self._scores: NDArray[np.float32] = by_token.data

    def best(self, weights: Mapping[int, int], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The rows and scores of the k documents that score highest, equal scores by row; fewer where fewer do at all.

        Args:
            weights: how often each token is in the query.
            k: how many.
        """
        scores = self._of_all(weights)
        found = np.flatnonzero(scores)
        if len(found) > k:
            kth = np.partition(scores[found], len(found) - k)[len(found) - k]
            found = found[scores[found] >= kth]
        found = found[np.argsort(-scores[found], kind="stable")][:k]
        return found, scores[found]

    def scores_of(self, weights: Mapping[int, int], doc_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The scores of some documents, shape (K,); 0 where a row is -1."""
        total = np.zeros(len(doc_rows), np.float64)
        for token, weight in weights.items():
            some = self._of_token(token)
            holders = self._doc_rows[some]
            place = np.minimum(np.searchsorted(holders, doc_rows), len(holders) - 1)
            added = self._scores[some][place] * np.float32(weight)
            total += np.where(holders[place] == doc_rows, added, 0)
        return total.astype(np.float32)

    def _of_all(self, weights: Mapping[int, int]) -> NDArray[np.float32]:
        """The scores of all documents, shape (N,)."""
        parts = [(self._of_token(token), weight) for token, weight in weights.items()]
        if not parts:
            return np.zeros(self._n_documents, np.float32)
        doc_rows = np.concatenate([self._doc_rows[part] for part, _ in parts])
        added = np.concatenate([self._scores[part] * np.float32(weight) for part, weight in parts])
        return np.bincount(doc_rows, added, self._n_documents).astype(np.float32)

    def _of_token(self, token: int) -> slice:
        return slice(int(self._starts[token]), int(self._starts[token + 1]))
