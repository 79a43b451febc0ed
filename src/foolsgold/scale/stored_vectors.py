"""Vectors by row, wherever they lie: in chunks of the vector cache, or in a `.npy` file; read where they are needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode.precomputed import open_vectors
from foolsgold.encode.vector_cache import VectorCache
from foolsgold.errors import VectorError
from foolsgold.scale.opened import State, mapped, opened, state_of
from foolsgold.settings import Similarity, VectorType

_LENGTH_BYTES = 8  # of the number that a safetensors file begins with: how long its header is

_whole: set[tuple[Path, State]] = set()  # chunks that this process has found to be what was written


class InFile(NamedTuple):
    """Row i of a `.npy` file is that of row i."""

    path: Path


class InChunks(NamedTuple):
    """Chunks of the cache.

    Attributes:
        cache: of one encoder and side.
        names: a `.npy` file, shape (C,): the names of the chunks' files.
        places: a `.npy` file, shape (n, 2), int32: the chunk of each row, and its place there.
    """

    cache: VectorCache
    names: Path
    places: Path


@dataclass(frozen=True)
class StoredVectors:
    """Says where the vectors of one side lie, in a few hundred bytes that can be sent anywhere.

    Attributes:
        n_rows: as many as queries or documents.
        dimensions: D.
        vector_type: of the numbers.
        similarity: how they are compared.
        where: in a file, or in chunks.
    """

    n_rows: int
    dimensions: int
    vector_type: VectorType
    similarity: Similarity
    where: InFile | InChunks

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows `start` to `stop`, shape (stop - start, D), as they are stored; of a `.npy` file mapped, not read.

        Raises:
            VectorError: a chunk is damaged or gone; the next run encodes its texts again.
        """
        if isinstance(self.where, InFile):
            return np.asarray(opened(self.where.path, _npy)[start:stop])
        return self._gathered(self.where, mapped(self.where.places)[start:stop])

    def take(self, rows: NDArray[np.integer]) -> NDArray[Any]:
        """Rows in any order, shape (len(rows), D), likewise; a copy.

        Raises:
            VectorError: a chunk is damaged or gone; the next run encodes its texts again.
        """
        if isinstance(self.where, InFile):
            taken: NDArray[Any] = np.asarray(opened(self.where.path, _npy))[rows]  # a copy, since rows are an array
            return taken
        return self._gathered(self.where, mapped(self.where.places)[rows])

    @property
    def n_bytes(self) -> int:
        """Of all rows."""
        return self.n_rows * self.dimensions * np.dtype(self.vector_type).itemsize

    def _gathered(self, chunks: InChunks, places: NDArray[np.int32]) -> NDArray[Any]:
        vecs = np.empty((len(places), self.dimensions), self.vector_type)
        for chunk, rows in _by_chunk(places[:, 0]):
            vecs[rows] = _vectors_of_chunk(chunks, chunk)[places[rows, 1]]
        return vecs


def _by_chunk(chunks: NDArray[np.int32]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Each chunk and its rows; of several in a row, as is usual, the slice would do, but need not."""
    order = np.argsort(chunks, kind="stable")
    ends = np.flatnonzero(np.diff(chunks[order])) + 1
    for rows in np.split(order, ends) if len(order) else ():
        yield int(chunks[rows[0]]), rows


def _vectors_of_chunk(chunks: InChunks, number: int) -> NDArray[Any]:
    """Mapped; checked where this process opens it first."""
    path = chunks.cache.folder / mapped(chunks.names)[number].decode()
    try:
        state = state_of(path)
        if (path, state) not in _whole:
            if chunks.cache.vectors(path) is None:  # which has removed it, and said so
                raise VectorError(f"cache: {path} was damaged. Run again: its texts are then encoded again.")
            _whole.add((path, state))
        return opened(path, _tensor)
    except FileNotFoundError as error:
        raise VectorError(
            f"cache: {path} is gone: it was pruned during the run, or lies where this process cannot see it. Run "
            "again, with a cache folder (--cache DIR) that all workers share."
        ) from error


def _tensor(path: Path) -> NDArray[Any]:
    """The vectors in a safetensors file, mapped: the library would read them."""
    with path.open("rb") as file:
        n_bytes = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        about = json.loads(file.read(n_bytes))["vectors"]
    kind = {"F32": np.float32, "F16": np.float16}[about["dtype"]]
    start = _LENGTH_BYTES + n_bytes + about["data_offsets"][0]
    return np.memmap(path, kind, "r", offset=start, shape=tuple(about["shape"]))


def _npy(path: Path) -> NDArray[Any]:
    vecs: NDArray[Any] = open_vectors(path, "vectors")
    return vecs
