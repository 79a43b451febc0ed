"""Rows here and there of a table that is made of many batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def taken(table: pa.Table, rows: Sequence[int] | NDArray[Any]) -> pa.Table:
    """The given rows of a table, in their order.

    Arrow's own `take` joins all batches of a column of texts first, which copies the whole corpus for a handful of rows
    (apache/arrow#39565); here each batch gives its own rows.

    Args:
        table: N rows.
        rows: shape (n,), from 0; may repeat.
    """
    wanted = np.asarray(rows, np.int64)
    batches = table.to_batches()
    if not len(wanted):
        return table.slice(0, 0)
    starts = np.cumsum([0, *map(len, batches)])
    order = np.argsort(wanted, kind="stable")
    ascending = wanted[order]
    cuts = np.searchsorted(ascending, starts).tolist()
    parts = [
        batch.take(pa.array(ascending[first:last] - start))
        for batch, start, first, last in zip(batches, starts[:-1], cuts[:-1], cuts[1:], strict=True)
        if first < last
    ]
    place = np.empty(len(wanted), np.int64)
    place[order] = np.arange(len(wanted))
    return pa.Table.from_batches(parts).combine_chunks().take(pa.array(place))
