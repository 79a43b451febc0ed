"""Another training file from negatives that were chosen before."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, get_args

from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.errors import OutputError, SettingsError
from foolsgold.export import STORED_COLUMNS, stored_rows, write_training_file
from foolsgold.provenance import NEGATIVES_FILE, RUN_FILES, Provenance
from foolsgold.relabel import judged_again
from foolsgold.training_folders import check_place
from foolsgold.training_formats import FOLDER_TYPES, FileType, TrainingFormat, training_file_name


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
            `train.FORMAT.TYPE`, or the folder `train.FORMAT`, in the folder; replaced where foolsgold wrote it before).
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
    given = None if out is None else Path(out)
    settings = origin.settings.replace(
        format=format, file_type=_file_type(given, file_type), with_scores=with_scores, quiet=quiet
    )
    path = given or Path(folder) / training_file_name(f"train.{format}", settings.training_file_type)
    target = path.resolve()  # what a link leads to
    _check_target(target, is_folder=settings.training_file_type in FOLDER_TYPES, is_given=given is not None)
    negatives = ChosenNegatives(Path(folder) / NEGATIVES_FILE).batches(STORED_COLUMNS)
    try:
        with _staged(target) as staged:
            collection = judged_again(origin.collection_again(collection), origin)
            write_training_file(stored_rows(negatives, collection), collection, settings, staged)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"out: {path} could not be written ({error.strerror or error}).") from error
    return path


def _check_target(target: Path, *, is_folder: bool, is_given: bool) -> None:
    """Refuse a place that something else has."""
    if not is_given:
        check_place(target, is_folder=is_folder)
    elif not target.parent.is_dir() or target.name in RUN_FILES or (not is_folder and target.is_dir()):
        raise SettingsError(f"out: {target} is not the path of a training file in a folder that exists.")
    elif is_folder and target.exists() and not _is_empty_folder(target):
        raise SettingsError(f"out: {target} is not a new or empty folder, which this format and file type take.")


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _file_type(path: Path | None, file_type: FileType | None) -> FileType | None:
    by_ending = next((kind for kind in get_args(FileType) if path is not None and path.name.endswith(f".{kind}")), None)
    if file_type is not None and by_ending not in (None, file_type):
        raise SettingsError(f"out: {path} ends in .{by_ending}, but file_type is {file_type!r}. Leave one of them out.")
    return file_type or by_ending


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """A path beside the target; what was written there is moved to the target, if nothing went wrong."""
    folder = Path(mkdtemp(prefix=".foolsgold-", dir=target.parent))
    earlier = folder / "earlier"
    try:
        yield folder / "new"
        if _is_empty_folder(target):
            _fill(target, folder / "new")
        else:
            _replace(target, folder / "new", earlier)
    finally:
        if target.exists() or not earlier.exists():
            shutil.rmtree(folder, ignore_errors=True)


def _fill(target: Path, new: Path) -> None:
    """Move files into an empty folder, which stays the same one: someone may be working in it."""
    names = os.listdir(new)
    try:
        for name in names:
            os.replace(new / name, target / name)
    except BaseException:
        for name in os.listdir(target):
            os.replace(target / name, new / name)
        raise


def _replace(target: Path, new: Path, earlier: Path) -> None:
    """Move it to where it is to be, in place of an earlier folder, which comes back should that fail."""
    try:
        if target.is_dir():
            os.replace(target, earlier)
        os.replace(new, target)
    except BaseException:
        if earlier.exists() and not target.exists():
            os.replace(earlier, target)
        raise
