"""Where a small collection, made of some queries and documents of another, stands in that one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PartOf(NamedTuple):
    """The whole that a collection of q queries and n documents is a part of.

    Attributes:
        query_rows: shape (q,), int64: the row in the whole of each query.
        doc_rows: shape (n,), int64: and of each document.
        fingerprint: of the whole.
    """

    query_rows: NDArray[np.int64]
    doc_rows: NDArray[np.int64]
    fingerprint: str

    def queries(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """Rows in the whole for rows of queries, in the same shape."""
        return in_whole(rows, self.query_rows)

    def documents(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """Likewise for rows of documents; -1, where there is none, stays."""
        return in_whole(rows, self.doc_rows)


def in_whole(rows: NDArray[np.integer], whole: NDArray[np.integer]) -> NDArray[np.int64]:
    """`whole[rows]`, but -1 for -1."""
    if not len(whole):
        return np.asarray(rows, np.int64)
    return np.where(rows < 0, -1, whole[rows]).astype(np.int64)
