"""The files of a choice, written while it is made: negatives.parquet and the training file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from foolsgold.ahead import Behind
from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.collection import Collection
from foolsgold.export import TrainingFile, TrainingRows
from foolsgold.output import OutputFolder
from foolsgold.provenance import NEGATIVES_FILE
from foolsgold.row_groups import RowGroupWriter
from foolsgold.sample import NEGATIVES_SCHEMA, Chosen, ChosenNumbers
from foolsgold.settings import MiningSettings
from foolsgold.training_folders import check_place
from foolsgold.training_formats import FOLDER_TYPES, training_file_name

_ROWS_PER_GROUP = 2**17


class ChoiceFiles:
    """Takes negatives block by block, writes them, and forgets all but a few numbers; a context manager.

    Args:
        collection: whose ids and texts are written.
        settings: format and file type of the training file.
        folder: where to; one without a path keeps the negatives in memory, compressed, and writes no training file.

    Attributes:
        numbers: what the report says of the negatives.
    """

    def __init__(self, collection: Collection, settings: MiningSettings, folder: OutputFolder) -> None:
        self.numbers = ChosenNumbers()
        self._collection = collection
        self._path: Path | None = folder.file(NEGATIVES_FILE)
        self._kept = pa.BufferOutputStream()
        train = folder.file(training_file_name("train", settings.training_file_type))
        with ExitStack() as opened:
            target = self._path or self._kept
            self._negatives = opened.enter_context(RowGroupWriter(target, NEGATIVES_SCHEMA, _ROWS_PER_GROUP))
            self._training = opened.enter_context(TrainingFile(train, collection, settings)) if train else None
            self._train = opened.enter_context(Behind(self._training.write)) if self._training else None
            self._open = opened.pop_all()

    def __enter__(self) -> ChoiceFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, traceback)

    def add(self, chosen: Chosen) -> None:
        """Write the negatives of some queries."""
        if self._train is not None:
            self._train(TrainingRows.of(chosen))
        self.numbers.add(chosen)
        self._negatives.write(chosen.table(self._collection))

    @property
    def n_training_rows(self) -> int | None:
        """Written, when the files are closed; None where nothing is kept on disk."""
        return None if self._training is None else self._training.n_rows

    def negatives(self) -> ChosenNegatives:
        """What was written, when the files are closed."""
        return ChosenNegatives(pa.BufferReader(self._kept.getvalue()) if self._path is None else self._path)


def check_training_place(folder: OutputFolder, settings: MiningSettings) -> None:
    """Refuse to replace a folder that foolsgold did not write, before any work.

    Raises:
        SettingsError: naming the folder and the file.
    """
    if folder.path is not None:
        file_type = settings.training_file_type
        check_place(folder.path / training_file_name("train", file_type), is_folder=file_type in FOLDER_TYPES)
