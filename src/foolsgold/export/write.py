"""The export stage: a training file, or a folder of several, written as negatives come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.errors import SettingsError
from foolsgold.export.check import check_ids, check_scores
from foolsgold.export.formats import FORMATS
from foolsgold.export.part import Part, Shape
from foolsgold.export.sinks import SINKS
from foolsgold.export.texts import Render, Texts
from foolsgold.export.training_rows import TrainingRows
from foolsgold.sample import GIVEN
from foolsgold.settings import MiningSettings
from foolsgold.training_formats import FIXED_LENGTH_FORMATS, TRAINING_FORMATS, writes_scores

_ROWS_AT_ONCE = 8_192
_Add = Callable[[Any], int]
"""Writes the rows of a portion, and says how many they are."""


class TrainingFile:
    """Writes negatives with their texts, in the format and file type that the settings name; a context manager.

    Args:
        path: of the file; or of the folder, which is made.
        collection: whose texts are written.
        settings: with format, file type, and whether there are scores.

    Attributes:
        n_rows: written so far, of the file to train on.
        n_given_left_out: given negatives beyond the length of rows so far, each once a query.

    Raises:
        CollectionError: ids that the format cannot express.
    """

    def __init__(self, path: Path, collection: Collection, settings: MiningSettings) -> None:
        check_ids(settings, collection)
        self.n_rows, self.n_given_left_out = 0, 0
        self._collection, self._settings = collection, settings
        self._texts: dict[Render, Texts] = {}
        format = FORMATS[settings.format]
        if TRAINING_FORMATS[settings.format].is_folder:
            self._write_beside(path)
        with ExitStack() as opened:
            self._parts = [self._opened(opened, path / name, part) for name, part in format.negatives.items()]
            self._open = opened.pop_all()

    def __enter__(self) -> TrainingFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, traceback)

    def write(self, rows: TrainingRows) -> None:
        """Add the negatives of some queries.

        Raises:
            SettingsError: there are to be scores, and one is not known.
        """
        for portion in _portions(rows, self._collection, self._settings):
            n_rows, *_ = [add(portion) for add in self._parts]
            self.n_rows += n_rows
            self.n_given_left_out += _given_beyond_rows(portion, self._settings)

    def _write_beside(self, folder: Path) -> None:
        """The files that do not depend on the negatives."""
        format, collection = FORMATS[self._settings.format], self._collection
        folder.mkdir()
        for name in (*format.negatives, *format.documents):
            (folder / name).parent.mkdir(exist_ok=True)
        for name, content_for in format.fixed.items():
            (folder / name).write_text(content_for(collection), encoding="utf-8")
        self._write_all(folder, format.queries, collection.n_queries)
        self._write_all(folder, format.documents, collection.n_documents)

    def _write_all(self, folder: Path, parts: Mapping[str, Part[Any]], n_rows: int) -> None:
        for name, part in parts.items():
            with ExitStack() as opened:
                add = self._opened(opened, folder / name, part)
                for start in range(0, n_rows, _ROWS_AT_ONCE):
                    add(np.arange(start, min(start + _ROWS_AT_ONCE, n_rows)))

    def _opened(self, opened: ExitStack, path: Path, part: Part[Any]) -> _Add:
        is_folder = TRAINING_FORMATS[self._settings.format].is_folder
        sink = SINKS[part.kind or (path.suffix[1:] if is_folder else self._settings.training_file_type)]
        shape = shape_of(self._settings)
        texts = self._texts.setdefault(sink.render, Texts(self._collection, sink.render))
        write = opened.enter_context(sink.open(path, part.schema_for(shape), part.frame))

        def add(rows: Any) -> int:
            batch = part.batch(rows, texts, shape)
            write(batch)
            return int(batch.num_rows)

        return add


def shape_of(settings: MiningSettings) -> Shape:
    """The shape of rows that settings ask for."""
    return Shape(settings.negatives, writes_scores(settings))


def write_training_file(
    blocks: Iterable[TrainingRows], collection: Collection, settings: MiningSettings, path: Path
) -> None:
    """Write a training file of negatives that were chosen before; what it has no place for is said on stderr."""
    with (
        TrainingFile(path, collection, settings) as file,
        tqdm(desc=f"write {settings.format}", unit="row", disable=settings.quiet) as progress,
    ):
        for rows in blocks:
            file.write(rows)
            progress.update(file.n_rows - progress.n)
    _say_left_out(file.n_given_left_out, settings)


def training_table(blocks: Iterable[TrainingRows], collection: Collection, settings: MiningSettings) -> pa.Table:
    """The rows of the settings' format, in memory.

    Raises:
        SettingsError: the format is no table, or there are to be scores, and one is not known.
    """
    if not TRAINING_FORMATS[settings.format].is_table:
        tables = ", ".join(name for name, traits in TRAINING_FORMATS.items() if traits.is_table)
        raise SettingsError(
            f"format {settings.format!r} is no table, and only written to disk, as by export_negatives. Take one of "
            f"{tables}."
        )
    (part,) = FORMATS[settings.format].negatives.values()
    shape, texts = shape_of(settings), Texts(collection, lambda texts: texts)
    batches, n_left_out = list[pa.RecordBatch](), 0
    for portion in (portion for rows in blocks for portion in _portions(rows, collection, settings)):
        batches.append(part.batch(portion, texts, shape))
        n_left_out += _given_beyond_rows(portion, settings)
    _say_left_out(n_left_out, settings)
    return pa.Table.from_batches(batches, part.schema_for(shape))


def _given_beyond_rows(rows: TrainingRows, settings: MiningSettings) -> int:
    """Given negatives that rows of one length have no place for, each once a query."""
    if settings.format not in FIXED_LENGTH_FORMATS or GIVEN not in rows.source_names:
        return 0
    starts = rows.pair_starts
    n = len(rows.query_rows)
    places = np.arange(n) - np.repeat(starts, np.diff(starts, append=n))  # in the pair
    beyond = rows.take((places >= settings.negatives) & (rows.sources == rows.source_names.index(GIVEN)))
    return len(set(zip(beyond.query_rows.tolist(), beyond.doc_rows.tolist(), strict=True)))


def _say_left_out(n_given: int, settings: MiningSettings) -> None:
    if n_given and not settings.quiet:
        said = f"warning   {n_given:,} given negatives have no place in rows of {settings.format}"
        tqdm.write(said, file=sys.stderr)


def _portions(rows: TrainingRows, collection: Collection, settings: MiningSettings) -> Iterator[TrainingRows]:
    for portion in rows.portions():
        if writes_scores(settings):
            check_scores(portion, collection, settings.format)
        yield portion
