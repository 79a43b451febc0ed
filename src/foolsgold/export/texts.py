"""Texts of queries and documents by row, as a training file needs them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.gather import gathered_ascending

Render = Callable[[pa.LargeStringArray], pa.LargeStringArray]
_KEPT_BYTES = 2**27  # of all documents, or all queries: up to here they are rendered once, beyond for each portion anew
_ROWS_AT_ONCE = 8_192


class Texts:
    """The texts of a collection, rendered: as they are, or as JSON.

    Attributes:
        document_keys: shape (N,), equal where documents say the same.
    """

    def __init__(self, collection: Collection, render: Render) -> None:
        self.document_keys = collection.document_keys
        self.queries = _Column([collection.queries["text"]], render)
        self.documents = _Column([collection.corpus["title"], collection.corpus["text"]], render)


class _Column:
    """Called with rows, in any order, it gives their texts; those of several columns with a space between."""

    def __init__(self, columns: list[pa.ChunkedArray], render: Render) -> None:
        self._columns = columns
        self._render = render
        self._is_kept = sum(column.nbytes for column in columns) <= _KEPT_BYTES

    def __call__(self, rows: NDArray[np.integer]) -> pa.LargeStringArray:
        if self._is_kept:
            return self._all.take(pa.array(rows))
        distinct, places = np.unique(rows, return_inverse=True)
        return self._rendered(distinct).take(pa.array(places))

    @cached_property
    def _all(self) -> pa.LargeStringArray:
        n = len(self._columns[0])
        starts = range(0, n, _ROWS_AT_ONCE)
        parts = [self._rendered(np.arange(start, min(start + _ROWS_AT_ONCE, n))) for start in starts]
        return pa.concat_arrays(parts) if parts else pa.array([], pa.large_string())

    def _rendered(self, rows: NDArray[np.integer]) -> pa.LargeStringArray:
        """Of rows that ascend."""
        *_, texts = accumulate((gathered_ascending(column, rows) for column in self._columns), _joined)
        return self._render(texts)


def _joined(title: pa.LargeStringArray, text: pa.LargeStringArray) -> pa.LargeStringArray:
    """As `Collection.document_texts` joins them."""
    space = pc.if_else(pc.or_(pc.equal(title, ""), pc.equal(text, "")), "", " ").cast(pa.large_string())
    return pc.binary_join_element_wise(title, space, text, pa.scalar("", pa.large_string()))
