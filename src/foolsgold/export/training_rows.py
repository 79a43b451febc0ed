"""Negatives by row in the collection, in portions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.collection import Collection, rows_of
from foolsgold.errors import CollectionError
from foolsgold.sample import Chosen

STORED_COLUMNS = ("query_id", "positive_id", "doc_id", "score", "positive_score", "source")
"""What `stored_rows` needs of negatives.parquet."""

_NEGATIVES_AT_ONCE = 4_096


class TrainingRows(NamedTuple):
    """Negatives of whole queries, a row each, shape (n,); those of a pair stand together.

    Attributes:
        query_rows: in the collection.
        positive_rows: in the corpus; -1 for a query without positives, which has no place in training files.
        doc_rows: in the corpus, of the negatives.
        scores: float32, of the negatives; NaN where unknown, as for random documents.
        positive_scores: float32; NaN where unknown.
        sources: what found each negative, as a place in `source_names`.
        source_names: such as "dense", "bm25+dense" and "random".
    """

    query_rows: NDArray[np.integer]
    positive_rows: NDArray[np.integer]
    doc_rows: NDArray[np.integer]
    scores: NDArray[np.float32]
    positive_scores: NDArray[np.float32]
    sources: NDArray[np.int32]
    source_names: tuple[str, ...]

    @classmethod
    def of(cls, chosen: Chosen) -> TrainingRows:
        """What was chosen."""
        sources = chosen.source_values
        return cls(
            chosen.query_rows, chosen.positive_rows, chosen.doc_rows, chosen.scores, chosen.positive_scores,
            sources.indices.to_numpy(), tuple(sources.dictionary.to_pylist()),
        )  # fmt: skip

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_] | slice) -> TrainingRows:
        """Some of them."""
        return TrainingRows.of_columns([column[rows] for column in self.columns], self.source_names)

    @classmethod
    def of_columns(cls, columns: Iterable[NDArray[Any]], source_names: tuple[str, ...]) -> TrainingRows:
        """From all but the names, in the order of the attributes."""
        queries, positives, docs, scores, positive_scores, sources = columns
        return cls(queries, positives, docs, scores, positive_scores, sources, source_names)

    @property
    def columns(self) -> tuple[NDArray[Any], ...]:
        """All but the names."""
        return self[:-1]

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

    Args:
        batches: with `STORED_COLUMNS`.
        collection: that they were chosen from.

    Raises:
        CollectionError: they name ids that the collection does not have.
    """
    waiting: list[NDArray[Any]] = [np.empty(0, np.float32 if "score" in name else np.int32) for name in STORED_COLUMNS]
    names: tuple[str, ...] = ()
    for batch in batches:
        names = tuple(dict.fromkeys((*names, *pc.unique(batch["source"]).to_pylist())))
        new = _columns(batch, collection, names)
        rows = TrainingRows.of_columns(map(np.concatenate, zip(waiting, new, strict=True)), names)
        last = int(starts_of(rows.query_rows)[-1:].sum())  # the last query may go on in the next batch
        yield rows.take(slice(0, last))
        waiting = list(rows.take(slice(last, None)).columns)
    yield TrainingRows.of_columns(waiting, names)


def _columns(batch: pa.RecordBatch, collection: Collection, names: tuple[str, ...]) -> list[NDArray[Any]]:
    """Those of TrainingRows, but for the names of sources."""
    sources = pc.index_in(batch["source"], value_set=pa.array(names, pa.large_string()))
    return [
        _rows(batch["query_id"], collection.query_ids),
        _rows(batch["positive_id"], collection.doc_ids),
        _rows(batch["doc_id"], collection.doc_ids),
        batch["score"].to_numpy(zero_copy_only=False),  # NaN for null
        batch["positive_score"].to_numpy(zero_copy_only=False),
        np.asarray(sources.to_numpy(zero_copy_only=False), np.int32),
    ]


def _rows(ids: pa.Array, known: pa.ChunkedArray) -> NDArray[np.int32]:
    """-1 for null."""
    rows = rows_of(ids, known)
    if rows.null_count > ids.null_count:
        raise CollectionError("negatives.parquet names ids that the collection does not have; mine or select again.")
    return np.asarray(pc.fill_null(rows, -1).to_numpy(zero_copy_only=False), np.int32)
