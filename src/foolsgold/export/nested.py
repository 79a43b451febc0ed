"""Arrow's nested columns, as formats need them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

TEXT = pa.large_string()
TEXTS = pa.list_(TEXT)
SCORES = pa.list_(pa.float32())


def structs(**columns: pa.Array) -> pa.StructArray:
    """An object a row."""
    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


def lists_of(values: pa.Array, length: int) -> pa.ListArray:
    """Lists of one length, one after the other."""
    return pa.ListArray.from_arrays(pa.array(np.arange(0, len(values) + 1, length), pa.int32()), values)


def score_lists(scores: NDArray[np.float32]) -> pa.ListArray:
    """A list for each row of scores, shape (n, length)."""
    return lists_of(pa.array(scores.ravel()), scores.shape[1])
