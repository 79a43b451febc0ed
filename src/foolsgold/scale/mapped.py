"""Arrays that do not stay in memory: mapped from files, which are not kept open meanwhile."""

from __future__ import annotations

import io
import math
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray

from foolsgold.encode.matrix import reserve
from foolsgold.errors import OutputError

_IN_MEMORY_BYTES = 2**20
_HEADER_BYTES = 4_096  # more than that of a `.npy` file of numbers

Record = TypeVar("Record")


def arrays_in(path: Path, n_arrays: int) -> list[NDArray[Any]]:
    """The arrays that `numpy.save` has written one after the other into a file, mapped, and read-only."""
    content = _content(path)
    arrays, start = [], 0
    for _ in range(n_arrays):
        header = io.BytesIO(content[start : start + _HEADER_BYTES])
        np.lib.format.read_magic(header)
        shape, _, dtype = np.lib.format.read_array_header_1_0(header)
        begin, n_bytes = start + header.tell(), math.prod(shape) * dtype.itemsize
        arrays.append(np.frombuffer(content[begin : begin + n_bytes], dtype).reshape(shape))
        start = begin + n_bytes
    return arrays


def mapped(array: NDArray[Any], scratch: Path | None) -> NDArray[Any]:
    """The same array in a file without a name, which ends with the process.

    It is left as it is where it is small or read-only (and so perhaps mapped), or there is no folder for the file.

    Raises:
        OutputError: the disk has no room for it.
    """
    if scratch is None or array.nbytes <= _IN_MEMORY_BYTES or not array.flags.writeable:
        return array
    try:
        with tempfile.NamedTemporaryFile(dir=scratch) as file:
            array.tofile(file)
            file.flush()
            return np.frombuffer(_content(Path(file.name)), array.dtype).reshape(array.shape)
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
            reserve(file, n_bytes)
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


def _content(path: Path) -> memoryview:
    """Of a file; the map outlives the file's being open, of which a process may have a thousand."""
    with pa.memory_map(str(path)) as file:
        return memoryview(file.read_buffer())


def _no_room(scratch: Path, n_bytes: int, error: OSError) -> OutputError:
    return OutputError(
        f"{scratch} has no room for {n_bytes / 2**30:.1f} GiB of what is known of documents "
        f"({error.strerror or error}). Free some space, or give another folder (--cache DIR); earlier output is "
        "untouched."
    )
