"""Candidates that are almost surely relevant, to be judged and taken back in by `select --relabel`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.filters import PairBlock
from foolsgold.row_groups import RowGroupWriter

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

_ROWS_PER_GROUP = 4_096


class Suspects:
    """Collects candidates above a probability, block by block: six numbers each, no texts.

    Known positives, documents judged not relevant, given negatives and what was set aside are none: of those the
    answer is known.

    Args:
        probability: from which a candidate is one.
    """

    def __init__(self, probability: float) -> None:
        self._probability = probability
        self._columns: list[tuple[NDArray[np.generic], ...]] = []

    def add(self, pairs: PairBlock) -> None:
        """Those of a block."""
        known = (
            pairs.known_positive | pairs.known_positive_text | pairs.judged_negative | pairs.set_aside | pairs.is_given
        )
        suspected = (pairs.false_negative_probabilities >= self._probability) & pairs.present & ~known
        first = pairs.first_pairs
        query, column = np.nonzero(suspected[first])
        positives = np.fmax.reduceat(pairs.positive_scores, first)
        row = first[query]
        self._columns.append(
            (pairs.query_rows[row], pairs.doc_rows[row, column], pairs.false_negative_probabilities[row, column],
             column.astype(np.int32), pairs.scores[row, column].astype(np.float32), positives[query].astype(np.float32))
        )  # fmt: skip

    def merge(self, other: Suspects) -> None:
        """Add those of blocks that come after these; rows are those of the whole collection."""
        self._columns += other._columns

    def __len__(self) -> int:
        return sum(len(columns[0]) for columns in self._columns)

    def write(self, collection: Collection, path: Path | None) -> None:
        """Write suspected_positives.parquet, the most probable first; `positive_score` is the best positive's.

        Args:
            collection: whose ids and texts are written.
            path: None keeps nothing on disk.
        """
        if path is None:
            return
        columns = [np.concatenate(parts) for parts in zip(*self._columns, strict=True)]
        order = np.argsort(-columns[2], kind="stable")
        with RowGroupWriter(path, SUSPECTS_SCHEMA, _ROWS_PER_GROUP) as file:
            for start in range(0, len(order), _ROWS_PER_GROUP):
                part = order[start : start + _ROWS_PER_GROUP]
                file.write(_table(collection, *(column[part] for column in columns)))


def _table(
    collection: Collection, query_rows: NDArray[Any], doc_rows: NDArray[Any], probabilities: NDArray[Any],
    ranks: NDArray[Any], scores: NDArray[Any], positives: NDArray[Any],
) -> pa.Table:  # fmt: skip
    columns = [
        collection.query_ids.take(pa.array(query_rows)),
        collection.doc_ids.take(pa.array(doc_rows)),
        pa.array(probabilities, pa.float32()),
        pa.array(ranks, pa.int32()),
        pa.array(scores, pa.float32()),
        pa.array(positives, pa.float32(), mask=np.isnan(positives)),
        pa.array(collection.query_texts(query_rows), pa.large_string()),
        pa.array(collection.document_texts(doc_rows), pa.large_string()),
    ]
    return pa.table(columns, schema=SUSPECTS_SCHEMA)
