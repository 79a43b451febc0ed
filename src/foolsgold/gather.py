"""Values by row from a long column, in time and memory that depend on the rows alone.

Arrow's own `take` joins all chunks of a column of strings first, each time anew (apache/arrow#39565).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def gathered_table(table: pa.Table, rows: Sequence[int] | NDArray[Any]) -> pa.Table:
    """The given rows of a table, in their order."""
    wanted = np.asarray(rows, np.int64)
    return pa.table([gathered(column, wanted) for column in table.columns], schema=table.schema)


def gathered(column: pa.ChunkedArray, rows: NDArray[np.integer]) -> pa.Array:
    """The values in some rows, in any order; null for -1."""
    known = rows >= 0
    distinct, places = np.unique(rows[known], return_inverse=True)
    values = gathered_ascending(column, distinct)
    if len(distinct) == len(rows) and (places == np.arange(len(rows))).all():
        return values
    indices = np.zeros(len(rows), np.int64)
    indices[known] = places
    return values.take(pa.array(indices, mask=~known))


def gathered_ascending(column: pa.ChunkedArray, rows: NDArray[np.integer]) -> pa.Array:
    """The values in some rows, which ascend."""
    firsts = np.cumsum([0, *(len(chunk) for chunk in column.chunks)])
    cuts = np.searchsorted(rows, firsts)
    parts = [
        chunk.take(pa.array(rows[start:stop] - first))
        for chunk, first, start, stop in zip(column.chunks, firsts, cuts, cuts[1:], strict=False)
        if start < stop
    ]
    return pa.concat_arrays(parts) if parts else pa.array([], column.type)
