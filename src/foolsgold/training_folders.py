"""Which files and folders of an output folder are foolsgold's own: nobody else's is replaced or removed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from foolsgold.collection.any_collection import BEIR_PARQUET_FILES
from foolsgold.errors import SettingsError
from foolsgold.export.formats import FORMATS
from foolsgold.export.sinks import SAVED_DATASET, SHARDED_TYPES
from foolsgold.shards import is_shard, is_there
from foolsgold.training_formats import TRAINING_FORMATS, FileType

_FOLDERS = (
    *(format.file_names for name, format in FORMATS.items() if TRAINING_FORMATS[name].is_folder),
    frozenset(SAVED_DATASET), frozenset(BEIR_PARQUET_FILES),
)  # fmt: skip
_MOVE_IT = "Move it away, or give another folder."
_SAVED_SHARD = re.compile(r"data-\d{5}-of-\d{5}\.arrow")
_CACHE_OF_DATASETS = re.compile(r"cache-[^/]*\.arrow")  # lies beside a saved dataset that was worked with


def is_own(path: Path) -> bool:
    """Whether foolsgold wrote it, going by names: that of a file, or of all files in a folder."""
    if path.is_dir():
        return not path.is_symlink() and any(path.iterdir()) and foreign_file(path) is None
    return path.suffix[1:] in get_args(FileType)


def foreign_file(folder: Path) -> str | None:
    """The first file in a folder that foolsgold does not write there; None where there is none."""
    found = {name for name in _files_in(folder) if not is_shard(name, folder.name)}
    foreign = min(({name for name in found if _as_one_shard(name) not in names} for names in _FOLDERS), key=len)
    return min(foreign, default=None)


def check_place(path: Path, *, is_folder: bool) -> None:
    """Refuse to replace what foolsgold did not write; a file and the folder of its shards take each other's place.

    Args:
        path: of the file or folder to be.
        is_folder: which of them.

    Raises:
        SettingsError: naming the path, and the file.
    """
    if not path.exists() or (not is_folder and not path.is_dir()):
        return
    if path.is_dir() != is_folder and not _is_sharded_or_not(path):
        there, wanted = ("file", "folder") if is_folder else ("folder", "file")
        raise SettingsError(f"out: {path} is a {there}, where a {wanted} is to be written. {_MOVE_IT}")
    foreign = foreign_file(path)
    if foreign is not None:
        raise SettingsError(
            f"out: the folder {path} is to be replaced, but holds {foreign}, which foolsgold did not write. {_MOVE_IT}"
        )


def _is_sharded_or_not(path: Path) -> bool:
    """Whether it is a file, or a folder of shards, of a kind that may be either."""
    if path.is_dir():
        return is_there(path) and not path.is_symlink()
    return path.suffix[1:] in SHARDED_TYPES


def _as_one_shard(name: str) -> str:
    """A shard of a saved dataset by the name that it has where it is the only one."""
    return SAVED_DATASET[0] if _SAVED_SHARD.fullmatch(name) else name


def _files_in(folder: Path) -> Iterator[str]:
    """Their paths in the folder, but for caches; a link is a file."""
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(parent, name))]
        for name in (*files, *links):
            if not _CACHE_OF_DATASETS.fullmatch(name):
                yield Path(parent, name).relative_to(folder).as_posix()
