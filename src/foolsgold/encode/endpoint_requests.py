"""What goes to an embeddings endpoint in one request, and what its answer must hold."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.errors import VectorError

# OpenAI takes 300,000 tokens a request; a token of its models is at least one byte, so this many are never more.
MOST_BYTES = 300_000


def requests_of(texts: Sequence[str], most_texts: int) -> Iterator[list[int]]:
    """Rows of the texts, the longest first, as requests take them: so many texts and `MOST_BYTES`, or a text alone.

    >>> list(requests_of(["a", "ccc", "bb"], 2))
    [[1, 2], [0]]
    """
    sizes = [len(text.encode()) for text in texts]
    rows: list[int] = []
    n_bytes = 0
    for row in sorted(range(len(texts)), key=lambda row: sizes[row], reverse=True):
        if rows and (len(rows) == most_texts or n_bytes + sizes[row] > MOST_BYTES):
            yield rows
            rows, n_bytes = [], 0
        rows.append(row)
        n_bytes += sizes[row]
    if rows:
        yield rows


def vectors_in(answer: bytes, n_texts: int) -> NDArray[np.float32]:
    """The vectors of an answer in the order of the request, shape (n_texts, D), whatever their order in the answer.

    Args:
        answer: JSON, `{"data": [{"index": 0, "embedding": …}, …]}`; an embedding is a list of numbers, or in base64
            the bytes of float32, little-endian.
        n_texts: that were asked for.

    Raises:
        VectorError: it is something else.
    """
    vecs: list[NDArray[np.float32] | None] = [None] * n_texts
    items = _items(answer)
    if len(items) != n_texts:
        raise VectorError(f"it returned {len(items)} vectors for {n_texts} texts.")
    for item in items:
        index, vec = _indexed(item)
        if not 0 <= index < n_texts or vecs[index] is not None:
            raise VectorError(f"it returned a vector with the index {index} again, or for none of the {n_texts} texts.")
        vecs[index] = vec
    dimensions = {len(vec) for vec in vecs if vec is not None}
    if len(dimensions) > 1 or not all(dimensions):
        raise VectorError(f"it returned vectors of {' and of '.join(map(str, sorted(dimensions)))} dimensions.")
    return np.array(vecs, np.float32)


def _items(answer: bytes) -> list[Any]:
    try:
        content = json.loads(answer)
    except ValueError as error:
        raise VectorError(f"its answer is not JSON ({error}).") from error
    items = content.get("data") if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise VectorError("its answer has no list `data`.")
    return items


def _indexed(item: Any) -> tuple[int, NDArray[np.float32]]:
    """An item's index, and its vector (D,)."""
    try:
        index, embedding = item["index"], item["embedding"]
        if not isinstance(index, int) or not isinstance(embedding, (list, str)):
            raise TypeError("its index or its embedding is of another type")
        if isinstance(embedding, str):
            return index, np.frombuffer(base64.b64decode(embedding, validate=True), "<f4").astype(np.float32)
        vec = np.array(embedding, np.float32)
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error) as error:
        raise VectorError(f"an item of its answer is no index and vector ({error}).") from error
    if vec.ndim != 1:
        raise VectorError(f"an item of its answer is no vector: its shape is {vec.shape}.")
    return index, vec
