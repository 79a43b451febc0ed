"""negatives.parquet, read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from foolsgold.sample import NEGATIVES_SCHEMA


class ChosenNegatives:
    """The negatives of one choice.

    The file stays open, so that it can still be read when a later choice has taken its place.

    Args:
        source: the file, or its content.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, source: Path | pa.BufferReader) -> None:
        self._source = pa.memory_map(str(source)) if isinstance(source, Path) else source

    def table(self) -> pa.Table:
        """All of them.

        Raises:
            pa.ArrowInvalid: it is no parquet file.
            ValueError, KeyError: it has other columns.
        """
        return pa.Table.from_batches(self.batches(), NEGATIVES_SCHEMA)

    def batches(self, columns: Sequence[str] = NEGATIVES_SCHEMA.names) -> Iterator[pa.RecordBatch]:
        """Some columns, a row group at a time; raises as `table`."""
        import pyarrow.parquet as pq

        schema = pa.schema([NEGATIVES_SCHEMA.field(name) for name in columns])
        self._source.seek(0)
        file = pq.ParquetFile(self._source)
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=list(columns)).select(list(columns)).cast(schema)
            yield from table.combine_chunks().to_batches()
