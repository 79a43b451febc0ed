"""A sweep: the corpus goes by once, for a few thousand queries.

Each block of documents is multiplied with a tile of queries at a time into one buffer, and `Contenders` take from it
what reaches their running thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors
from foolsgold.search.contenders import Contenders, contender_bytes
from foolsgold.search.first_pass import FirstPass, Float32Pass, Prepared, rounding_bounds
from foolsgold.search.rescore import pair_scores

_SAMPLE = 1_024  # documents, from all over the corpus, that give the first threshold


class SweepSizes(NamedTuple):
    """What a sweep handles at once; changes memory and speed, never the result.

    Attributes:
        queries: for which the corpus goes by once.
        tile: queries that are multiplied at once.
        documents: that are multiplied at once.
    """

    queries: int = 8_192
    tile: int = 1_024
    documents: int = 8_192

    def within(self, n_bytes: int, *, k: int) -> SweepSizes:
        """The same, or smaller where that would take more memory."""
        products = min(self.tile * self.documents, n_bytes // 2 // _BYTES_PER_PRODUCT)
        queries = max(1, min(self.queries, n_bytes // 2 // contender_bytes(k)))
        documents = max(256, min(self.documents, products // min(self.tile, queries)))
        return SweepSizes(queries, max(1, min(self.tile, queries, products // documents)), documents)


_BYTES_PER_PRODUCT = 10  # the product, for int8 another, what passed, and where


def sweep(
    first_pass: FirstPass, query_vecs: Vectors, doc_vecs: Vectors, query_rows: NDArray[np.int64], k: int, *,
    sizes: SweepSizes, n_threads: int,
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_]]:  # fmt: skip
    """The k best documents of some queries.

    Args:
        first_pass: how blocks are multiplied.
        query_vecs: all queries.
        doc_vecs: all documents.
        query_rows: shape (B,), which queries.
        k: at most the number of documents.
        sizes: what is handled at once, but for `queries`.
        n_threads: that look at the products.

    Returns:
        doc_rows (B, k), scores (B, k), and which queries the pass gave up, of which nothing is known (B,).
    """
    buffer = np.empty(min(sizes.tile, len(query_rows)) * min(sizes.documents, len(doc_vecs)), first_pass.dtype)
    with ThreadPoolExecutor(n_threads) as threads:
        tiles = [
            _Tile(first_pass, query_vecs, doc_vecs, part, k, threads, n_threads)
            for part in np.split(query_rows, range(sizes.tile, len(query_rows), sizes.tile))
        ]
        for start, stop in growing_blocks(len(doc_vecs), sizes.documents):
            docs = first_pass.docs(start, stop)
            for tile in tiles:
                tile.look_at(docs, start, buffer)
        found = [tile.best() for tile in tiles]
    doc_rows, scores, given_up = (np.concatenate(columns) for columns in zip(*found, strict=True))
    return doc_rows, scores, given_up


def growing_blocks(n_docs: int, longest: int) -> Iterator[tuple[int, int]]:
    """Blocks of the corpus, at first each as long as all before: the threshold rises early, and less passes it."""
    start = 0
    while start < n_docs:
        stop = min(n_docs, start + min(longest, max(start, _SAMPLE)))
        yield start, stop
        start = stop


def sampled_rows(n_docs: int) -> NDArray[np.int64]:
    """A sample from all over the corpus, however that is ordered."""
    return np.unique(np.linspace(0, n_docs - 1, min(n_docs, _SAMPLE)).astype(np.int64))


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
    """What k documents are sure to reach, by a sample of them, shape (B,)."""
    sampled = sampled_rows(len(doc_vecs))
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
