"""negatives.parquet, read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from foolsgold.errors import CollectionError
from foolsgold.sample import NEGATIVES_SCHEMA
from foolsgold.shards import ParquetShards, shard_paths


class ChosenNegatives:
    """The negatives of one choice.

    The file stays open, so that it can still be read when a later choice has taken its place.

    Args:
        source: the file, or the folder of its shards, or its content.

    Raises:
        CollectionError: the file cannot be opened.
    """

    def __init__(self, source: Path | pa.BufferReader) -> None:
        self._path = source if isinstance(source, Path) else None
        try:
            paths = shard_paths(source) if isinstance(source, Path) else []
            self._sources = [pa.memory_map(str(path)) for path in paths] or [source]
        except OSError as error:
            raise self._unreadable(error) from error

    def table(self) -> pa.Table:
        """All of them.

        Raises:
            CollectionError: it is no parquet file, or has other columns.
        """
        return pa.Table.from_batches(self.batches(), NEGATIVES_SCHEMA)

    def batches(self, columns: Sequence[str] = NEGATIVES_SCHEMA.names) -> Iterator[pa.RecordBatch]:
        """Some columns, a row group at a time; raises as `table`."""
        try:
            yield from self._read(columns)
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise self._unreadable(error) from error

    def _read(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        schema = pa.schema([NEGATIVES_SCHEMA.field(name) for name in columns])
        with ParquetShards(self._sources) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns).select(list(columns)).cast(schema)
                yield from table.combine_chunks().to_batches()

    def _unreadable(self, error: Exception) -> CollectionError:
        place, name = ("this result", "negatives") if self._path is None else (self._path.parent, self._path.name)
        return CollectionError(f"{place} has no readable {name} ({error}). Select or mine again.")
