"""Approximate search with Voyager (Spotify), a graph index after HNSW (Malkov and Yashunin, arXiv 1603.09320)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.encode import Vectors
from foolsgold.search.exact import ExactIndex
from foolsgold.search.rescore import k_best, pair_scores

if TYPE_CHECKING:
    from voyager import Index, StorageDataType

# On MedQuAD as good as M = 12, ef_construction = 200, and built in six tenths of its time: benchmarks/speed
M = 16
EF_CONSTRUCTION = 100
MIN_QUERY_EF = 400  # recall of the top 110 there: .979 at 200, .995 at 400
_SMALL = 2_000  # up to here a query visits every document, which costs no more than the graph's detours
_GOOD_RECALL = 0.99
_RECALL_SAMPLE = 200  # queries
_MOST_VISITED = 64  # times k: a graph that finds too few so, will not do better
_ROUNDING = 1e-5  # of float32 distances, relative
_ROWS_AT_ONCE = 1_024


def query_ef(n_documents: int, k: int) -> int:
    """How many documents a query visits."""
    return n_documents if n_documents <= _SMALL else min(n_documents, max(MIN_QUERY_EF, 2 * k))


def build_voyager(
    doc_vecs: Vectors, *, seed: int, storage: StorageDataType | None = None, show_progress: bool = False
) -> Index:
    """An index over all documents, ids being their rows.

    Documents are added by one thread: with more, the graph would differ from run to run.

    Args:
        doc_vecs: the corpus; its similarity decides the space, Cosine or InnerProduct.
        seed: of the graph's levels.
        storage: a `voyager.StorageDataType`; None is Float32.
        show_progress: a bar on stderr.
    """
    from voyager import Index, Space, StorageDataType

    index = Index(
        Space.Cosine if doc_vecs.similarity == "cosine" else Space.InnerProduct,
        num_dimensions=doc_vecs.dimensions,
        M=M,
        ef_construction=EF_CONSTRUCTION,
        random_seed=seed,
        max_elements=max(1, len(doc_vecs)),
        storage_data_type=storage or StorageDataType.Float32,
    )
    with tqdm(total=len(doc_vecs), desc="index", unit="document", delay=1, disable=not show_progress) as progress:
        for start in range(0, len(doc_vecs), _ROWS_AT_ONCE):
            block = doc_vecs.block(start, start + _ROWS_AT_ONCE)
            index.add_items(block, ids=range(start, start + len(block)), num_threads=1)
            progress.update(len(block))
    return index


def finalists(
    index: Index, queries: NDArray[np.float32], k: int, *, ef: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The (query, document) pairs from which the k nearest are to be taken, all queries in one threaded call.

    More than k for a query where distances round to that of the k-th: equal documents must all be seen.

    Args:
        index: of N documents.
        queries: shape (B, D), float32.
        k: at most N.
        ef: how many documents a query visits; None is `query_ef`.

    Returns:
        Rows of `queries` and of documents, flat, at least k documents a query.
    """
    import voyager

    n_found = ef = max(k, ef or query_ef(len(index), k))
    while True:
        try:
            ids, distances = index.query(queries, k=n_found, query_ef=ef)
            break
        except voyager.RecallError:  # the graph reaches fewer documents than asked for
            if n_found == k and ef == len(index):
                return _all_pairs(len(queries), len(index))
            n_found, ef = k, min(len(index), 4 * ef)
    kth = distances[:, k - 1 : k]
    rounding = _ROUNDING * np.maximum(1, np.abs(kth))
    rows, columns = np.nonzero(distances <= kth + rounding)
    return rows, ids[rows, columns].astype(np.int64)


def _all_pairs(n_queries: int, n_documents: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.repeat(np.arange(n_queries), n_documents), np.tile(np.arange(n_documents), n_queries)


class VoyagerIndex:
    """Finds nearly all of the k nearest documents, in time that grows with the logarithm of the corpus."""

    def __init__(self, doc_vecs: Vectors, *, seed: int, show_progress: bool = False) -> None:
        self._doc_vecs = doc_vecs
        self._index = build_voyager(doc_vecs, seed=seed, show_progress=show_progress)
        self._ef: int | None = None
        self._recall: dict[str, Any] = {}

    def search(self, query_vecs: Vectors, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """As `ExactIndex.search`: same arguments, same shapes, same order among what was found."""
        queries, docs = finalists(self._index, query_vecs.block(rows.start, rows.stop), k, ef=self._ef)
        scores = pair_scores(query_vecs, self._doc_vecs, queries + rows.start, docs)
        best = k_best(queries, docs, scores, k)
        return docs[best].reshape(-1, k).astype(np.int32), scores[best].reshape(-1, k)

    def tune(self, query_vecs: Vectors, *, k: int, seed: int) -> None:
        """Visit as many documents a query as it takes to find nearly all of the k nearest, on a sample of queries."""
        chosen = np.sort(np.random.default_rng(seed).permutation(len(query_vecs))[:_RECALL_SAMPLE])
        sample = Vectors.of(query_vecs.values[chosen], query_vecs.similarity)
        everything = slice(0, len(sample))
        true, _ = ExactIndex(self._doc_vecs).search(sample, everything, k)
        self._ef = query_ef(len(self._doc_vecs), k)
        while True:
            found, _ = self.search(sample, everything, k)
            recall = recall_of(found, true)
            if recall >= _GOOD_RECALL or self._ef >= min(len(self._doc_vecs), _MOST_VISITED * k):
                break
            self._ef = min(len(self._doc_vecs), 2 * self._ef)
        self._recall = {"recall": recall, "recall_sample_queries": len(sample), "query_ef": self._ef}

    def describe(self) -> dict[str, Any]:
        """Its parameters, and once tuned how many documents a query visits and the recall that was measured."""
        return {"M": M, "ef_construction": EF_CONSTRUCTION, **self._recall}


def recall_of(found: NDArray[np.int32], true: NDArray[np.int32]) -> float:
    """The share of the true nearest documents that were found; both of shape (B, k)."""
    k = true.shape[1]
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(found, true, strict=True)]))
