"""Another training file from negatives that were chosen before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa

from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.errors import CollectionError, OutputError, SettingsError
from foolsgold.export import stored_rows, write_training_file
from foolsgold.provenance import NEGATIVES_FILE, RUN_FILES, Provenance
from foolsgold.settings import FileType, TrainingFormat


def export_negatives(
    folder: str | Path,
    format: TrainingFormat,
    *,
    out: str | Path | None = None,
    file_type: FileType | None = None,
    collection: Any = None,
    quiet: bool = False,
) -> Path:
    """Write the negatives of an output folder as a training file of another format.

    Args:
        folder: the output folder of `mine` or `select`.
        format: triplet, n-tuple, labeled-pair, labeled-list or flagembedding.
        out: the file to write (default: `train.FORMAT.TYPE` in the folder).
        file_type: jsonl or parquet (default: as `out` ends, or jsonl).
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was.
        quiet: without a progress bar.

    Returns:
        The file written.

    Raises:
        FoolsgoldError: no such output, a collection that has changed, or a format that cannot express short rows.
    """
    origin = Provenance.read(Path(folder))
    path = None if out is None else Path(out)
    settings = origin.settings.replace(format=format, file_type=_file_type(path, file_type), quiet=quiet)
    path = path or Path(folder) / f"train.{format}.{settings.file_type}"
    if path.is_dir() or not path.parent.is_dir() or path.name in RUN_FILES:
        raise SettingsError(f"out: {path} is not the path of a training file in a folder that exists.")
    negatives = _stored(Path(folder))
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        collection = origin.collection_again(collection)
        write_training_file(stored_rows(negatives, collection), collection, settings, staged)
        os.replace(staged, path)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"out: {path} could not be written ({error.strerror or error}).") from error
    finally:
        with suppress(OSError):
            staged.unlink(missing_ok=True)
    return path


def _file_type(path: Path | None, file_type: FileType | None) -> FileType:
    by_ending = next((kind for kind in get_args(FileType) if path is not None and path.name.endswith(f".{kind}")), None)
    if file_type is not None and by_ending not in (None, file_type):
        raise SettingsError(f"out: {path} ends in .{by_ending}, but file_type is {file_type!r}. Leave one of them out.")
    return file_type or by_ending or "jsonl"


def _stored(folder: Path) -> Iterator[pa.RecordBatch]:
    try:
        yield from ChosenNegatives(folder / NEGATIVES_FILE).batches(("query_id", "positive_id", "doc_id"))
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise CollectionError(f"{folder} has no readable {NEGATIVES_FILE} ({error}). Select or mine again.") from error
