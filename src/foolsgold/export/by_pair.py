"""Negatives by (query, positive) pair, as the formats need them that have a fixed number of negatives in a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.export.training_rows import TrainingRows


class ByPair(NamedTuple):
    """The documents of each pair, the positive first.

    Attributes:
        query_rows: shape (P,).
        doc_rows: shape (P, 1 + N).
        scores: shape (P, 1 + N), float32; NaN where unknown.
    """

    query_rows: NDArray[np.integer]
    doc_rows: NDArray[np.integer]
    scores: NDArray[np.float32]

    @classmethod
    def of(cls, rows: TrainingRows, n_negatives: int) -> ByPair:
        """The first negatives of each pair, which has at least so many."""
        starts = rows.pair_starts
        negatives = starts[:, None] + np.arange(n_negatives)  # (P, N)
        sides = [
            np.concatenate([positives[starts, None], values[negatives]], axis=1)
            for positives, values in ((rows.positive_rows, rows.doc_rows), (rows.positive_scores, rows.scores))
        ]
        return cls(rows.query_rows[starts], *sides)
