"""Parquet files, read in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from foolsgold.collection.columns import check_names
from foolsgold.collection.places import FilePath
from foolsgold.collection.rows import BadRow, Rows
from foolsgold.errors import CollectionError

_BATCH_ROWS = 4096


def read_parquet(path: FilePath) -> Rows:
    """Read `.parquet`; rows are counted from 1."""
    return Rows(str(path), lambda number: f"{path}, row {number}", parquet_records(path))


def parquet_records(
    path: FilePath, row_groups: Sequence[int] | None = None
) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    """Yield `(number from 1, record)` of all rows, or of those in some row groups."""
    number = 0
    with opened_parquet(path) as file:
        check_names(file.schema_arrow.names, str(path))
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, row_groups=row_groups):
            for record in batch.to_pylist():
                number += 1
                yield number, record


@contextmanager
def opened_parquet(path: FilePath) -> Iterator[Any]:
    """A `pyarrow.parquet.ParquetFile`.

    Raises:
        CollectionError: it is none, or is damaged.
    """
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path if isinstance(path, Path) else path.open_for_arrow()) as file:
            yield file
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise CollectionError(f"{path}: not a readable parquet file ({error}).") from error
