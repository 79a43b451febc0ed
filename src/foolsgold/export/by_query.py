"""Negatives by query, as the formats need them that have a row, or a list, for each document of a query."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.export.training_rows import TrainingRows, starts_of


class ByQuery(NamedTuple):
    """The documents of each query, of m in all: positives first, every text once on each side.

    Attributes:
        query_rows: shape (number of queries,).
        counts: shape (number of queries,), documents of each.
        doc_rows: shape (m,).
        labels: shape (m,), 1 for a positive, 0 for a negative.
    """

    query_rows: NDArray[np.integer]
    counts: NDArray[np.int64]
    doc_rows: NDArray[np.integer]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, rows: TrainingRows, keys: NDArray[np.int64]) -> ByQuery:
        """The positives that have negatives, and every negative chosen for any of them.

        Args:
            rows: the negatives.
            keys: of all documents, equal where they say the same.
        """
        starts = starts_of(rows.query_rows)
        query = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows.query_rows)))  # (n,)
        sides = (rows.positive_rows, rows.doc_rows)
        kept = [_firsts(query * len(keys) + keys[side]) for side in sides]
        owners = np.concatenate([query[places] for places in kept])
        doc_rows = np.concatenate([side[places] for side, places in zip(sides, kept, strict=True)])
        labels = np.repeat([1, 0], [len(places) for places in kept])
        order = np.argsort(2 * owners - labels, kind="stable")
        return cls(rows.query_rows[starts], np.bincount(owners), doc_rows[order], labels[order])

    def side(self, label: int) -> ByQuery:
        """The documents of one label alone."""
        chosen = self.labels == label
        owners = np.repeat(np.arange(len(self.counts)), self.counts)
        counts = np.bincount(owners[chosen], minlength=len(self.counts))
        return ByQuery(self.query_rows, counts, self.doc_rows[chosen], self.labels[chosen])

    def lists(self, values: pa.Array) -> pa.ListArray:
        """A list for each query, of values of its documents, shape (m,)."""
        return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(self.counts)]), pa.int32()), values)


def _firsts(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first place of each key, ascending."""
    return np.sort(np.unique(keys, return_index=True)[1])
