"""Shards written one after the other, as their rows come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.row_groups import RowGroupWriter, Target
from foolsgold.shards import ShardSizes, shard_name, with_shard_count

Rows = TypeVar("Rows")


class ShardWriter(Generic[Rows]):
    """Writes files one after the other, all of them, also those that get no rows; a context manager.

    Args:
        paths: of the shards.
        open_shard: opens one to be written.
    """

    def __init__(
        self, paths: Sequence[Path], open_shard: Callable[[Path], AbstractContextManager[Callable[[Rows], Any]]]
    ) -> None:
        self._paths = paths
        self._open_shard = open_shard
        self._opened = ExitStack()
        self._place = -1
        self._go_on_to(0)

    def __enter__(self) -> ShardWriter[Rows]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self._go_on_to(len(self._paths) - 1)
        self._opened.__exit__(kind, error, traceback)

    def write(self, rows: Rows, shard: int) -> None:
        """Add rows to a shard; those before it are finished.

        Raises:
            ValueError: it is finished already.
        """
        if shard < self._place:
            raise ValueError(f"rows of shard {shard} after those of shard {self._place}: blocks are written in order")
        self._go_on_to(shard)
        self._write(rows)

    def _go_on_to(self, shard: int) -> None:
        while self._place < shard:
            self._opened.close()
            self._place += 1
            self._write = self._opened.enter_context(self._open_shard(self._paths[self._place]))


class QueryTableWriter:
    """Writes a parquet table whose rows go by query: one file, or a folder of shards; a context manager.

    Args:
        target: the file, or a stream; or the folder, which is made.
        schema: of all rows.
        n_rows: of a row group.
        n_queries: Q, which the shards depend on.
        shards: None: one file, and so of a stream.
    """

    def __init__(
        self, target: Target, schema: pa.Schema, n_rows: int, *, n_queries: int, shards: ShardSizes | None = None
    ) -> None:
        self._opened = ExitStack()
        self._write: Callable[[pa.Table | pa.RecordBatch, NDArray[np.integer]], None]
        if shards is None or not isinstance(target, Path):
            file = self._opened.enter_context(RowGroupWriter(target, schema, n_rows))
            self._write = lambda rows, query_rows: file.write(rows)
        else:
            writer = self._opened.enter_context(_parquet_shards(target, schema, n_rows, shards.count(n_queries)))
            self._write = partial(_write_cut, writer, shards)

    def __enter__(self) -> QueryTableWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, traceback)

    def write(self, rows: pa.Table | pa.RecordBatch, query_rows: NDArray[np.integer]) -> None:
        """Add rows of these queries, shape (n,), ascending."""
        self._write(rows, query_rows)


def _parquet_shards(folder: Path, schema: pa.Schema, n_rows: int, n_shards: int) -> ShardWriter[pa.Table]:
    schema = with_shard_count(schema, n_shards)

    @contextmanager
    def opened(path: Path) -> Iterator[Callable[[pa.Table], None]]:
        with RowGroupWriter(path, schema, n_rows) as file:
            yield file.write

    folder.mkdir()
    return ShardWriter([folder / shard_name(place, "parquet") for place in range(n_shards)], opened)


def _write_cut(
    writer: ShardWriter[Any], shards: ShardSizes, rows: pa.Table | pa.RecordBatch, query_rows: NDArray[np.integer]
) -> None:
    for shard, places in shards.cut(query_rows):
        writer.write(rows.slice(places.start, places.stop - places.start), shard)
