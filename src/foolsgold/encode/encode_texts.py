"""Texts in, vectors out: equal texts are encoded once, and what a cache has is not encoded again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.encode.chunks import ChunkEncoder
from foolsgold.encode.encoder import Encoder, Side
from foolsgold.encode.matrix import IN_MEMORY_BYTES, Matrix
from foolsgold.encode.texts import Texts
from foolsgold.encode.vector_cache import VectorCache
from foolsgold.errors import SettingsError
from foolsgold.settings import VectorType

_COPIED_ROWS = 65_536


def encode_texts(
    texts: Sequence[str] | Texts,
    encoder: Encoder,
    side: Side,
    *,
    batch_size: int,
    quiet: bool,
    vector_type: VectorType = "float32",
    cache: VectorCache | None = None,
    scratch: Path | None = None,
    in_memory_bytes: int = IN_MEMORY_BYTES,
) -> NDArray[Any]:
    """Vectors of texts, shape (len(texts), D), in their order; equal texts are encoded once.

    What the cache does not have is encoded in chunks, in the order in which it first appears. The last digits of a
    vector may depend on the other texts of its chunk. Those depend on the texts alone and on what was cached before, so
    that a run which was killed is followed by the very chunks that it would have made.

    Args:
        texts: at least one.
        encoder: any Encoder.
        side: "queries" or "documents".
        batch_size: texts per forward pass.
        quiet: without a progress bar.
        vector_type: of the numbers.
        cache: what is there already, and where new chunks are kept.
        scratch: a folder for the file of a matrix that is large; None: it is kept in memory.
        in_memory_bytes: up to which it is kept there in any case.

    Raises:
        VectorError: the encoder returned something else than one vector a text.
        SettingsError: there are no texts.
        OutputError: the cache could not be written.
    """
    texts = texts if isinstance(texts, Texts) else Texts.of(texts)
    if not len(texts):
        raise SettingsError(f"there are no {side} to encode.")
    distinct = texts.keys().dictionary_encode()
    keys, which = distinct.dictionary, distinct.indices.to_numpy()  # which (n,): the key of each text
    rows = np.unique(which, return_index=True)[1]  # where each key (U,) appears first, ascending
    matrix = Matrix(len(texts), vector_type, scratch, in_memory_bytes=in_memory_bytes)
    missing = np.ones(len(keys), np.bool_)
    for places, vecs in cache.read(keys) if cache is not None else ():
        matrix.put(rows[places], vecs)
        missing[places] = False
    new_rows, new_keys = rows[missing], keys.filter(pa.array(missing))
    cached = len(keys) - len(new_rows)
    with tqdm(total=len(keys), initial=cached, desc=f"encode {side}", unit="text", disable=quiet) as progress:
        chunks = ChunkEncoder(
            encoder, side, batch_size=batch_size, vector_type=vector_type, cache=cache, advance=progress.update
        )
        with closing(chunks.encode(texts, new_rows, new_keys)) as encoded:  # ends its processes, whatever happens here
            for part, vecs in encoded:
                matrix.put(new_rows[part], vecs)
    repeated = np.flatnonzero(rows[which] != np.arange(len(texts)))
    for again in (repeated[start : start + _COPIED_ROWS] for start in range(0, len(repeated), _COPIED_ROWS)):
        matrix.put(again, matrix.values[rows[which[again]]])
    return matrix.values
