"""Files of columns that are written as their rows come, and do not show in which portions they came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

import pyarrow as pa

Target: TypeAlias = "Path | pa.NativeFile"


class RowGroupWriter:
    """Writes row groups of one size, and a smaller last one; as a context manager, it closes the file.

    Args:
        target: the file, or a stream.
        schema: of all batches.
        n_rows: of a row group; no more than these are held in memory.
        open_file: parquet, unless it is another kind of file.
    """

    def __init__(
        self,
        target: Target,
        schema: pa.Schema,
        n_rows: int,
        open_file: Callable[[Target, pa.Schema], Any] | None = None,
    ) -> None:
        self._writer = (open_file or _parquet)(target, schema)
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
        self._writer.write_table(table.unify_dictionaries(), self._n_rows)


class ArrowStream:
    """An Arrow stream, for `RowGroupWriter`: its record batches are the row groups."""

    def __init__(self, target: Target, schema: pa.Schema) -> None:
        self._file = pa.OSFile(str(target), "wb") if isinstance(target, Path) else target
        self._writer = pa.ipc.new_stream(self._file, schema)

    def write_table(self, table: pa.Table, n_rows: int) -> None:
        """Write record batches of this size, and a smaller last one."""
        self._writer.write_table(table.combine_chunks(), n_rows)

    def close(self) -> None:
        """End the stream, and the file."""
        self._writer.close()
        self._file.close()


def _parquet(target: Target, schema: pa.Schema) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(target, schema, compression="zstd")
