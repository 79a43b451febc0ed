"""Vectors that cannot be searched, found by workers: each measures a stretch of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode.vectors import faults_of, lengths_of
from foolsgold.scale.pool import Pool
from foolsgold.scale.stored_vectors import StoredVectors

_STRETCH_BYTES = 64 * 2**20


class _Rows(NamedTuple):
    vectors: StoredVectors
    start: int
    stop: int


def faults_on(pool: Pool, vectors: StoredVectors) -> dict[str, NDArray[np.int64]]:
    """Rows that cannot be searched, under what is wrong with them, for `refuse_faults`."""
    size = max(1, _STRETCH_BYTES * vectors.n_rows // max(1, vectors.n_bytes))
    stretches = (_Rows(vectors, start, min(start + size, vectors.n_rows)) for start in range(0, vectors.n_rows, size))
    return merged_faults(pool.map(_faults, stretches))


def merged_faults(parts: Iterable[Mapping[str, NDArray[np.int64]]]) -> dict[str, NDArray[np.int64]]:
    """The rows of all parts, under what is wrong with them."""
    rows: dict[str, list[NDArray[np.int64]]] = {}
    for part in parts:
        for fault, faulty in part.items():
            if len(faulty):
                rows.setdefault(fault, []).append(faulty)
    return {fault: np.concatenate(faulty) for fault, faulty in rows.items()}


def _faults(rows: _Rows) -> dict[str, NDArray[np.int64]]:
    vecs = rows.vectors.read(rows.start, rows.stop)
    found = faults_of(lengths_of(vecs), rows.vectors.similarity)
    return {fault: faulty + rows.start for fault, faulty in found.items()}
