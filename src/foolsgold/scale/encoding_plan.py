"""What of a side is in the cache, and which chunks its other texts make: those that one process would make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.encode.chunks import TextsByRow
from foolsgold.encode.encoder import Side
from foolsgold.encode.texts import KEY_BYTES, Texts
from foolsgold.encode.vector_cache import VectorCache
from foolsgold.scale.cached_chunks import CachedTexts, cached_texts
from foolsgold.scale.encoding import Stretch, ToEncode
from foolsgold.scale.pool import InProcessPool, Pool
from foolsgold.scale.stored_vectors import InChunks
from foolsgold.scale.texts import SideTexts, TextsInFile
from foolsgold.settings import Similarity

_ROWS_AT_ONCE = 2**20


class SidePlan(NamedTuple):
    """One side.

    Attributes:
        side: which.
        texts: its texts.
        which: shape (n,): the distinct text of each row.
        cached: what the cache has of the distinct texts.
        new: shape (M,), ascending: the distinct texts that it has not.
        to_encode: the same, for the workers.
        chunks: where the vector of each row lies, once all chunks are there.
        chunk_texts: of a chunk.
    """

    side: Side
    texts: SideTexts
    which: NDArray[np.integer]
    cached: CachedTexts
    new: NDArray[np.int64]
    to_encode: ToEncode
    chunks: InChunks
    chunk_texts: int

    @property
    def n_distinct(self) -> int:
        """Texts that differ."""
        return len(self.cached.places)

    def stretches(self, n_chunks: int) -> Iterator[Stretch]:
        """The new texts, in stretches of so many chunks."""
        size = n_chunks * self.chunk_texts
        for start in range(0, len(self.new), size):
            yield Stretch(self.side, start, min(start + size, len(self.new)))

    def rows_of(self, distinct: NDArray[np.int64]) -> NDArray[np.int64]:
        """All rows of some distinct texts, ascending."""
        return np.flatnonzero(np.isin(self.which, distinct))


def plan_of(
    pool: Pool, side: Side, texts: SideTexts, cache: VectorCache, similarity: Similarity, n_texts: int, store: Path
) -> SidePlan:
    """Look into the cache, and write what the workers need to the store.

    Args:
        pool: reads the cache.
        side: which.
        texts: its texts.
        cache: of this encoder and side.
        similarity: how vectors are compared.
        n_texts: of a chunk.
        store: a folder of this run, which workers share.
    """
    distinct = texts.keys.dictionary_encode()
    which = distinct.indices.to_numpy()
    rows = np.unique(which, return_index=True)[1]  # where each distinct text (U,) appears first, ascending
    hashes = _as_rows(distinct.dictionary)
    cached = cached_texts(pool, cache, distinct.dictionary, similarity)
    new = np.flatnonzero(cached.places[:, 0] < 0)
    names, places = _with_new(cached, new, hashes, cache, n_texts)
    chunks = InChunks(cache, store / f"{side}.names.npy", store / f"{side}.places.npy")
    np.save(chunks.names, names)
    _write_places(chunks.places, places, which)
    new_rows, new_keys = store / f"{side}.new_rows.npy", store / f"{side}.new_keys.npy"
    to_encode = ToEncode(_sent(pool, texts, store / f"{side}.arrow"), new_rows, new_keys, cache)
    np.save(new_rows, rows[new])
    np.save(new_keys, hashes[new])
    return SidePlan(side, texts, which, cached, new, to_encode, chunks, n_texts)


def _with_new(
    cached: CachedTexts, new: NDArray[np.int64], hashes: NDArray[np.uint8], cache: VectorCache, n_texts: int
) -> tuple[NDArray[np.bytes_], NDArray[np.int32]]:
    """Names of all chunks, the new ones after those that are there, and the place of each distinct text (U, 2)."""
    starts = range(0, len(new), n_texts)
    names = [cache.path(hashes[new[start : start + n_texts]].tobytes()).name for start in starts]
    places = cached.places.copy()
    numbers = np.arange(len(new))
    places[new, 0] = len(cached.names) + numbers // n_texts
    places[new, 1] = numbers % n_texts
    return np.array([*cached.names, *names], np.bytes_), places


def _write_places(path: Path, places: NDArray[np.int32], which: NDArray[np.integer]) -> None:
    """By row, a million at a time."""
    by_row = np.lib.format.open_memmap(path, "w+", np.int32, (len(which), 2))
    for start in range(0, len(which), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        by_row[part] = places[which[part]]
    by_row.flush()


def _sent(pool: Pool, texts: SideTexts, path: Path) -> TextsByRow:
    """A table is put where workers find it; what is read by row from elsewhere is as it is."""
    if isinstance(texts.texts, Texts) and not isinstance(pool, InProcessPool):
        return TextsInFile.kept(texts.texts, path)
    return texts.texts


def _as_rows(keys: pa.FixedSizeBinaryArray) -> NDArray[np.uint8]:
    """Hashes as a matrix, shape (n, 16), not copied."""
    raw: NDArray[np.uint8] = np.frombuffer(keys.buffers()[1], np.uint8).reshape(-1, KEY_BYTES)
    return raw[keys.offset : keys.offset + len(keys)]
