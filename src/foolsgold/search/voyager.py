"""Approximate search with Voyager (Spotify), a graph index after HNSW (Malkov and Yashunin, arXiv 1603.09320)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.encode import Vectors
from foolsgold.search.rescore import k_best, pair_scores

if TYPE_CHECKING:
    from voyager import Index, StorageDataType

M = 12
EF_CONSTRUCTION = 200
MIN_QUERY_EF = 400  # recall of the top 110 on MedQuAD: .974 at 200, .992 at 400
_SMALL = 2_000  # up to here a query visits every document, which costs no more than the graph's detours
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


def finalists(index: Index, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The (query, document) pairs from which the k nearest are to be taken, all queries in one threaded call.

    More than k for a query where distances round to that of the k-th: equal documents must all be seen.

    Args:
        index: of N documents.
        queries: shape (B, D), float32.
        k: at most N.

    Returns:
        Rows of `queries` and of documents, flat, at least k documents a query.
    """
    import voyager

    n_found = ef = max(k, query_ef(len(index), k))
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

    def search(self, query_vecs: Vectors, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """As `ExactIndex.search`: same arguments, same shapes, same order among what was found."""
        queries, docs = finalists(self._index, query_vecs.block(rows.start, rows.stop), k)
        scores = pair_scores(query_vecs, self._doc_vecs, queries + rows.start, docs)
        best = k_best(queries, docs, scores, k)
        return docs[best].reshape(-1, k).astype(np.int32), scores[best].reshape(-1, k)
