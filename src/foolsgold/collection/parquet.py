"""Parquet files, read in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from foolsgold.collection.columns import check_names
from foolsgold.collection.rows import BadRow, Rows
from foolsgold.errors import CollectionError

_BATCH_ROWS = 4096


def read_parquet(path: Path) -> Rows:
    """Read `.parquet`; rows are counted from 1."""
    return Rows(str(path), lambda number: f"{path}, row {number}", _records(path))


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            check_names(file.schema_arrow.names, str(path))
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                for record in batch.to_pylist():
                    number += 1
                    yield number, record
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise CollectionError(f"{path}: not a readable parquet file ({error}).") from error
