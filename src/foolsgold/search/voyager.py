"""Approximate search with Voyager (Spotify), a graph index after HNSW (Malkov and Yashunin, arXiv 1603.09320)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors
from foolsgold.search.exact import ExactIndex
from foolsgold.search.rescore import best_first, pair_scores

if TYPE_CHECKING:
    from voyager import Index, StorageDataType

M = 12
EF_CONSTRUCTION = 200
MIN_QUERY_EF = 400  # recall of the top 110 on MedQuAD: .974 at 200, .992 at 400
_SMALL = 2_000  # up to here a query visits every document, which costs no more than the graph's detours
_ROWS_AT_ONCE = 65_536


def query_ef(n_documents: int, k: int) -> int:
    """How many documents a query visits."""
    return n_documents if n_documents <= _SMALL else min(n_documents, max(MIN_QUERY_EF, 2 * k))


def build_voyager(doc_vecs: Vectors, *, seed: int, storage: StorageDataType | None = None) -> Index:
    """An index over all documents, ids being their rows.

    Documents are added by one thread: with more, the graph would differ from run to run.

    Args:
        doc_vecs: the corpus; its similarity decides the space, Cosine or InnerProduct.
        seed: of the graph's levels.
        storage: a `voyager.StorageDataType`; None is Float32.
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
    for start in range(0, len(doc_vecs), _ROWS_AT_ONCE):
        block = doc_vecs.block(start, start + _ROWS_AT_ONCE)
        index.add_items(block, ids=range(start, start + len(block)), num_threads=1)
    return index


def query_voyager(index: Index, query_vecs: NDArray[np.float32], k: int) -> NDArray[np.int64] | None:
    """The ids of the k nearest, shape (B, k), all queries in one threaded call.

    None where the graph reaches fewer than k documents even when asked to visit all of them.
    """
    import voyager

    ef = max(k, query_ef(len(index), k))
    while True:
        try:
            return np.asarray(index.query(query_vecs, k=k, query_ef=ef)[0]).astype(np.int64)
        except voyager.RecallError:
            if ef >= len(index):
                return None
            ef = min(len(index), 4 * ef)


class VoyagerIndex:
    """Finds nearly all of the k nearest documents, in time that grows with the logarithm of the corpus."""

    def __init__(self, doc_vecs: Vectors, *, seed: int) -> None:
        self._doc_vecs = doc_vecs
        self._index = build_voyager(doc_vecs, seed=seed)

    def search(self, query_vecs: Vectors, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """As `ExactIndex.search`: same arguments, same shapes, same order among what was found."""
        found = query_voyager(self._index, query_vecs.block(rows.start, rows.stop), k)
        if found is None:
            return ExactIndex(self._doc_vecs).search(query_vecs, rows, k)
        queries = np.repeat(np.arange(rows.start, rows.start + len(found)), k)
        docs = found.ravel()
        scores = pair_scores(query_vecs, self._doc_vecs, queries, docs)
        order = best_first(queries, docs, scores)
        return docs[order].reshape(found.shape).astype(np.int32), scores[order].reshape(found.shape)
