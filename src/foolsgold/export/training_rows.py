"""Negatives by row in the collection, in portions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.collection import Collection, rows_of
from foolsgold.errors import CollectionError

_NEGATIVES_AT_ONCE = 4_096
_IDS = ("query_id", "positive_id", "doc_id")


class TrainingRows(NamedTuple):
    """Negatives of whole queries, a row each, shape (n,); those of a pair stand together.

    Attributes:
        query_rows: in the collection.
        positive_rows: in the corpus; -1 for a query without positives, which has no place in training files.
        doc_rows: in the corpus, of the negatives.
    """

    query_rows: NDArray[np.integer]
    positive_rows: NDArray[np.integer]
    doc_rows: NDArray[np.integer]

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_] | slice) -> TrainingRows:
        """Some of them."""
        return TrainingRows(self.query_rows[rows], self.positive_rows[rows], self.doc_rows[rows])

    @property
    def pair_starts(self) -> NDArray[np.int64]:
        """The first row of each (query, positive) pair."""
        return starts_of(self.query_rows, self.positive_rows)

    def portions(self) -> Iterator[TrainingRows]:
        """Those with a positive, a few thousand at a time, no query's in two."""
        rows = self.take(self.positive_rows >= 0)
        starts = np.append(starts_of(rows.query_rows), len(rows.query_rows))
        place = 0
        while place < len(starts) - 1:
            full = int(np.searchsorted(starts, starts[place] + _NEGATIVES_AT_ONCE, side="right")) - 1
            end = max(place + 1, full)
            yield rows.take(slice(int(starts[place]), int(starts[end])))
            place = end


def starts_of(*columns: NDArray[np.integer]) -> NDArray[np.int64]:
    """The first row of each run of rows that are equal in all columns."""
    n = len(columns[0])
    changes = np.zeros(n, np.bool_)
    changes[:1] = True
    for column in columns:
        changes[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changes)


def stored_rows(batches: Iterable[pa.RecordBatch], collection: Collection) -> Iterator[TrainingRows]:
    """The rows that negatives.parquet names by ids, no query's in two blocks.

    Raises:
        CollectionError: it names ids that the collection does not have.
    """
    waiting = TrainingRows(*(np.empty(0, np.int32) for _ in _IDS))
    for batch in batches:
        new = TrainingRows(
            _rows(batch["query_id"], collection.query_ids),
            _rows(batch["positive_id"], collection.doc_ids),
            _rows(batch["doc_id"], collection.doc_ids),
        )
        waiting = TrainingRows(*map(np.concatenate, zip(waiting, new, strict=True)))
        last = starts_of(waiting.query_rows)[-1:].sum()  # the last query may go on in the next batch
        yield waiting.take(slice(0, int(last)))
        waiting = waiting.take(slice(int(last), None))
    yield waiting


def _rows(ids: pa.Array, known: pa.ChunkedArray) -> NDArray[np.int32]:
    """-1 for null."""
    rows = rows_of(ids, known)
    if rows.null_count > ids.null_count:
        raise CollectionError("negatives.parquet names ids that the collection does not have; mine or select again.")
    return np.asarray(pc.fill_null(rows, -1).to_numpy(zero_copy_only=False), np.int32)
