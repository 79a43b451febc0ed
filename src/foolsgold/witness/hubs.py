"""Hubs: documents that are near to many queries, and so say little by being near to one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.encode import Vectors
from foolsgold.search import ExactIndex

_QUERIES = 2_048  # a sample is enough: a hub is near to a share of all queries
_NEAREST = 10
_DOCS_AT_ONCE = 4_096


class Hubs:
    """The mean similarity of each document with its ten nearest other queries.

    Taken off a candidate's score, it leaves by how much the document is nearer to this query than to those that it is
    nearest to otherwise: cross-domain similarity local scaling (CSLS; Conneau et al., Word translation without parallel
    data, ICLR 2018), on the side of documents. A document that answers ten questions alike is told from one that
    answers this one.

    Args:
        query_vecs: all queries (Q, D), of which a sample is compared.
        doc_vecs: all documents (N, D).
        seed: of the sample.
        quiet: without a progress bar.
    """

    def __init__(self, query_vecs: Vectors, doc_vecs: Vectors, *, seed: int, quiet: bool) -> None:
        n_queries, n_documents = len(query_vecs), len(doc_vecs)
        n_sampled = min(n_queries, _QUERIES)
        rows = np.sort(np.random.default_rng(seed).choice(n_queries, n_sampled, replace=False))
        sample = replace(query_vecs, values=query_vecs.values[rows], inverse_norms=query_vecs.inverse_norms[rows])
        index, k = ExactIndex(sample), min(_NEAREST + 1, n_sampled)
        self._nearest = np.empty((n_documents, k), np.int32)  # rows of queries
        self._scores = np.empty((n_documents, k), np.float32)
        with tqdm(total=n_documents, desc="hubs", unit="document", delay=1, disable=quiet) as progress:
            for start in range(0, n_documents, _DOCS_AT_ONCE):
                docs = slice(start, min(start + _DOCS_AT_ONCE, n_documents))
                found, self._scores[docs] = index.search(doc_vecs, docs, k)
                self._nearest[docs] = rows[found]
                progress.update(docs.stop - docs.start)

    def of(self, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """The mean for each (query, document) pair, without the query itself, shape of both; 0 for a lone query."""
        scores = self._scores[doc_rows].astype(np.float64)  # (..., 11)
        others = self._nearest[doc_rows] != query_rows[..., None]
        others &= np.cumsum(others, axis=-1) <= _NEAREST
        mean: NDArray[np.float64] = np.where(others, scores, 0).sum(axis=-1) / np.maximum(others.sum(axis=-1), 1)
        return mean
