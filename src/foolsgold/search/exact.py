"""Exact search: blocked multiplication, of which only what can still reach the top k is looked at.

The finalists are scored in float64, so that the result is that of brute force in float64, whatever the blocks, the
threads, the first pass and the device.
"""

from __future__ import annotations

from functools import partial
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from foolsgold.cores import n_cores
from foolsgold.encode import Vectors
from foolsgold.encode.load_model import check_device
from foolsgold.errors import SettingsError, VectorError
from foolsgold.search.device_index import DeviceIndex
from foolsgold.search.first_pass import FirstPass, Float32Pass, Int8Pass, choose_first_pass
from foolsgold.search.sweep import SweepSizes, sweep

FirstPassName = Literal["auto", "float32", "int8"]

_BLOCK_BYTES = 800_000_000  # that blocks may take
_ROWS_AT_ONCE = 65_536
_MOST_GIVEN_UP = 0.1  # share of queries that an int8 pass may leave to float32 before it is left altogether


class ExactIndex:
    """Finds the true k nearest documents.

    Args:
        doc_vecs: the corpus.
        sizes: what is handled at once; changes memory and speed, never the result.
        memory_bytes: what a search may take beside the vectors; None is what makes it fast.
        first_pass: "float32", "int8" (which keeps a copy of the corpus, two bytes a value), or "auto": the faster one,
            as measured, within the memory.
        n_threads: None is one a core; never shows in the result.
        n_queries: that will be searched for in all, for "auto"; None is those that the first search is given.

    Attributes:
        first_pass: the name of the pass in use, which "auto" finds with the first search.
    """

    def __init__(
        self, doc_vecs: Vectors, *, sizes: SweepSizes | None = None, memory_bytes: int | None = None,
        first_pass: FirstPassName = "auto", n_threads: int | None = None, n_queries: int | None = None,
    ) -> None:  # fmt: skip
        self._doc_vecs = doc_vecs
        self._sizes = sizes or SweepSizes()
        self._memory_bytes = memory_bytes
        self._n_threads = n_threads or n_cores()
        self._n_queries = n_queries
        self._pass: FirstPass | None = None
        self.first_pass: str = first_pass

    def search(self, query_vecs: Vectors, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The k best documents of a block of queries.

        Args:
            query_vecs: all queries.
            rows: which of them.
            k: at most the number of documents.

        Returns:
            doc_rows (B, k) and scores (B, k), most similar first, equal scores by document order.
        """
        if self._pass is None:
            self._use(self._chosen_pass(self._n_queries or len(query_vecs)))
        doc_rows = np.empty((rows.stop - rows.start, k), np.int32)
        scores = np.empty(doc_rows.shape)
        sizes = self._sizes.within(self._block_bytes(), k=k, n_threads=self._n_threads)
        for start in range(0, len(doc_rows), sizes.queries):
            part = slice(start, min(start + sizes.queries, len(doc_rows)))
            wanted = np.arange(rows.start + part.start, rows.start + part.stop)
            doc_rows[part], scores[part] = self._found(query_vecs, wanted, k, sizes)
        return doc_rows, scores

    def _found(
        self, query_vecs: Vectors, query_rows: NDArray[np.int64], k: int, sizes: SweepSizes
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """By the pass in use; what that gives up, in float32."""
        swept = partial(
            sweep, query_vecs=query_vecs, doc_vecs=self._doc_vecs, k=k, sizes=sizes, n_threads=self._n_threads
        )
        assert self._pass is not None  # search has chosen one
        doc_rows, scores, given_up = swept(self._pass, query_rows=query_rows)
        left = np.flatnonzero(given_up)
        if len(left):
            in_float32 = Float32Pass(self._doc_vecs)
            doc_rows[left], scores[left], _ = swept(in_float32, query_rows=query_rows[left])
            if len(left) > _MOST_GIVEN_UP * len(given_up):
                self._use(in_float32)
        return doc_rows, scores

    def _block_bytes(self) -> int:
        """What blocks may take beside a copy of the corpus."""
        if self._memory_bytes is None:
            return _BLOCK_BYTES
        copied = 2 * len(self._doc_vecs) * self._doc_vecs.dimensions if self.first_pass == "int8" else 0
        return min(_BLOCK_BYTES, max(0, self._memory_bytes - copied))

    def _chosen_pass(self, n_queries: int) -> FirstPass:
        if self.first_pass == "float32":
            return Float32Pass(self._doc_vecs)
        if self.first_pass == "int8":
            return Int8Pass(self._doc_vecs)
        return choose_first_pass(self._doc_vecs, n_queries=n_queries, memory_bytes=self._memory_bytes)

    def _use(self, first_pass: FirstPass) -> None:
        self._pass, self.first_pass = first_pass, first_pass.name


def exact_index(
    doc_vecs: Vectors, device: str, *, memory_bytes: int | None = None, first_pass: FirstPassName = "auto"
) -> ExactIndex | DeviceIndex:
    """The exact index for a device: "cpu", or what torch calls a GPU, where the first pass is always float32."""
    if device == "cpu":
        return ExactIndex(doc_vecs, memory_bytes=memory_bytes, first_pass=first_pass)
    return DeviceIndex(doc_vecs, device)


def exact_topk(
    query_vecs: NDArray[np.floating], doc_vecs: NDArray[np.floating], k: int, *, first_pass: FirstPassName = "auto",
    device: str = "cpu",
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:  # fmt: skip
    """The k documents with the largest dot product, for arrays of any source.

    Args:
        query_vecs: shape (Q, D), float32 or float16; normalise first for cosine.
        doc_vecs: shape (N, D), float32 or float16, memory-mapped or not.
        k: from 1 to N.
        first_pass: "float32", "int8" (which keeps a copy of the corpus, two bytes a value), or "auto", the faster one,
            as measured; never shows in the result.
        device: "cpu", or what torch calls a GPU, such as "cuda".

    Returns:
        doc_ids (Q, k) int32 and scores (Q, k) float32: the documents and order of brute force in float64, equal scores
        by document order.

    Raises:
        SettingsError: k is out of range, or no such pass or device.
        VectorError: wrong shape or type, or values that are not finite.

    >>> exact_topk(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32), 1)[0].tolist()
    [[0], [1]]
    """
    queries = Vectors.of(np.asanyarray(query_vecs), "dot", "query_vecs")
    docs = Vectors.of(np.asanyarray(doc_vecs), "dot", "doc_vecs")
    if queries.dimensions != docs.dimensions:
        raise VectorError(f"query_vecs have {queries.dimensions} dimensions and doc_vecs {docs.dimensions}.")
    if not 1 <= k <= len(docs):
        raise SettingsError(f"k is {k}; it takes 1 to {len(docs)}, the number of documents.")
    if first_pass not in get_args(FirstPassName):
        raise SettingsError(f"first_pass is {first_pass!r}; it takes 'auto', 'float32' or 'int8'.")
    check_device(device)
    index = exact_index(docs, device, first_pass=first_pass)
    doc_ids = np.empty((len(queries), k), np.int32)
    scores = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), _ROWS_AT_ONCE):
        rows = slice(start, min(start + _ROWS_AT_ONCE, len(queries)))
        doc_ids[rows], scores[rows] = index.search(queries, rows, k)
    return doc_ids, scores
