"""A sweep: the corpus goes by once, for a few thousand queries.

Each block of documents is multiplied with a tile of queries at a time, into one buffer a thread, and `Contenders` take
from it what reaches their running thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors
from foolsgold.search.contenders import Contenders, contender_bytes
from foolsgold.search.first_pass import FirstPass, Float32Pass, Prepared, rounding_bounds
from foolsgold.search.rescore import pair_scores
from foolsgold.search.threads import worker_threads

_SAMPLE = 1_024  # documents, from all over the corpus, that give the first threshold
_FEWEST_DOCUMENTS = 256  # multiplied at once, however little memory there is
_BYTES_PER_PRODUCT = 10  # the product, for int8 another, what passed, and where


class SweepSizes(NamedTuple):
    """What a sweep handles at once; changes memory and speed, never the result.

    Attributes:
        queries: for which the corpus goes by once.
        tile: queries that a thread multiplies at once.
        documents: that it multiplies them with.
    """

    queries: int = 8_192
    tile: int = 512
    documents: int = 4_096

    def within(self, n_bytes: int, *, k: int, n_threads: int) -> SweepSizes:
        """The same, or smaller where that would take more memory."""
        products = min(self.tile * self.documents, n_bytes // 2 // n_threads // _BYTES_PER_PRODUCT)
        queries = max(1, min(self.queries, n_bytes // 2 // contender_bytes(k)))
        tile = min(self.tile, queries)
        documents = max(min(_FEWEST_DOCUMENTS, self.documents), min(self.documents, products // tile))
        return SweepSizes(queries, max(1, min(tile, products // documents)), documents)


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
        n_threads: that do so, each with its own tile.

    Returns:
        doc_rows (B, k), scores (B, k), and which queries the pass gave up, of which nothing is known (B,).
    """
    tile_size = min(sizes.tile, -(-len(query_rows) // n_threads))
    parts = np.split(query_rows, range(tile_size, len(query_rows), tile_size))
    with worker_threads(n_threads, use_torch=first_pass.name == "int8") as threads:
        tiles = list(threads.map(lambda part: _Tile(first_pass, query_vecs, doc_vecs, part, k), parts))
        for start, stop in growing_blocks(len(doc_vecs), sizes.documents):
            docs = first_pass.docs(start, stop)
            list(threads.map(lambda tile, docs=docs, start=start: tile.look_at(docs, start), tiles))
        found = list(threads.map(_Tile.best, tiles))
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
    """A few queries, which one thread multiplies and looks at."""

    def __init__(
        self, first_pass: FirstPass, query_vecs: Vectors, doc_vecs: Vectors, query_rows: NDArray[np.int64], k: int
    ) -> None:
        self._first_pass = first_pass
        queries = query_vecs.block_of(query_rows)
        self._queries: Prepared = first_pass.prepare(queries)
        self._contenders = Contenders(
            k, self._queries.bounds, _least_of_sample(queries, doc_vecs, k),
            lambda rows, docs: pair_scores(query_vecs, doc_vecs, query_rows[rows], docs),
            may_give_up=not isinstance(first_pass, Float32Pass),
        )  # fmt: skip

    def look_at(self, docs: NDArray[np.number], first_doc: int) -> None:
        """The next documents, shape (n, D)."""
        products = self._first_pass.products(self._queries.values, docs)
        self._contenders.add(products, first_doc, units=self._queries.units)

    def best(self) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_]]:
        """doc_rows (B, k), scores (B, k), and which queries were given up (B,)."""
        return (*self._contenders.best(), self._contenders.given_up)


def _least_of_sample(queries: NDArray[np.float32], doc_vecs: Vectors, k: int) -> NDArray[np.float64]:
    """What k documents are sure to reach, by a sample of them, shape (B,)."""
    sampled = sampled_rows(len(doc_vecs))
    if len(sampled) < k:
        return np.full(len(queries), -np.inf)
    scores = queries @ doc_vecs.block_of(sampled).T  # (B, sampled)
    kth = np.partition(scores, len(sampled) - k, axis=1)[:, len(sampled) - k]
    return kth - rounding_bounds(queries, doc_vecs)
