"""Exact search: blocked multiplication, of which only what can still reach the top k is looked at.

The corpus goes by once for thousands of queries: each block of documents is multiplied with a few hundred queries at a
time into one buffer, and `Contenders` takes from it what reaches the running threshold. The finalists are scored in
float64, so that the result is that of brute force in float64, whatever the blocks, the threads and the first pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foolsgold.cores import n_cores
from foolsgold.encode import Vectors
from foolsgold.errors import SettingsError, VectorError
from foolsgold.search.contenders import Contenders
from foolsgold.search.first_pass import FirstPass, Float32Pass, Int8Pass, Prepared, choose_first_pass, rounding_bounds
from foolsgold.search.rescore import pair_scores

FirstPassName = Literal["auto", "float32", "int8"]

_DOCS_PER_BLOCK = 8_192
_QUERIES_PER_TILE = 1_024  # multiplied at once
QUERIES_PER_SWEEP = 8_192  # for which the corpus goes by once
_SAMPLE = 1_024  # documents, from all over the corpus, that give the first threshold
_MOST_GIVEN_UP = 0.1  # share of queries that an int8 pass may leave to float32 before it is left altogether


class ExactIndex:
    """Finds the true k nearest documents.

    Args:
        doc_vecs: the corpus.
        docs_per_block: documents multiplied at once; changes memory and speed, never the result.
        first_pass: "float32", "int8", or "auto": the faster one, as measured.
        n_threads: None is one a core; never shows in the result.
    """

    def __init__(
        self, doc_vecs: Vectors, *, docs_per_block: int = _DOCS_PER_BLOCK, first_pass: FirstPassName = "auto",
        n_threads: int | None = None,
    ) -> None:  # fmt: skip
        self._doc_vecs = doc_vecs
        self._docs_per_block = docs_per_block
        self._first_pass = first_pass
        self._n_threads = n_threads or n_cores()
        self._pass: FirstPass | None = None

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
            self._pass = self._chosen_pass(len(query_vecs))
        doc_rows, scores, given_up = self._sweep(self._pass, query_vecs, np.arange(rows.start, rows.stop), k)
        left = np.flatnonzero(given_up)
        if len(left):
            doc_rows[left], scores[left], _ = self._sweep(
                Float32Pass(self._doc_vecs), query_vecs, rows.start + left, k
            )
            if len(left) > _MOST_GIVEN_UP * len(given_up):
                self._pass = Float32Pass(self._doc_vecs)
        return doc_rows, scores

    @property
    def first_pass(self) -> str | None:
        """The name of the first pass in use; None before the first search."""
        return None if self._pass is None else self._pass.name

    def _chosen_pass(self, n_queries: int) -> FirstPass:
        if self._first_pass == "float32":
            return Float32Pass(self._doc_vecs)
        if self._first_pass == "int8":
            return Int8Pass(self._doc_vecs, docs_per_block=self._docs_per_block)
        return choose_first_pass(self._doc_vecs, n_queries=n_queries, docs_per_block=self._docs_per_block)

    def _sweep(
        self, first_pass: FirstPass, query_vecs: Vectors, query_rows: NDArray[np.int64], k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_]]:
        """doc_rows (B, k), scores (B, k), and which queries the pass gave up (B,)."""
        buffer = np.empty(_QUERIES_PER_TILE * self._docs_per_block, first_pass.dtype)
        with ThreadPoolExecutor(self._n_threads) as threads:
            tiles = [
                _Tile(first_pass, query_vecs, self._doc_vecs, part, k, threads, self._n_threads)
                for part in np.split(query_rows, range(_QUERIES_PER_TILE, len(query_rows), _QUERIES_PER_TILE))
            ]
            for start, stop in self._blocks():
                docs = first_pass.docs(start, stop)
                for tile in tiles:
                    tile.look_at(docs, start, buffer)
            found = [tile.best() for tile in tiles]
        doc_rows, scores, given_up = (np.concatenate(columns) for columns in zip(*found, strict=True))
        return doc_rows, scores, given_up

    def _blocks(self) -> Iterator[tuple[int, int]]:
        """First short blocks, each as long as all before: the threshold rises early, and less passes it."""
        start, n_docs = 0, len(self._doc_vecs)
        while start < n_docs:
            stop = min(n_docs, start + min(self._docs_per_block, max(start, _SAMPLE)))
            yield start, stop
            start = stop


class _Tile:
    """A few queries, the parts of which are looked at by one thread each."""

    def __init__(
        self, first_pass: FirstPass, query_vecs: Vectors, doc_vecs: Vectors, query_rows: NDArray[np.int64], k: int,
        threads: ThreadPoolExecutor, n_parts: int,
    ) -> None:  # fmt: skip
        self._first_pass = first_pass
        self._threads = threads
        queries = query_vecs.block_of(query_rows)
        self._queries: Prepared = first_pass.prepare(queries)
        least = _least_of_sample(queries, doc_vecs, k)
        step = -(-len(query_rows) // n_parts)
        self._parts = [slice(start, start + step) for start in range(0, len(query_rows), step)]
        self._contenders = [
            Contenders(
                k, self._queries.bounds[part], least[part],
                partial(_exact_scores, query_vecs, doc_vecs, query_rows[part]),
                may_give_up=not isinstance(first_pass, Float32Pass),
            )
            for part in self._parts
        ]  # fmt: skip

    def look_at(self, docs: NDArray[np.number], first_doc: int, buffer: NDArray[np.number]) -> None:
        """The next documents, shape (n, D)."""
        shape = (len(self._queries.values), len(docs))
        products = buffer[: shape[0] * shape[1]].reshape(shape)
        self._first_pass.multiply(self._queries.values, docs, products)

        def look(part: slice, contenders: Contenders) -> None:
            units = self._queries.units
            contenders.add(products[part], first_doc, units=None if units is None else units[part])

        list(self._threads.map(look, self._parts, self._contenders))

    def best(self) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_]]:
        """doc_rows (B, k), scores (B, k), and which queries were given up (B,)."""
        found = list(self._threads.map(Contenders.best, self._contenders))
        given_up = [contenders.given_up for contenders in self._contenders]
        return np.concatenate([d for d, _ in found]), np.concatenate([s for _, s in found]), np.concatenate(given_up)


def _least_of_sample(queries: NDArray[np.float32], doc_vecs: Vectors, k: int) -> NDArray[np.float64]:
    """What k documents are sure to reach, from a sample all over the corpus, however that is ordered; shape (B,)."""
    n_docs = len(doc_vecs)
    sampled = np.unique(np.linspace(0, n_docs - 1, min(n_docs, _SAMPLE)).astype(np.int64))
    if len(sampled) < k:
        return np.full(len(queries), -np.inf)
    scores = queries @ doc_vecs.block_of(sampled).T  # (B, sampled)
    kth = np.partition(scores, len(sampled) - k, axis=1)[:, len(sampled) - k]
    return kth - rounding_bounds(queries, doc_vecs)


def _exact_scores(
    query_vecs: Vectors, doc_vecs: Vectors, query_rows: NDArray[np.int64],
    rows: NDArray[np.int64], docs: NDArray[np.int32],
) -> NDArray[np.float64]:  # fmt: skip
    return pair_scores(query_vecs, doc_vecs, query_rows[rows], docs)


def exact_topk(
    query_vecs: NDArray[np.floating], doc_vecs: NDArray[np.floating], k: int, *, first_pass: FirstPassName = "auto"
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The k documents with the largest dot product, for arrays of any source.

    Args:
        query_vecs: shape (Q, D), float32 or float16; normalise first for cosine.
        doc_vecs: shape (N, D), float32 or float16, memory-mapped or not.
        k: from 1 to N.
        first_pass: "float32", "int8" (which keeps an 8-bit copy of the corpus), or "auto", the faster one, as measured;
            never shows in the result.

    Returns:
        doc_ids (Q, k) int32 and scores (Q, k) float32: the documents and order of brute force in float64, equal scores
        by document order.

    Raises:
        SettingsError: k is out of range, or no such pass.
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
    if first_pass not in ("auto", "float32", "int8"):
        raise SettingsError(f"first_pass is {first_pass!r}; it takes 'auto', 'float32' or 'int8'.")
    index = ExactIndex(docs, first_pass=first_pass)
    doc_ids = np.empty((len(queries), k), np.int32)
    scores = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), QUERIES_PER_SWEEP):
        rows = slice(start, min(start + QUERIES_PER_SWEEP, len(queries)))
        doc_ids[rows], scores[rows] = index.search(queries, rows, k)
    return doc_ids, scores
