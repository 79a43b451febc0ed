"""Arrays that do not stay in memory: mapped from files without a name, which end with the process."""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from foolsgold.errors import OutputError

_IN_MEMORY_BYTES = 2**20

Record = TypeVar("Record")


def mapped(array: NDArray[Any], scratch: Path | None) -> NDArray[Any]:
    """The same array in a file; as it is where it is small, or where there is no folder for the file.

    Raises:
        OutputError: the disk has no room for it.
    """
    if scratch is None or array.nbytes <= _IN_MEMORY_BYTES:
        return array
    try:
        with tempfile.TemporaryFile(dir=scratch) as file:
            array.tofile(file)
            file.flush()
            return np.memmap(file, array.dtype, "r", shape=array.shape)
    except OSError as error:
        raise _no_room(scratch, array.nbytes, error) from error


def room(shape: tuple[int, ...], dtype: DTypeLike, scratch: Path | None) -> NDArray[Any]:
    """An array that is to be filled, in a file where it is large and there is a folder for that; else in memory.

    Raises:
        OutputError: the disk has no room for it.
    """
    n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    if scratch is None or n_bytes <= _IN_MEMORY_BYTES:
        return np.empty(shape, dtype)
    try:
        with tempfile.TemporaryFile(dir=scratch) as file:
            os.posix_fallocate(file.fileno(), 0, n_bytes) if hasattr(os, "posix_fallocate") else file.truncate(n_bytes)
            return np.memmap(file, dtype, "r+", shape=shape)
    except OSError as error:
        raise _no_room(scratch, n_bytes, error) from error


def mapped_arrays(record: Record, scratch: Path | None) -> Record:
    """A named tuple, or a dataclass, with its arrays mapped."""
    names = record._fields if isinstance(record, tuple) else [field.name for field in fields(record)]  # type: ignore[attr-defined,arg-type]
    values = {name: getattr(record, name) for name in names}
    make: Any = type(record)
    made: Record = make(
        **{name: mapped(value, scratch) if isinstance(value, np.ndarray) else value for name, value in values.items()}
    )
    return made


def _no_room(scratch: Path, n_bytes: int, error: OSError) -> OutputError:
    return OutputError(
        f"{scratch} has no room for {n_bytes / 2**30:.1f} GiB of what is known of documents "
        f"({error.strerror or error}). Free some space, or give another folder (--cache DIR); earlier output is "
        "untouched."
    )
