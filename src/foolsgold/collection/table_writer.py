"""Rows put together into an Arrow table, which lies in a memory-mapped file once it is large."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Sequence
from typing import IO, Any

import pyarrow as pa

from foolsgold.errors import CollectionError

BATCH_ROWS = 8192
IN_MEMORY_BYTES = 256 * 2**20


class TableWriter:
    """Takes rows one by one; what is waiting never grows beyond a batch.

    Beyond a size the columns after the first, which are the texts, go to a temporary file without a name (in TMPDIR),
    of which nothing remains when the process ends, however it ends; the system keeps in memory what is read of it.

    Args:
        schema: of the table; its first column are ids, which stay in memory.
        in_memory_bytes: the size.
    """

    def __init__(self, schema: pa.Schema, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        self._ids, self._texts = pa.schema([schema[0]]), pa.schema(list(schema)[1:])
        self._in_memory_bytes = in_memory_bytes
        self._waiting: list[Sequence[Any]] = []
        self._id_batches: list[pa.Array] = []
        self._text_batches: list[pa.RecordBatch] = []
        self._file: IO[bytes] | None = None
        self._writer: Any = None
        self._n_bytes = 0

    def add(self, row: Sequence[Any]) -> None:
        """Take one row.

        Raises:
            CollectionError: the disk is full.
        """
        self._waiting.append(row)
        if len(self._waiting) == BATCH_ROWS:
            self._flush()

    def id_at(self, row: int) -> str:
        """The id in a row that was added."""
        batch, place = divmod(row, BATCH_ROWS)
        if batch == len(self._id_batches):
            return str(self._waiting[place][0])
        return str(self._id_batches[batch][place].as_py())

    def table(self) -> pa.Table:
        """All rows."""
        if self._waiting:
            self._flush()
        ids = pa.chunked_array(self._id_batches, self._ids[0].type)
        return self._text_table().add_column(0, self._ids[0], ids)

    def _flush(self) -> None:
        ids, *texts = zip(*self._waiting, strict=True)
        self._id_batches.append(pa.array(ids, self._ids[0].type))
        columns = [pa.array(column, kind) for column, kind in zip(texts, self._texts.types, strict=True)]
        batch = pa.RecordBatch.from_arrays(columns, schema=self._texts)
        self._waiting = []
        self._n_bytes += batch.nbytes
        if self._n_bytes <= self._in_memory_bytes:
            self._text_batches.append(batch)
            return
        try:
            self._write(batch)
        except OSError as error:
            raise CollectionError(
                f"the texts do not fit into {tempfile.gettempdir()}, where they are kept while they are mined "
                f"({error.strerror or error}). Set the environment variable TMPDIR to a folder with more room."
            ) from error

    def _write(self, batch: pa.RecordBatch) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="foolsgold-")
            self._writer = pa.ipc.new_file(self._file, self._texts)
            for earlier in self._text_batches:
                self._writer.write_batch(earlier)
            self._text_batches = []
        self._writer.write_batch(batch)

    def _text_table(self) -> pa.Table:
        if self._file is None:
            return pa.Table.from_batches(self._text_batches, self._texts)
        self._writer.close()
        self._file.flush()
        mapped = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        self._file.close()
        return pa.ipc.open_file(pa.BufferReader(pa.py_buffer(mapped))).read_all()
