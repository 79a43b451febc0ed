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
        scores: shape (m,), float32; NaN where unknown.
        sources: shape (m,), what found a negative, as a place in `source_names`; -1 for a positive.
        source_names: as in TrainingRows.
    """

    query_rows: NDArray[np.integer]
    counts: NDArray[np.int64]
    doc_rows: NDArray[np.integer]
    labels: NDArray[np.int64]
    scores: NDArray[np.float32]
    sources: NDArray[np.int32]
    source_names: tuple[str, ...]

    @classmethod
    def of(cls, rows: TrainingRows, keys: NDArray[np.int64]) -> ByQuery:
        """The positives that have negatives, and every negative chosen for any of them.

        Args:
            rows: the negatives.
            keys: of all documents, equal where they say the same.
        """
        starts = starts_of(rows.query_rows)
        query = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows.query_rows)))  # (n,)
        positives, negatives = (_firsts(query * len(keys) + keys[side]) for side in (rows.positive_rows, rows.doc_rows))
        owners = np.concatenate([query[positives], query[negatives]])
        labels = np.repeat([1, 0], [len(positives), len(negatives)])
        order = np.argsort(2 * owners - labels, kind="stable")
        return cls(
            rows.query_rows[starts],
            np.bincount(owners),
            np.concatenate([rows.positive_rows[positives], rows.doc_rows[negatives]])[order],
            labels[order],
            np.concatenate([rows.positive_scores[positives], rows.scores[negatives]])[order],
            np.concatenate([np.full(len(positives), -1), rows.sources[negatives]])[order].astype(np.int32),
            rows.source_names,
        )

    @property
    def owners(self) -> NDArray[np.int64]:
        """Which query each document is of, as a place among the queries; shape (m,)."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def where(self, chosen: NDArray[np.bool_]) -> ByQuery:
        """Some of the documents; a query may be left with none."""
        counts = np.bincount(self.owners[chosen], minlength=len(self.counts))
        return ByQuery(
            self.query_rows, counts, self.doc_rows[chosen], self.labels[chosen], self.scores[chosen],
            self.sources[chosen], self.source_names,
        )  # fmt: skip

    def side(self, label: int) -> ByQuery:
        """The documents of one label alone."""
        return self.where(self.labels == label)

    def lists(self, values: pa.Array) -> pa.ListArray:
        """A list for each query, of values of its documents, shape (m,)."""
        return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(self.counts)]), pa.int32()), values)


def _firsts(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first place of each key, ascending."""
    return np.sort(np.unique(keys, return_index=True)[1])
