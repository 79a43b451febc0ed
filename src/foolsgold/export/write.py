"""The export stage: training rows into a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.export.formats import training_batches, training_schema
from foolsgold.settings import MiningSettings

_ROWS_PER_GROUP = 16_384


def write_training_file(negatives: pa.Table, collection: Collection, settings: MiningSettings, path: Path) -> int:
    """Write the training file in the format that the settings name; returns its number of rows."""
    schema = training_schema(settings.format, settings.negatives)
    batches = training_batches(settings.format, negatives, collection, settings.negatives)
    write = _write_jsonl if settings.file_type == "jsonl" else _write_parquet
    with tqdm(desc=f"write {settings.format}", unit="row", disable=settings.quiet) as progress:
        return write(_counted(batches, progress), schema, path)


def _counted(batches: Iterable[pa.RecordBatch], progress: tqdm) -> Iterator[pa.RecordBatch]:  # type: ignore[type-arg]
    for batch in batches:
        yield batch
        progress.update(len(batch))


def _write_jsonl(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> int:
    n_rows = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for batch in batches:
            for row in batch.to_pylist():
                file.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
            n_rows += len(batch)
    return n_rows


def _write_parquet(batches: Iterable[pa.RecordBatch], schema: pa.Schema, path: Path) -> int:
    import pyarrow.parquet as pq

    n_rows = 0
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch, row_group_size=_ROWS_PER_GROUP)
            n_rows += len(batch)
    return n_rows
