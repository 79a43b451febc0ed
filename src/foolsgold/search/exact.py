"""Exact search: blocked multiplication, of which only what can still reach the top k is kept.

Scores are multiplied in float32, whose rounding depends on blocks and threads. Each is off by no more than
`gamma * |q| * |d|` (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1), so whatever lies within
twice that of the k-th best so far is kept, and the finalists are scored once more in float64. The result is that of
brute force in float64, whatever the blocks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors
from foolsgold.errors import SettingsError, VectorError
from foolsgold.search.rescore import k_best, pair_scores, ranks_within

_DOCS_PER_BLOCK = 16_384
_QUERIES_PER_BLOCK = 1_024
_FIRST_DOCS = 2_048  # enough for a first threshold, cheap enough to partition
_POOL_PER_QUERY = 8  # times k: a larger pool is cut by exact scores (collections full of equal vectors)
_UNIT_ROUNDOFF = 2.0**-24  # of float32


class ExactIndex:
    """Finds the true k nearest documents.

    Args:
        doc_vecs: the corpus.
        docs_per_block: documents multiplied at once; changes memory and speed, never the result.
    """

    def __init__(self, doc_vecs: Vectors, *, docs_per_block: int = _DOCS_PER_BLOCK) -> None:
        self._doc_vecs = doc_vecs
        self._docs_per_block = docs_per_block

    def search(self, query_vecs: Vectors, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The k best documents of a block of queries.

        Args:
            query_vecs: all queries.
            rows: which of them.
            k: at most the number of documents.

        Returns:
            doc_rows (B, k) and scores (B, k), most similar first, equal scores by document order.
        """
        queries = query_vecs.block(rows.start, rows.stop)  # (B, D)
        pool = _Pool(query_vecs, self._doc_vecs, rows.start, k, _error_bounds(queries, self._doc_vecs))
        for start in range(0, len(self._doc_vecs), self._docs_per_block):
            docs = self._doc_vecs.block(start, start + self._docs_per_block)
            pool.add(queries @ docs.T, start)
        return pool.best()


class _Pool:
    """The candidates of a block of queries that may still be among the k best."""

    def __init__(self, query_vecs: Vectors, doc_vecs: Vectors, first_query: int, k: int,
                 error_bounds: NDArray[np.float32]) -> None:  # fmt: skip
        self._query_vecs, self._doc_vecs = query_vecs, doc_vecs
        self._first_query, self._k = first_query, k
        self._slack = 2 * error_bounds  # (B,)
        self._thresholds = np.full(len(error_bounds), -np.inf, np.float32)  # (B,)
        self._queries = np.empty(0, np.int32)
        self._docs = np.empty(0, np.int32)
        self._scores = np.empty(0, np.float32)

    def add(self, scores: NDArray[np.float32], first_doc: int) -> None:
        """Take from scores (B, documents) what reaches the threshold, and raise the threshold."""
        if first_doc == 0 and scores.shape[1] >= self._k:
            first = scores[:, : max(self._k, _FIRST_DOCS)]
            kth = np.partition(first, first.shape[1] - self._k, axis=1)[:, first.shape[1] - self._k]
            self._thresholds = kth - self._slack
        queries, docs = np.nonzero(scores >= self._thresholds[:, None])
        self._queries = np.concatenate([self._queries, queries.astype(np.int32)])
        self._docs = np.concatenate([self._docs, (docs + first_doc).astype(np.int32)])
        self._scores = np.concatenate([self._scores, scores[queries, docs]])
        self._prune()

    def best(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The k best by float64 score, then document order: doc_rows (B, k), scores (B, k)."""
        scores = self._cut_by_exact_scores()
        shape = (len(self._slack), self._k)
        return self._docs.reshape(shape), scores.reshape(shape)

    def _prune(self) -> None:
        order = np.lexsort((-self._scores, self._queries))
        self._keep(order)
        ranks, starts, counts = ranks_within(self._queries, len(self._slack))
        full = counts >= self._k
        kth = self._scores[starts[full] + self._k - 1]
        self._thresholds[full] = np.maximum(self._thresholds[full], kth - self._slack[full])
        self._keep(np.flatnonzero((ranks < self._k) | (self._scores >= self._thresholds[self._queries])))
        if len(self._queries) > _POOL_PER_QUERY * self._k * len(self._slack):
            self._cut_by_exact_scores()

    def _cut_by_exact_scores(self) -> NDArray[np.float64]:
        scores = pair_scores(self._query_vecs, self._doc_vecs, self._queries + self._first_query, self._docs)
        best = k_best(self._queries, self._docs, scores, self._k)
        self._keep(best)
        return scores[best]

    def _keep(self, rows: NDArray[np.int64]) -> None:
        self._queries, self._docs, self._scores = self._queries[rows], self._docs[rows], self._scores[rows]


def exact_topk(
    query_vecs: NDArray[np.floating], doc_vecs: NDArray[np.floating], k: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The k documents with the largest dot product, for arrays of any source.

    Args:
        query_vecs: shape (Q, D), float32 or float16; normalise first for cosine.
        doc_vecs: shape (N, D), float32 or float16, memory-mapped or not.
        k: from 1 to N.

    Returns:
        doc_ids (Q, k) int32 and scores (Q, k) float32: the documents and order of brute force in float64, equal scores
        by document order.

    Raises:
        SettingsError: k is out of range.
        VectorError: wrong shape or type, or values that are not finite.

    >>> exact_topk(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), 1)[0].tolist()
    [[0], [1]]
    """
    queries = Vectors.of(np.asanyarray(query_vecs), "dot", "query_vecs")
    docs = Vectors.of(np.asanyarray(doc_vecs), "dot", "doc_vecs")
    if queries.dimensions != docs.dimensions:
        raise VectorError(f"query_vecs have {queries.dimensions} dimensions and doc_vecs {docs.dimensions}.")
    if not 1 <= k <= len(docs):
        raise SettingsError(f"k is {k}; it takes 1 to {len(docs)}, the number of documents.")
    index = ExactIndex(docs)
    doc_ids = np.empty((len(queries), k), np.int32)
    scores = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), _QUERIES_PER_BLOCK):
        rows = slice(start, min(start + _QUERIES_PER_BLOCK, len(queries)))
        doc_ids[rows], scores[rows] = index.search(queries, rows, k)
    return doc_ids, scores


def _error_bounds(queries: NDArray[np.float32], doc_vecs: Vectors) -> NDArray[np.float32]:
    """The most by which a float32 product of each query can be off, shape (B,)."""
    n = queries.shape[1] + 4  # products and sums, and the scaling of both sides to unit length
    gamma = n * _UNIT_ROUNDOFF / (1 - n * _UNIT_ROUNDOFF)
    norms = np.sqrt(np.add.reduce(queries.astype(np.float64) ** 2, axis=1))
    bounds: NDArray[np.float32] = (1.01 * gamma * norms * doc_vecs.longest).astype(np.float32)
    return bounds
