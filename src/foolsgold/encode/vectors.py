"""Vectors: what search reads, whether they were encoded here or lie in a file."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.cores import n_cores
from foolsgold.errors import VectorError
from foolsgold.settings import Similarity

_CHECK_ROWS = 1_024  # at once: they stay in the processor's cache
_HASHED_ROWS, _HASH_BYTES = 16_384, 16
_NEARLY_ONE = 4 * 2.0**-24  # lengths that differ less from 1 are taken for it: four roundings of float32
_LONGEST, _SHORTEST = 1e18, 1e-18  # products of two stay within float32
_NOT_FINITE = "holds NaN or infinity"
_TOO_LONG = f"is longer than {_LONGEST:g}, too long to multiply in float32"
_ZEROS = "is all zeros (or nearly), which has no direction and so no cosine"


@dataclass(frozen=True)
class Vectors:
    """A matrix of vectors and how to compare them; unit length is applied as they are read, nothing is copied whole.

    Attributes:
        values: shape (n, D), float32 or float16, in memory or memory-mapped.
        similarity: "cosine" or "dot".
        inverse_norms: shape (n,), float64; ones for dot products.
    """

    values: NDArray[np.float32] | NDArray[np.float16]
    similarity: Similarity
    inverse_norms: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        values: NDArray[np.float32] | NDArray[np.float16],
        similarity: Similarity,
        name: str = "vectors",
        ids: pa.ChunkedArray | None = None,
    ) -> Vectors:
        """Check a matrix and measure its rows.

        Args:
            values: shape (n, D), float32 or float16.
            similarity: "cosine" or "dot".
            name: what to call them in messages.
            ids: shape (n,), the ids of the rows, for messages.

        Raises:
            VectorError: wrong shape or type, a value that is not finite, or for cosine a vector of zeros.
        """  # fmt: skip
        check_matrix(values, similarity, name)
        lengths = lengths_of(values)
        refuse_faults(faults_of(lengths, similarity), name, ids)
        return cls(values, similarity, np.ones(len(values)) if similarity == "dot" else 1.0 / lengths)

    def __len__(self) -> int:
        return len(self.values)

    def first(self, n: int) -> Vectors:
        """The first n rows, in memory."""
        values: Any = np.array(self.values[:n])
        return Vectors.of(values, self.similarity)

    @property
    def dimensions(self) -> int:
        """D."""
        return int(self.values.shape[1])

    @property
    def longest(self) -> float:
        """The largest length of a row as it is compared: 1 for cosine."""
        return 1.0 if self.similarity == "cosine" else self._largest_norm

    @cached_property
    def _largest_norm(self) -> float:
        starts = range(0, len(self.values), _CHECK_ROWS)
        blocks = (np.asarray(self.values[start : start + _CHECK_ROWS], np.float64) for start in starts)
        return max((float(np.sqrt((block * block).sum(axis=1).max())) for block in blocks), default=0.0)

    def block(self, start: int, stop: int) -> NDArray[np.float32]:
        """Rows `start` to `stop`, shape (stop - start, D), float32, of unit length for cosine."""
        return self._scaled(self.values[start:stop], self.inverse_norms[start:stop])

    def block_of(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The given rows, likewise, shape (len(rows), D)."""
        return self._scaled(self.values[rows], self.inverse_norms[rows])

    def _scaled(
        self, values: NDArray[np.float32] | NDArray[np.float16], inverse_norms: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        rows: NDArray[np.float32] = np.require(values, np.float32, ["C", "W", "E"])
        if self.needs_no_scaling:
            return rows
        return rows * inverse_norms[:, None].astype(np.float32)

    @cached_property
    def needs_no_scaling(self) -> bool:
        """Whether all lengths are 1 but for rounding, as most models have it, or are to be left as they are."""
        return bool((np.abs(self.inverse_norms - 1) <= _NEARLY_ONE).all())

    def rows(self, rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """The given rows as they are stored, in float64, shape (len(rows), D)."""
        return np.ascontiguousarray(self.values[rows], dtype=np.float64)


def check_matrix(values: NDArray[Any], similarity: Similarity, name: str) -> None:
    """Refuse what is no matrix of vectors, or another way to compare them than there is; no value is read.

    Raises:
        VectorError: it says which.
    """
    if similarity not in get_args(Similarity):
        raise VectorError(f"similarity is {similarity!r}; it takes 'cosine' or 'dot'.")
    if values.ndim != 2 or values.shape[1] == 0:
        raise VectorError(f"{name}: shape {values.shape}; it takes two dimensions, (rows, dimensions of a vector).")
    if values.dtype not in (np.float32, np.float16):
        raise VectorError(f"{name}: type {values.dtype}; it takes float32 or float16. Convert with .astype('float32').")


def lengths_of(values: NDArray[Any]) -> NDArray[np.float64]:
    """The length of each row, shape (n,); not finite where a value is not."""
    lengths = np.empty(len(values), np.float64)
    for start in range(0, len(values), _CHECK_ROWS):
        block = np.ascontiguousarray(values[start : start + _CHECK_ROWS], np.float64)
        lengths[start : start + len(block)] = np.sqrt(np.add.reduce(np.square(block, out=block), axis=1))
    return lengths


def faults_of(lengths: NDArray[np.float64], similarity: Similarity) -> dict[str, NDArray[np.int64]]:
    """Rows that cannot be searched, ascending, under what is wrong with them; empty where nothing is.

    Args:
        lengths: shape (n,), as `lengths_of` gives them.
        similarity: zeros can be compared by dot product.
    """
    wrong = {_NOT_FINITE: ~np.isfinite(lengths), _TOO_LONG: lengths > _LONGEST}
    if similarity == "cosine":
        wrong[_ZEROS] = lengths < _SHORTEST
    return {fault: np.flatnonzero(rows) for fault, rows in wrong.items() if rows.any()}


def refuse_faults(faults: Mapping[str, NDArray[np.int64]], name: str, ids: pa.ChunkedArray | None) -> None:
    """Name the first row that is wrong.

    Args:
        faults: as `faults_of` gives them, of the whole matrix; the gravest is named.
        name: what to call the matrix.
        ids: shape (n,), the ids of the rows.

    Raises:
        VectorError: there is one.
    """
    fault = next((fault for fault in (_NOT_FINITE, _TOO_LONG, _ZEROS) if fault in faults), None)
    if fault is None:
        return
    row, n_others = int(faults[fault].min()), len(faults[fault]) - 1
    which = f'row {row} (id "{ids[row].as_py()}")' if ids is not None else f"row {row}"
    others = f", and so do {n_others:,} more" if n_others else ""
    raise VectorError(f"{name}: {which} {fault}{others}. Leave out or repair what was encoded there.")


def matrix_fingerprint(values: NDArray[Any]) -> str:
    """A hash of type, shape and all values of an array, which may be memory-mapped: of hashes of stretches of its rows.

    These are made on all cores: of a terabyte of vectors a single one takes twenty minutes.
    """
    digest = blake2b(f"{values.dtype} {values.shape}".encode(), digest_size=_HASH_BYTES)
    rows = np.atleast_1d(values)
    stretches = (rows[start : start + _HASHED_ROWS] for start in range(0, len(rows), _HASHED_ROWS))
    threads = ThreadPoolExecutor(n_cores())
    try:
        for of_stretch in threads.map(_digest, stretches):
            digest.update(of_stretch)
    finally:
        threads.shutdown(cancel_futures=True)  # when interrupted, at once
    return digest.hexdigest()


def _digest(rows: NDArray[Any]) -> bytes:
    digest = blake2b(digest_size=_HASH_BYTES)
    for start in range(0, len(rows), _CHECK_ROWS):
        digest.update(np.ascontiguousarray(rows[start : start + _CHECK_ROWS]).tobytes())
    return digest.digest()
