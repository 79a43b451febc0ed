"""Another training file from negatives that were chosen before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from foolsgold.errors import CollectionError, OutputError, SettingsError
from foolsgold.export import write_training_file
from foolsgold.provenance import NEGATIVES_FILE, Provenance
from foolsgold.settings import FileType, TrainingFormat


def export_negatives(
    folder: str | Path,
    format: TrainingFormat,
    *,
    out: str | Path | None = None,
    file_type: FileType = "jsonl",
    collection: Any = None,
    quiet: bool = False,
) -> Path:
    """Write the negatives of an output folder as a training file of another format.

    Args:
        folder: the output folder of `mine` or `select`.
        format: triplet, n-tuple, labeled-pair, labeled-list or flagembedding.
        out: the file to write (default: `train.FORMAT.TYPE` in the folder).
        file_type: jsonl or parquet.
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was.
        quiet: without a progress bar.

    Returns:
        The file written.

    Raises:
        FoolsgoldError: no such output, a collection that has changed, or a format that cannot express short rows.
    """
    import pyarrow.parquet as pq

    origin = Provenance.read(Path(folder))
    settings = origin.settings.replace(format=format, file_type=file_type, quiet=quiet)
    path = Path(out) if out is not None else Path(folder) / f"train.{format}.{file_type}"
    if path.is_dir() or not path.parent.is_dir():
        raise SettingsError(f"out: {path} is not the path of a file in a folder that exists.")
    try:
        negatives = pq.read_table(Path(folder) / NEGATIVES_FILE)
    except (pa.ArrowInvalid, OSError) as error:
        raise CollectionError(f"{folder} has no readable {NEGATIVES_FILE} ({error}). Select or mine again.") from error
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_training_file(negatives, origin.collection_again(collection), settings, staged)
        os.replace(staged, path)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"out: writing {path} failed ({error.strerror or error}). Free some space.") from error
    finally:
        staged.unlink(missing_ok=True)
    return path
