"""A matrix of vectors that is filled row by row: in memory, or where it is large, mapped from a file without a name."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.errors import OutputError, VectorError
from foolsgold.settings import VectorType

IN_MEMORY_BYTES = 256 * 2**20
_ZEROS_BYTES = 2**20


class Matrix:
    """Takes vectors in any order; their number of dimensions is that of the first.

    Args:
        n_rows: how many there will be.
        vector_type: of the numbers as they are kept.
        scratch: the folder for the file of a large matrix; None: it is kept in memory.
        in_memory_bytes: up to which it is kept there in any case.
    """

    def __init__(
        self, n_rows: int, vector_type: VectorType, scratch: Path | None, *, in_memory_bytes: int = IN_MEMORY_BYTES
    ) -> None:
        self._n_rows = n_rows
        self._type = np.dtype(vector_type)
        self._scratch = scratch
        self._in_memory_bytes = in_memory_bytes
        self._values: NDArray[Any] | None = None

    @property
    def values(self) -> NDArray[Any]:
        """Shape (n, D); rows that were not put in yet hold anything."""
        if self._values is None:
            raise ValueError("no vector was put in yet")
        return self._values

    def put(self, rows: NDArray[np.int64], vecs: NDArray[Any]) -> None:
        """Take in vectors (B, D) as the given rows (B,).

        Raises:
            VectorError: they have more or fewer dimensions than those before.
            OutputError: the disk has no room for the matrix.
        """
        if self._values is None:
            self._values = self._room(vecs.shape[1])
        if vecs.shape[1] != self._values.shape[1]:
            raise VectorError(
                f"the encoder returned vectors of {self._values.shape[1]} and of {vecs.shape[1]} dimensions."
            )
        self._values[rows] = vecs

    def _room(self, dimensions: int) -> NDArray[Any]:
        shape = (self._n_rows, dimensions)
        n_bytes = self._n_rows * dimensions * self._type.itemsize
        if self._scratch is None or n_bytes <= self._in_memory_bytes:
            return np.empty(shape, self._type)
        try:
            with tempfile.TemporaryFile(dir=self._scratch) as file:
                reserve(file, n_bytes)
                return np.memmap(file, self._type, "r+", shape=shape)
        except OSError as error:
            raise OutputError(
                f"cache: {self._scratch} has no room for {n_bytes / 2**30:.1f} GiB of vectors "
                f"({error.strerror or error}). Free some space, give another folder (--cache DIR), or take "
                "--vector-type float16; earlier output is untouched."
            ) from error


def reserve(file: IO[bytes], n_bytes: int) -> None:
    """Room on the disk: without it, a write to the mapped file would end the process when the disk is full."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, n_bytes)
        return
    for start in range(0, n_bytes, _ZEROS_BYTES):
        file.write(bytes(min(_ZEROS_BYTES, n_bytes - start)))
    file.flush()
