"""The export stage: a training file, written as negatives come."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.export.formats import FORMATS
from foolsgold.export.json_lines import as_json, json_lines
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows
from foolsgold.row_groups import RowGroupWriter
from foolsgold.settings import MiningSettings, TrainingFormat

_ROWS_PER_GROUP = 16_384


class TrainingFile:
    """Writes negatives with their texts, in the format and file type that the settings name; a context manager.

    Attributes:
        n_rows: written so far.
    """

    def __init__(self, path: Path, collection: Collection, settings: MiningSettings) -> None:
        self.n_rows = 0
        self._format = FORMATS[settings.format]
        self._schema = self._format.schema(settings.negatives)
        self._open = ExitStack()
        if settings.file_type == "jsonl":
            self._texts = Texts(collection, as_json)
            file = self._open.enter_context(path.open("wb"))
            self._write: Callable[[pa.RecordBatch], Any] = lambda batch: file.write(memoryview(json_lines(batch)))
        else:
            self._texts = Texts(collection, lambda texts: texts)
            self._write = self._open.enter_context(RowGroupWriter(path, self._schema, _ROWS_PER_GROUP)).write

    def __enter__(self) -> TrainingFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, traceback)

    def write(self, rows: TrainingRows) -> None:
        """Add the negatives of some queries."""
        for portion in rows.portions():
            batch = self._format.batch(portion, self._texts, self._schema)
            self._write(batch)
            self.n_rows += batch.num_rows


def write_training_file(
    blocks: Iterable[TrainingRows], collection: Collection, settings: MiningSettings, path: Path
) -> None:
    """Write a training file of negatives that were chosen before."""
    with (
        TrainingFile(path, collection, settings) as file,
        tqdm(desc=f"write {settings.format}", unit="row", disable=settings.quiet) as progress,
    ):
        for rows in blocks:
            file.write(rows)
            progress.update(file.n_rows - progress.n)


def training_table(
    name: TrainingFormat, blocks: Iterable[TrainingRows], collection: Collection, n_negatives: int
) -> pa.Table:
    """The rows of a format, in memory."""
    format = FORMATS[name]
    schema, texts = format.schema(n_negatives), Texts(collection, lambda texts: texts)
    portions = (portion for rows in blocks for portion in rows.portions())
    batches = [format.batch(portion, texts, schema) for portion in portions]
    return pa.Table.from_batches(batches, schema)
