"""Arrays that do not stay in memory: mapped from files without a name, which end with the process."""

from __future__ import annotations

import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from foolsgold.errors import OutputError

_IN_MEMORY_BYTES = 16 * 2**20

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
        raise OutputError(
            f"{scratch} has no room for {array.nbytes / 2**30:.1f} GiB of what is known of documents "
            f"({error.strerror or error}). Free some space, or give another folder (--cache DIR); earlier output is "
            "untouched."
        ) from error


def mapped_arrays(record: Record, scratch: Path | None) -> Record:
    """A named tuple, or a dataclass, with its arrays mapped."""
    names = record._fields if isinstance(record, tuple) else [field.name for field in fields(record)]  # type: ignore[attr-defined,arg-type]
    values = {name: getattr(record, name) for name in names}
    make: Any = type(record)
    made: Record = make(
        **{name: mapped(value, scratch) if isinstance(value, np.ndarray) else value for name, value in values.items()}
    )
    return made
