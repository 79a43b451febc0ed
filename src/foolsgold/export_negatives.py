"""Another training file from negatives that were chosen before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa

from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.errors import CollectionError, OutputError, SettingsError
from foolsgold.export import STORED_COLUMNS, stored_rows, write_training_file
from foolsgold.provenance import NEGATIVES_FILE, RUN_FILES, Provenance
from foolsgold.relabel import judged_again
from foolsgold.training_formats import FileType, TrainingFormat, training_file_name


def export_negatives(
    folder: str | Path,
    format: TrainingFormat,
    *,
    out: str | Path | None = None,
    file_type: FileType | None = None,
    with_scores: bool = False,
    collection: Any = None,
    quiet: bool = False,
) -> Path:
    """Write the negatives of an output folder as a training file of another format.

    Args:
        folder: the output folder of `mine` or `select`.
        format: any that `foolsgold export --help` lists.
        out: the file to write, or for formats and types that are folders a new or empty folder (default:
            `train.FORMAT.TYPE`, or the folder `train.FORMAT`, in the folder; replaced where it is there already).
        file_type: one that the format has (default: as `out` ends, or the format's first).
        with_scores: scores of positives and negatives too.
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was.
        quiet: without a progress bar.

    Returns:
        The file or folder written, whole or not at all.

    Raises:
        FoolsgoldError: no such output, a collection that has changed, or what the format cannot express: short rows,
            ids, or scores, where one is not known.
    """
    origin = Provenance.read(Path(folder))
    path = None if out is None else Path(out)
    settings = origin.settings.replace(
        format=format, file_type=_file_type(path, file_type), with_scores=with_scores, quiet=quiet
    )
    file_name = training_file_name(f"train.{format}", settings.training_file_type)
    _check_path(path, is_folder=settings.training_file_type in ("dataset", "folder"))
    path = path or Path(folder) / file_name
    negatives = _stored(Path(folder))
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        collection = judged_again(origin.collection_again(collection), origin)
        write_training_file(stored_rows(negatives, collection), collection, settings, staged)
        _put_in_place(staged, path)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"out: {path} could not be written ({error.strerror or error}).") from error
    finally:
        _remove(staged)
    return path


def _check_path(path: Path | None, *, is_folder: bool) -> None:
    """Refuse a place that something else has."""
    if path is None:
        return
    if not path.parent.is_dir() or path.name in RUN_FILES or (not is_folder and path.is_dir()):
        raise SettingsError(f"out: {path} is not the path of a training file in a folder that exists.")
    if is_folder and path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise SettingsError(f"out: {path} is not a new or empty folder, which this format and file type take.")


def _file_type(path: Path | None, file_type: FileType | None) -> FileType | None:
    by_ending = next((kind for kind in get_args(FileType) if path is not None and path.name.endswith(f".{kind}")), None)
    if file_type is not None and by_ending not in (None, file_type):
        raise SettingsError(f"out: {path} ends in .{by_ending}, but file_type is {file_type!r}. Leave one of them out.")
    return file_type or by_ending


def _put_in_place(staged: Path, path: Path) -> None:
    """Move it to where it is to be, in place of an earlier folder, which comes back should that fail."""
    earlier = path.with_name(f"{staged.name}.earlier")
    if path.is_dir():
        os.replace(path, earlier)
    try:
        os.replace(staged, path)
    except OSError:
        if earlier.exists():
            os.replace(earlier, path)
        raise
    _remove(earlier)


def _remove(path: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _stored(folder: Path) -> Iterator[pa.RecordBatch]:
    try:
        yield from ChosenNegatives(folder / NEGATIVES_FILE).batches(STORED_COLUMNS)
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise CollectionError(f"{folder} has no readable {NEGATIVES_FILE} ({error}). Select or mine again.") from error
