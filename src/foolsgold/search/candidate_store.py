"""The table that keeps candidates, on disk or in memory, as one file or in shards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.errors import CollectionError
from foolsgold.row_groups import Target
from foolsgold.search.candidates import ROWS_PER_GROUP, Candidates, from_batch, schema_for, to_batch
from foolsgold.shard_writer import QueryTableWriter
from foolsgold.shards import ParquetShards, ShardSizes, replace_table, shard_paths, sizes_of

_IDS = ("positive_ids", "doc_ids", "given_ids")  # for readers of the file; rows in the collection say it faster
_GROUPS_SAMPLED = 32  # as many places in a collection are enough to know it, and of a large file little is read


def sampled_queries(total: int, n_wanted: int) -> NDArray[np.int64]:
    """Rows of about as many of all queries, spread evenly over row groups that are spread evenly over the file."""
    n_groups = -(-total // ROWS_PER_GROUP)
    groups = np.unique(np.linspace(0, n_groups - 1, min(n_groups, _GROUPS_SAMPLED)).astype(np.int64))
    rows = (groups[:, None] * ROWS_PER_GROUP + np.arange(ROWS_PER_GROUP)).ravel()
    rows = rows[rows < total]
    spread: NDArray[np.int64] = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), n_wanted)).astype(int))]
    return spread


class CandidateStore:
    """All scored candidates, in candidates.parquet or in memory, so that choosing again encodes nothing.

    Args:
        collection: whose queries they are of.
        path: of the file, or of the folder of its shards; None keeps them in memory.
        shards: in which it is written; None: as one file.
    """

    def __init__(self, collection: Collection, path: Path | None = None, shards: ShardSizes | None = None) -> None:
        self._collection = collection
        self._schema = schema_for(collection)
        self._path = path
        self._shards = shards
        self._kept = pa.py_buffer(b"")  # the file's content, where nothing is kept on disk

    @property
    def n_queries(self) -> int:
        """Q."""
        return self._collection.n_queries

    @property
    def shards(self) -> ShardSizes | None:
        """As it was, or is to be, written: None for one file."""
        if self._shards is None and self._path is not None and self._path.is_dir():
            return sizes_of(self._path)
        return self._shards

    def write(self, blocks: Iterator[Candidates]) -> None:
        """Keep the blocks, regrouped so that the file does not depend on their size."""
        kept = pa.BufferOutputStream()
        with CandidateWriter(self._path or kept, self._collection, self._shards) as writer:
            for block in blocks:
                writer.write(to_batch(block, self._collection))
        self._kept = kept.getvalue()

    def rewrite(self, blocks: Iterator[Candidates]) -> None:
        """Keep these blocks instead; they may be made of the old ones as they are read."""
        if self._path is None:
            self.write(blocks)
            return
        new = self._path.with_name(f"new.{self._path.name}")
        CandidateStore(self._collection, new, self.shards).write(blocks)
        replace_table(new, self._path)

    def blocks(self, n_queries: int, query_rows: NDArray[np.int64] | None = None) -> Iterator[Candidates]:
        """The candidates again, in the collection's order.

        Args:
            n_queries: at most so many at a time.
            query_rows: of these queries alone, ascending; None: of all.
        """
        columns = [name for name in self._schema.names if name not in _IDS]
        for start, batch in self._portions(n_queries, columns=columns, query_rows=query_rows):
            rows = np.arange(start, start + len(batch))
            if query_rows is not None:
                rows = rows[np.isin(rows, query_rows)]
                batch = batch.take(pa.array(rows - start))
            if len(rows):
                yield from_batch(batch, rows)

    def sample(self, n_queries: int) -> NDArray[np.int64]:
        """As `sampled_queries`."""
        return sampled_queries(self._collection.n_queries, n_queries)

    def batches(self, n_queries: int) -> Iterator[tuple[pa.RecordBatch, Candidates]]:
        """The rows of the table with all its columns, at most `n_queries` at a time, and what they say."""
        for start, batch in self._portions(n_queries, columns=None, query_rows=None):
            yield batch, from_batch(batch, np.arange(start, start + len(batch)))

    def _portions(
        self, n_queries: int, *, columns: list[str] | None, query_rows: NDArray[np.int64] | None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Each with the row of its first query; row groups without any of `query_rows` are not read."""
        groups = None if query_rows is None else np.unique(query_rows // ROWS_PER_GROUP)
        for first, batch in self._row_groups(columns, groups):
            if not batch["query_id"].equals(_joined(self._collection.query_ids.slice(first, len(batch)))):
                raise CollectionError("candidates.parquet has other queries than the collection. Mine again.")
            for start in range(0, len(batch), n_queries):
                yield first + start, batch.slice(start, n_queries)

    def _row_groups(
        self, columns: list[str] | None, groups: NDArray[np.int64] | None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Some or all with their first row, one by one: Arrow cannot read lists of dictionary values across them."""
        try:
            with ParquetShards(shard_paths(self._path) if self._path else [pa.BufferReader(self._kept)]) as file:
                missing = set(self._schema.names) - set(file.names)
                if missing or file.num_rows != self._collection.n_queries:
                    raise CollectionError(
                        f"{self._path}: {file.num_rows:,} rows for {self._collection.n_queries:,} queries, "
                        f"{len(missing)} columns missing. Mine again."
                    )
                for group in range(file.num_row_groups) if groups is None else groups.tolist():
                    for batch in file.read_row_group(group, columns).combine_chunks().to_batches():
                        yield group * ROWS_PER_GROUP, batch
        except (pa.ArrowInvalid, OSError) as error:
            raise CollectionError(f"{self._path}: not a readable candidates file ({error}). Mine again.") from error


class CandidateWriter:
    """Writes candidates.parquet from batches of `to_batch` as they come, in the collection's order; a context manager.

    Args:
        target: the file, or a stream; or the folder of its shards.
        collection: whose ids the batches have.
        shards: None: one file.
    """

    def __init__(self, target: Target, collection: Collection, shards: ShardSizes | None = None) -> None:
        self._n_written = 0
        self._writer = QueryTableWriter(
            target, schema_for(collection), ROWS_PER_GROUP, n_queries=collection.n_queries, shards=shards
        )

    def __enter__(self) -> CandidateWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, traceback)

    def write(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Add the candidates of the next queries."""
        rows = np.arange(self._n_written, self._n_written + batch.num_rows)
        self._n_written += batch.num_rows
        self._writer.write(batch, rows)


def _joined(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
