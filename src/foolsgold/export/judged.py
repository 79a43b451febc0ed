"""Judgements of queries with negatives: their known positives, 1, and the negatives chosen for them, 0."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.export.training_rows import TrainingRows, starts_of


class Judged(NamedTuple):
    """A row per judgement, shape (j,); those of a query stand together, positives first.

    All positives of a query are there, also those that were left without negatives: who reads the judgements would
    otherwise take them for documents that nobody has judged.
    """

    query_rows: NDArray[np.int64]
    doc_rows: NDArray[np.int64]
    relevance: NDArray[np.int64]

    @classmethod
    def of(cls, rows: TrainingRows, collection: Collection) -> Judged:
        """Of the queries that these rows are of, each document once."""
        query_rows = np.asarray(rows.query_rows[starts_of(rows.query_rows)], np.int64)
        known = collection.positives.of_queries(query_rows)
        queries = np.concatenate([query_rows[known.query_rows], rows.query_rows])
        docs = np.concatenate([known.doc_rows, rows.doc_rows]).astype(np.int64)
        relevance = np.repeat([1, 0], [len(known.doc_rows), len(rows.doc_rows)])
        _, firsts = np.unique(queries * collection.n_documents + docs, return_index=True)
        firsts.sort()
        order = firsts[np.argsort(queries[firsts], kind="stable")]
        return cls(queries[order], docs[order], relevance[order])
