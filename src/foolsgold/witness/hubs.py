"""Hubs: documents that are near to many queries, and so say little by being near to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.encode import Vectors
from foolsgold.search import ExactIndex

_QUERIES = 2_048  # a sample is enough: a hub is near to a share of all queries
_NEAREST = 10
_DOCS_AT_ONCE = 4_096

Room = Callable[[tuple[int, int], Any], NDArray[Any]]


class HubSample(NamedTuple):
    """Queries that documents are compared with.

    Attributes:
        rows: shape (S,), of these queries among all.
        query_vecs: theirs, (S, D).
    """

    rows: NDArray[np.int64]
    query_vecs: Vectors

    @classmethod
    def of(cls, query_vecs: Vectors, *, seed: int) -> HubSample:
        """Up to 2,048 of all queries (Q, D), drawn with a seed."""
        rows = hub_sample_rows(len(query_vecs), seed=seed)
        sample = replace(query_vecs, values=query_vecs.values[rows], inverse_norms=query_vecs.inverse_norms[rows])
        return cls(rows, sample)


def hub_sample_rows(n_queries: int, *, seed: int) -> NDArray[np.int64]:
    """Which queries are sampled, ascending."""
    drawn = np.random.default_rng(seed).choice(n_queries, min(n_queries, _QUERIES), replace=False)
    return np.sort(drawn)


class Hubs(NamedTuple):
    """The mean similarity of each document with its ten nearest other queries.

    Taken off a candidate's score, it leaves by how much the document is nearer to this query than to those that it is
    nearest to otherwise: cross-domain similarity local scaling (CSLS; Conneau et al., Word translation without parallel
    data, ICLR 2018), on the side of documents. A document that answers ten questions alike is told from one that
    answers this one.

    Attributes:
        nearest: shape (n, 11) or narrower, int32: rows of the queries of a sample that are nearest to each document.
        scores: likewise, float32: their similarities.
    """

    nearest: NDArray[np.int32]
    scores: NDArray[np.float32]

    @classmethod
    def of_documents(
        cls, doc_vecs: Vectors, sample: HubSample, *, quiet: bool, n_threads: int | None = None,
        memory_bytes: int | None = None, room: Room = np.empty,
    ) -> Hubs:  # fmt: skip
        """Compare documents (n, D) with a sample of the queries.

        Args:
            doc_vecs: of the documents.
            sample: of the queries.
            quiet: shows no progress.
            n_threads: None is one a core.
            memory_bytes: that blocks may take; None is what makes it fast.
            room: makes the arrays that are filled.
        """
        index = ExactIndex(sample.query_vecs, n_threads=n_threads, memory_bytes=memory_bytes, n_queries=len(doc_vecs))
        k = min(_NEAREST + 1, len(sample.rows))
        n_documents = len(doc_vecs)
        hubs = cls(room((n_documents, k), np.int32), room((n_documents, k), np.float32))
        with tqdm(total=n_documents, desc="hubs", unit="document", delay=1, disable=quiet) as progress:
            for start in range(0, n_documents, _DOCS_AT_ONCE):
                docs = slice(start, min(start + _DOCS_AT_ONCE, n_documents))
                found, hubs.scores[docs] = index.search(doc_vecs, docs, k)
                hubs.nearest[docs] = sample.rows[found]
                progress.update(docs.stop - docs.start)
        return hubs

    def of(self, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """The mean for each (query, document) pair, without the query itself, shape of both; 0 for a lone query."""
        scores = self.scores[doc_rows].astype(np.float64)  # (..., 11)
        others = self.nearest[doc_rows] != query_rows[..., None]
        others &= np.cumsum(others, axis=-1) <= _NEAREST
        mean: NDArray[np.float64] = np.where(others, scores, 0).sum(axis=-1) / np.maximum(others.sum(axis=-1), 1)
        return mean
