"""Candidates that are almost surely relevant, to be judged and taken back in by `select --relabel`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.filters import PairBlock

SUSPECTS_SCHEMA = pa.schema(
    [
        ("query_id", pa.large_string()),
        ("doc_id", pa.large_string()),
        ("false_negative_probability", pa.float32()),
        ("rank", pa.int32()),
        ("score", pa.float32()),
        ("positive_score", pa.float32()),
        ("query", pa.large_string()),
        ("document", pa.large_string()),
    ]
)


class Suspects:
    """Collects candidates above a probability, block by block.

    Known positives, documents judged not relevant and what was set aside are none: of those the answer is known.

    Args:
        probability: from which a candidate is one.
    """

    def __init__(self, probability: float) -> None:
        self._probability = probability
        self._columns: list[tuple[NDArray[np.generic], ...]] = []

    def add(self, pairs: PairBlock) -> None:
        """Those of a block."""
        known = pairs.known_positive | pairs.known_positive_text | pairs.judged_negative | pairs.set_aside
        suspected = (pairs.false_negative_probabilities >= self._probability) & pairs.present & ~known
        first = pairs.first_pairs
        query, column = np.nonzero(suspected[first])
        positives = np.fmax.reduceat(pairs.positive_scores, first)
        row = first[query]
        self._columns.append(
            (pairs.query_rows[row], pairs.doc_rows[row, column], pairs.false_negative_probabilities[row, column],
             column.astype(np.int32), pairs.scores[row, column].astype(np.float32), positives[query].astype(np.float32))
        )  # fmt: skip

    def __len__(self) -> int:
        return sum(len(columns[0]) for columns in self._columns)

    def table(self, collection: Collection) -> pa.Table:
        """The rows of suspected_positives.parquet, the most probable first; `positive_score` is the best positive's."""
        if not self._columns:
            return SUSPECTS_SCHEMA.empty_table()
        query_rows, doc_rows, probabilities, ranks, scores, positives = (
            np.concatenate(parts) for parts in zip(*self._columns, strict=True)
        )
        order = np.argsort(-probabilities, kind="stable")
        columns = [
            collection.query_ids.take(pa.array(query_rows[order])),
            collection.doc_ids.take(pa.array(doc_rows[order])),
            pa.array(probabilities[order], pa.float32()),
            pa.array(ranks[order], pa.int32()),
            pa.array(scores[order], pa.float32()),
            pa.array(positives[order], pa.float32(), mask=np.isnan(positives[order])),
            pa.array(collection.query_texts(query_rows[order]), pa.large_string()),
            pa.array(collection.document_texts(doc_rows[order]), pa.large_string()),
        ]
        return pa.table(columns, schema=SUSPECTS_SCHEMA)
