"""The export stage: a training file, or a folder of several, written as negatives come."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.errors import SettingsError
from foolsgold.export.check import check_ids
from foolsgold.export.formats import FORMATS
from foolsgold.export.part import Part
from foolsgold.export.render import RenderedRows, Renderer, given_beyond_rows, portions, shape_of, sink_for
from foolsgold.export.sinks import SHARDED_TYPES, Content, WriteShard
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows
from foolsgold.settings import MiningSettings
from foolsgold.shards import ShardSizes
from foolsgold.training_formats import FOLDER_TYPES, TRAINING_FORMATS


class TrainingFile:
    """Writes negatives with their texts, in the format and file type that the settings name; a context manager.

    Args:
        path: of the file; or of the folder, which is made.
        collection: whose texts are written; as far as they come rendered, only ids, judgements and the fingerprint are
            asked for, and the texts of queries where the format has a file of all.
        settings: with format, file type, and whether there are scores.
        shards: in which a single file is written, where its type allows it, as a folder of this name; None: as one.
        documents: what `render_documents` makes of all documents, part by part in their order; None: it is made here.

    Attributes:
        n_rows: written so far, of the file to train on.
        n_given_left_out: given negatives beyond the length of rows so far, each once a query.

    Raises:
        CollectionError: ids that the format cannot express.
    """

    def __init__(
        self,
        path: Path,
        collection: Collection,
        settings: MiningSettings,
        *,
        shards: ShardSizes | None = None,
        documents: Iterable[tuple[Content, ...]] | None = None,
    ) -> None:
        check_ids(settings, collection)
        self.n_rows, self.n_given_left_out = 0, 0
        self._collection, self._settings = collection, settings
        self._shards = shards if is_sharded(settings) else None
        self._renderer = Renderer(collection, settings, shards=self._shards)
        if TRAINING_FORMATS[settings.format].is_folder:
            self._write_beside(path, documents)
        with ExitStack() as opened:
            parts = FORMATS[settings.format].negatives
            self._parts = [self._opened(opened, path, name, part) for name, part in parts.items()]
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
        self.write_rendered(self._renderer.render(rows))

    def write_rendered(self, portions: Iterable[RenderedRows]) -> None:
        """Add rows that are made already, with the same settings and shards."""
        for portion in portions:
            for write, content in zip(self._parts, portion.contents, strict=True):
                write(content, portion.shard)
            self.n_rows += portion.n_rows
            self.n_given_left_out += portion.n_given_left_out

    def _write_beside(self, folder: Path, documents: Iterable[tuple[Content, ...]] | None) -> None:
        """The files that do not depend on the negatives."""
        format = FORMATS[self._settings.format]
        folder.mkdir()
        for name in (*format.negatives, *format.documents):
            (folder / name).parent.mkdir(exist_ok=True)
        for name, content_for in format.fixed.items():
            (folder / name).write_text(content_for(self._collection), encoding="utf-8")
        self._write_all(folder, format.queries, self._renderer.queries())
        self._write_all(folder, format.documents, self._renderer.documents() if documents is None else documents)

    def _write_all(self, folder: Path, parts: Mapping[str, Part[Any]], blocks: Iterable[tuple[Content, ...]]) -> None:
        if not parts:
            return
        with ExitStack() as opened:
            writes = [self._opened(opened, folder, name, part) for name, part in parts.items()]
            for contents in blocks:
                for write, content in zip(writes, contents, strict=True):
                    write(content, 0)

    def _opened(self, opened: ExitStack, path: Path, name: str, part: Part[Any]) -> WriteShard:
        sink, schema = sink_for(name, part, self._settings), part.schema_for(shape_of(self._settings))
        if self._shards is not None and sink.open_shards is not None:
            n_shards = self._shards.count(self._collection.n_queries)
            return opened.enter_context(sink.open_shards(path / name, schema, n_shards))
        write = opened.enter_context(sink.open(path / name, schema, part.frame))
        return lambda content, shard: write(content)


def is_sharded(settings: MiningSettings) -> bool:
    """Whether the training file of a sharded run lies in shards.

    Formats that are folders keep a file for each name in them, as their frameworks read them; and a JSON document
    cannot be cut.
    """
    return not TRAINING_FORMATS[settings.format].is_folder and settings.training_file_type in SHARDED_TYPES


def is_in_folder(settings: MiningSettings, *, sharded: bool = False) -> bool:
    """Whether the training file is a folder, in a run with shards or without."""
    return settings.training_file_type in FOLDER_TYPES or (sharded and is_sharded(settings))


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
    for portion in (portion for rows in blocks for portion in portions(rows, collection, settings)):
        batches.append(part.batch(portion, texts, shape))
        n_left_out += given_beyond_rows(portion, settings)
    _say_left_out(n_left_out, settings)
    return pa.Table.from_batches(batches, part.schema_for(shape))


def _say_left_out(n_given: int, settings: MiningSettings) -> None:
    if n_given and not settings.quiet:
        said = f"warning   {n_given:,} given negatives have no place in rows of {settings.format}"
        tqdm.write(said, file=sys.stderr)
