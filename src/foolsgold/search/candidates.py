"""Candidates: what a search found for a block of queries, and the table that keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection, rows_of
from foolsgold.errors import CollectionError

CANDIDATES_SCHEMA = pa.schema(
    [
        ("query_id", pa.large_string()),
        ("positive_ids", pa.list_(pa.large_string())),
        ("positive_scores", pa.list_(pa.float32())),
        ("doc_ids", pa.list_(pa.large_string())),
        ("scores", pa.list_(pa.float32())),
        ("sources", pa.list_(pa.dictionary(pa.int8(), pa.large_string()))),
        ("false_negative_probabilities", pa.list_(pa.float32())),
    ]
)
DENSE = "dense"  # the source of candidates that vectors found
ROWS_PER_GROUP = 1024  # fixed, so that the file does not depend on how many queries were searched at once


@dataclass(frozen=True)
class Candidates:
    """The candidates of B queries, most similar first.

    Attributes:
        query_rows: shape (B,), rows in the collection.
        doc_rows: shape (B, K), int32; -1 where a query has fewer than K candidates.
        scores: shape (B, K), float32.
        positive_offsets: shape (B + 1,); the positives of query b are `positive_rows[offsets[b]:offsets[b + 1]]`.
        positive_rows: shape (P,), int32.
        positive_scores: shape (P,), float32.
    """

    query_rows: NDArray[np.int64]
    doc_rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    positive_offsets: NDArray[np.int64]
    positive_rows: NDArray[np.int32]
    positive_scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.query_rows)


def to_batch(candidates: Candidates, collection: Collection) -> pa.RecordBatch:
    """The rows of candidates.parquet for a block of queries."""
    present = candidates.doc_rows >= 0
    offsets = _offsets(present.sum(axis=1))
    doc_ids = _taken(collection.doc_ids, candidates.doc_rows[present])
    positive_offsets = pa.array(candidates.positive_offsets, pa.int32())
    sources = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(len(doc_ids), np.int8)), pa.array([DENSE], pa.large_string())
    )
    columns = [
        _taken(collection.query_ids, candidates.query_rows),
        pa.ListArray.from_arrays(positive_offsets, _taken(collection.doc_ids, candidates.positive_rows)),
        pa.ListArray.from_arrays(positive_offsets, pa.array(candidates.positive_scores, pa.float32())),
        pa.ListArray.from_arrays(offsets, doc_ids),
        pa.ListArray.from_arrays(offsets, pa.array(candidates.scores[present], pa.float32())),
        pa.ListArray.from_arrays(offsets, sources),
        pa.nulls(len(candidates), pa.list_(pa.float32())),  # until false negatives are estimated
    ]
    return pa.RecordBatch.from_arrays(columns, schema=CANDIDATES_SCHEMA)


def from_batch(batch: pa.RecordBatch, collection: Collection) -> Candidates:
    """The block of candidates that `to_batch` wrote.

    Raises:
        CollectionError: it names ids that the collection does not have.
    """
    lengths = np.diff(batch["doc_ids"].offsets.to_numpy())
    doc_rows = np.full((len(batch), int(lengths.max(initial=0))), -1, np.int32)
    scores = np.full(doc_rows.shape, np.nan, np.float32)
    present = np.arange(doc_rows.shape[1]) < lengths[:, None]
    doc_rows[present] = _known_rows(batch["doc_ids"].flatten(), collection.doc_ids)
    scores[present] = batch["scores"].flatten().to_numpy()
    return Candidates(
        query_rows=_known_rows(batch["query_id"], collection.query_ids).astype(np.int64),
        doc_rows=doc_rows,
        scores=scores,
        positive_offsets=_offsets(np.diff(batch["positive_ids"].offsets.to_numpy())).to_numpy().astype(np.int64),
        positive_rows=_known_rows(batch["positive_ids"].flatten(), collection.doc_ids),
        positive_scores=batch["positive_scores"].flatten().to_numpy(),
    )


class CandidateStore:
    """All scored candidates, in memory or in candidates.parquet, so that choosing again encodes nothing."""

    def __init__(self, collection: Collection, path: Path | None = None) -> None:
        self._collection = collection
        self._path = path
        self._batches: list[pa.RecordBatch] = []

    def write(self, blocks: Iterator[Candidates]) -> None:
        """Keep the blocks, regrouped so that the file does not depend on their size."""
        batches = (to_batch(block, self._collection) for block in blocks)
        if self._path is None:
            self._batches = [table.combine_chunks().to_batches()[0] for table in _regrouped(batches)]
            return
        import pyarrow.parquet as pq

        with pq.ParquetWriter(self._path, CANDIDATES_SCHEMA, compression="zstd") as writer:
            for table in _regrouped(batches):
                writer.write_table(table, row_group_size=ROWS_PER_GROUP)

    def blocks(self, n_queries: int) -> Iterator[Candidates]:
        """The candidates again, at most `n_queries` queries at a time, in the collection's order."""
        for batch in self.batches(n_queries):
            yield self.from_batch(batch)

    def from_batch(self, batch: pa.RecordBatch) -> Candidates:
        """The block of candidates in some rows of the table."""
        return from_batch(batch, self._collection)

    def batches(self, n_queries: int) -> Iterator[pa.RecordBatch]:
        """The rows of the table with all its columns, at most `n_queries` at a time."""
        if self._path is None:
            for batch in self._batches:
                yield from (batch.slice(start, n_queries) for start in range(0, len(batch), n_queries))
            return
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self._path) as file:
                missing = set(CANDIDATES_SCHEMA.names) - set(file.schema_arrow.names)
                if missing or file.metadata.num_rows != self._collection.n_queries:
                    raise CollectionError(
                        f"{self._path}: {file.metadata.num_rows:,} rows for {self._collection.n_queries:,} queries, "
                        f"{len(missing)} columns missing. Mine again."
                    )
                yield from file.iter_batches(batch_size=n_queries)
        except (pa.ArrowInvalid, OSError) as error:
            raise CollectionError(f"{self._path}: not a readable candidates file ({error}). Mine again.") from error


def _regrouped(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(map(len, waiting)) >= ROWS_PER_GROUP:
            table = pa.Table.from_batches(waiting)
            whole = table.num_rows // ROWS_PER_GROUP * ROWS_PER_GROUP
            yield table.slice(0, whole).unify_dictionaries()
            waiting = table.slice(whole).to_batches()
    if waiting:
        yield pa.Table.from_batches(waiting).unify_dictionaries()


def _offsets(counts: NDArray[np.integer]) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())


def _taken(ids: pa.ChunkedArray, rows: NDArray[np.integer]) -> pa.Array:
    taken = ids.take(pa.array(rows))
    return taken.combine_chunks() if isinstance(taken, pa.ChunkedArray) else taken


def _known_rows(ids: pa.Array, known: pa.ChunkedArray) -> NDArray[np.int32]:
    rows = rows_of(ids, known)
    if rows.null_count:
        first = ids[int(np.argmax(rows.is_null().to_numpy(zero_copy_only=False)))]
        raise CollectionError(f'candidates.parquet names the id "{first}", which the collection does not have.')
    return np.asarray(rows.to_numpy(), np.int32)
