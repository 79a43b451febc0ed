"""Which texts the cache has the vectors of, found by workers: they read the chunks, the driver only hashes of texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.encode.texts import KEY_BYTES, as_keys
from foolsgold.encode.vector_cache import VectorCache, chunk_files
from foolsgold.encode.vectors import faults_of, lengths_of
from foolsgold.scale.pool import Pool
from foolsgold.scale.row_faults import merged_faults
from foolsgold.settings import Similarity

R = TypeVar("R")
_CHUNKS_A_CALL = 64


class CachedTexts(NamedTuple):
    """Where the vectors of some texts lie.

    Attributes:
        names: of the chunks' files, shape (C,).
        places: shape (U, 2), int32: the chunk of each text, and its place there; -1 where there is none.
        dimensions: of the vectors of each chunk.
        faults: as `faults_of` gives them, of the texts.
    """

    names: list[str]
    places: NDArray[np.int32]
    dimensions: set[int]
    faults: dict[str, NDArray[np.int64]]


class _Chunks(NamedTuple):
    """What a worker looks at."""

    cache: VectorCache
    names: list[str]
    similarity: Similarity


class _Content(NamedTuple):
    """What it says of a chunk: D, and which of its vectors cannot be searched."""

    dimensions: int
    faults: dict[str, NDArray[np.int64]]


def cached_texts(pool: Pool, cache: VectorCache, keys: pa.FixedSizeBinaryArray, similarity: Similarity) -> CachedTexts:
    """What there is of some texts; chunks that are damaged are removed, and count as never made.

    Args:
        pool: reads the chunks.
        cache: of one encoder and side.
        keys: hashes of texts, shape (U,), no two alike.
        similarity: how vectors are compared.
    """
    names = [path.name for path in chunk_files(cache.folder)]
    hashes = dict(_asked(pool, _hashes, cache, names, similarity))
    while True:
        chunks = [name for name in names if hashes[name]]
        numbers, within = _found([hashes[name] for name in chunks], keys)
        used = np.unique(numbers[numbers >= 0])
        contents = dict(_asked(pool, _contents, cache, [chunks[number] for number in used], similarity))
        damaged = {name for name, content in contents.items() if content is None}
        if not damaged:
            break
        names = [name for name in chunks if name not in damaged]
    places = np.stack([np.where(numbers >= 0, np.searchsorted(used, numbers), -1), within], axis=1).astype(np.int32)
    found = [content for content in contents.values() if content is not None]
    return CachedTexts(list(contents), places, {one.dimensions for one in found}, _faults(found, places))


def _found(hashes: Sequence[bytes], keys: pa.FixedSizeBinaryArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The chunk of each key, -1 where there is none, and its place there; of several chunks the first."""
    starts = np.cumsum([0, *(len(one) // KEY_BYTES for one in hashes)])
    known = pc.index_in(keys, value_set=as_keys(b"".join(hashes)))
    rows = pc.fill_null(known, -1).to_numpy().astype(np.int64)  # among all that is cached
    numbers = np.searchsorted(starts, rows, side="right") - 1
    return np.where(rows >= 0, numbers, -1), rows - starts[np.maximum(numbers, 0)]


def _faults(contents: Sequence[_Content], places: NDArray[np.int32]) -> dict[str, NDArray[np.int64]]:
    """Those of the texts at these places."""
    return merged_faults(
        {fault: np.flatnonzero((places[:, 0] == number) & np.isin(places[:, 1], rows))}
        for number, content in enumerate(contents)
        for fault, rows in content.faults.items()
    )


def _asked(
    pool: Pool, what: Callable[[_Chunks], list[R]], cache: VectorCache, names: list[str], similarity: Similarity
) -> Iterator[tuple[str, R]]:
    """Name and answer of each chunk, in order."""
    starts = range(0, len(names), _CHUNKS_A_CALL)
    calls = [_Chunks(cache, names[start : start + _CHUNKS_A_CALL], similarity) for start in starts]
    for call, answers in zip(calls, pool.map(what, calls), strict=True):
        yield from zip(call.names, answers, strict=True)


def _hashes(chunks: _Chunks) -> list[bytes]:
    """The hashes of the texts of each, one after the other; none of what is damaged."""
    return [chunks.cache.hashes(chunks.cache.folder / name) for name in chunks.names]


def _contents(chunks: _Chunks) -> list[_Content | None]:
    """What is to say of each; None of what is damaged."""
    contents: list[_Content | None] = []
    for name in chunks.names:
        vecs = chunks.cache.vectors(chunks.cache.folder / name)
        contents.append(
            None if vecs is None else _Content(vecs.shape[1], faults_of(lengths_of(vecs), chunks.similarity))
        )
    return contents
