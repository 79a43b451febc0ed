"""Negatives: the table of what was chosen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection

RANDOM = "random"  # the source of a negative that was drawn from the whole corpus
NEGATIVES_SCHEMA = pa.schema(
    [
        ("query_id", pa.large_string()),
        ("positive_id", pa.large_string()),
        ("doc_id", pa.large_string()),
        ("rank", pa.int32()),
        ("score", pa.float32()),
        ("positive_score", pa.float32()),
        ("source", pa.large_string()),
        ("false_negative_probability", pa.float32()),
    ]
)


class Chosen(NamedTuple):
    """Negatives by row, each array of shape (number of negatives,); those of a pair stand together, by rank.

    Attributes:
        query_rows: rows in the collection.
        positive_rows: rows in the corpus; -1 for a query without positives.
        doc_rows: rows in the corpus.
        ranks: -1 for a random document.
        scores: NaN for a random document.
        positive_scores: NaN for a query without positives, and for a positive without a score.
        sources: strings: what found it, or "random".
        false_negative_probabilities: NaN where it is not known.
    """

    query_rows: NDArray[np.int64]
    positive_rows: NDArray[np.int32]
    doc_rows: NDArray[np.int32]
    ranks: NDArray[np.int32]
    scores: NDArray[np.float32]
    positive_scores: NDArray[np.float32]
    sources: NDArray[np.object_]
    false_negative_probabilities: NDArray[np.float32]

    @classmethod
    def concatenate(cls, parts: list[Chosen]) -> Chosen:
        """All of several blocks, in order."""
        return cls(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    @property
    def expected_false_negative_ratio(self) -> float | None:
        """Sum of the probabilities by all negatives, random ones counting as none; None where none is known."""
        known = self.false_negative_probabilities[~np.isnan(self.false_negative_probabilities)]
        return float(known.sum(dtype=np.float64) / len(self.ranks)) if len(known) else None

    def table(self, collection: Collection) -> pa.Table:
        """The rows of negatives.parquet: ids for rows, and nulls where there is no rank, score or positive."""
        is_random, probabilities = self.ranks < 0, self.false_negative_probabilities
        columns = [
            collection.query_ids.take(pa.array(self.query_rows)),
            collection.doc_ids.take(pa.array(self.positive_rows, mask=self.positive_rows < 0)),
            collection.doc_ids.take(pa.array(self.doc_rows)),
            pa.array(self.ranks, pa.int32(), mask=is_random),
            pa.array(self.scores, pa.float32(), mask=is_random),
            pa.array(self.positive_scores, pa.float32(), mask=np.isnan(self.positive_scores)),
            pa.array(self.sources, pa.large_string()),
            pa.array(probabilities, pa.float32(), mask=np.isnan(probabilities)),
        ]
        return pa.table(columns, schema=NEGATIVES_SCHEMA)
