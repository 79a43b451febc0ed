"""The files of a choice, written while it is made: negatives.parquet and the training file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import pyarrow as pa

from foolsgold.ahead import Behind
from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.collection import Collection, PartOf
from foolsgold.export import RenderedRows, TrainingFile, TrainingRows, is_in_folder, render
from foolsgold.export.sinks import Content
from foolsgold.output import OutputFolder
from foolsgold.provenance import CANDIDATES_FILE, HIDDEN_FILE, NEGATIVES_FILE, SUSPECTS_FILE
from foolsgold.sample import NEGATIVES_SCHEMA, Chosen, ChosenNumbers
from foolsgold.settings import MiningSettings
from foolsgold.shard_writer import QueryTableWriter
from foolsgold.shards import ShardSizes
from foolsgold.training_folders import check_place
from foolsgold.training_formats import training_file_name

_ROWS_PER_GROUP = 2**17


class RenderedChoice(NamedTuple):
    """Negatives of some queries as they are written.

    Attributes:
        chosen: by row in the whole collection.
        table: the rows of negatives.parquet.
        training: the rows of the training file.
    """

    chosen: Chosen
    table: pa.Table
    training: list[RenderedRows]


def render_choice(
    chosen: Chosen,
    collection: Collection,
    settings: MiningSettings,
    part_of: PartOf,
    shards: ShardSizes | None = None,
) -> RenderedChoice:
    """What `ChoiceFiles.add_rendered` writes, made where a part of the collection is.

    Args:
        chosen: by row in the part.
        collection: the part, with the texts of these queries, their positives and negatives.
        settings: format and file type of the training file.
        part_of: where its rows are in the whole.
        shards: as `ChoiceFiles` has them.
    """
    training = render(TrainingRows.of(chosen), collection, settings, part_of=part_of, shards=shards)
    return RenderedChoice(chosen.renumbered(part_of), chosen.table(collection), training)


class ChoiceFiles:
    """Takes negatives block by block, writes them, and forgets all but a few numbers; a context manager.

    Args:
        collection: whose ids and texts are written.
        settings: format and file type of the training file.
        folder: where to; one without a path keeps the negatives in memory, compressed, and writes no training file.
        shards: in which the files are written, as folders; None: each as one file.
        documents: see `TrainingFile`.

    Attributes:
        numbers: what the report says of the negatives.
    """

    def __init__(
        self,
        collection: Collection,
        settings: MiningSettings,
        folder: OutputFolder,
        shards: ShardSizes | None = None,
        documents: Iterable[tuple[Content, ...]] | None = None,
    ) -> None:
        self.numbers = ChosenNumbers()
        self._collection = collection
        self._path: Path | None = folder.file(NEGATIVES_FILE)
        self._kept = pa.BufferOutputStream()
        train = folder.file(training_file_name("train", settings.training_file_type))
        with ExitStack() as opened:
            self._negatives = opened.enter_context(
                QueryTableWriter(self._path or self._kept, NEGATIVES_SCHEMA, _ROWS_PER_GROUP,
                                 n_queries=collection.n_queries, shards=shards)
            )  # fmt: skip
            self._training: TrainingFile | None = None
            if train is not None:
                file = TrainingFile(train, collection, settings, shards=shards, documents=documents)
                self._training = opened.enter_context(file)
            self._behind = opened.enter_context(Behind[Callable[[], None]](lambda write: write()))
            self._open = opened.pop_all()

    def __enter__(self) -> ChoiceFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, traceback)

    def add(self, chosen: Chosen) -> None:
        """Write the negatives of some queries."""
        if self._training is not None:
            self._behind(partial(self._training.write, TrainingRows.of(chosen)))
        self._add(chosen, chosen.table(self._collection))

    def add_rendered(self, chosen: Chosen, table: pa.Table, training: list[RenderedRows]) -> None:
        """Write negatives that are rendered already, of the next queries; see `RenderedChoice`."""
        if self._training is not None:
            self._behind(partial(self._training.write_rendered, training))
        self._add(chosen, table)

    def _add(self, chosen: Chosen, table: pa.Table) -> None:
        self.numbers.add(chosen)
        self._negatives.write(table, chosen.query_rows)

    @property
    def n_training_rows(self) -> int | None:
        """Written, when the files are closed; None where nothing is kept on disk."""
        return None if self._training is None else self._training.n_rows

    def negatives(self) -> ChosenNegatives:
        """What was written, when the files are closed."""
        return ChosenNegatives(pa.BufferReader(self._kept.getvalue()) if self._path is None else self._path)


def check_training_place(folder: OutputFolder, settings: MiningSettings, shards: ShardSizes | None = None) -> None:
    """Refuse to replace a folder that foolsgold did not write, before any work.

    Raises:
        SettingsError: naming the folder and the file.
    """
    if folder.path is None:
        return
    sharded = shards is not None
    for name in (CANDIDATES_FILE, NEGATIVES_FILE, HIDDEN_FILE, SUSPECTS_FILE):
        check_place(folder.path / name, is_folder=sharded)
    name = training_file_name("train", settings.training_file_type)
    check_place(folder.path / name, is_folder=is_in_folder(settings, sharded=sharded))
