"""Parquet files that are written as their rows come, and do not show in which portions they came."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import pyarrow as pa


class RowGroupWriter:
    """Writes row groups of one size, and a smaller last one; as a context manager, it closes the file.

    Args:
        target: the file, or a stream.
        schema: of all batches.
        n_rows: of a row group; no more than these are held in memory.
    """

    def __init__(self, target: Path | pa.NativeFile, schema: pa.Schema, n_rows: int) -> None:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(target, schema, compression="zstd")
        self._n_rows = n_rows
        self._waiting: list[pa.RecordBatch] = []
        self._n_waiting = 0

    def __enter__(self) -> RowGroupWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._waiting:
                self._write(pa.Table.from_batches(self._waiting))
        finally:
            self._writer.close()

    def write(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Add rows; they are written when a row group is full."""
        self._waiting += rows.to_batches() if isinstance(rows, pa.Table) else [rows]
        self._n_waiting += rows.num_rows
        if self._n_waiting >= self._n_rows:
            table = pa.Table.from_batches(self._waiting)
            whole = table.num_rows // self._n_rows * self._n_rows
            self._write(table.slice(0, whole))
            self._waiting = table.slice(whole).to_batches()
            self._n_waiting -= whole

    def _write(self, table: pa.Table) -> None:
        self._writer.write_table(table.unify_dictionaries(), row_group_size=self._n_rows)
