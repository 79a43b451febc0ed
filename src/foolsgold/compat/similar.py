"""Candidates by vectors: documents and positives compared with their query by one and the same function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.compat.vectors import is_sentence_transformer
from foolsgold.encode import Encoded, Vectors
from foolsgold.search import Candidates, Search
from foolsgold.settings import MiningSettings
from foolsgold.sources import DENSE

_MOST_QUERIES = 1_024  # whose candidates are held at once
_PRODUCTS = 2**24  # that the model's own function makes at once
_PAIRS_AT_ONCE = 8_192


def search_candidates(
    collection: Collection, model: Any, query_vecs: NDArray[np.float32], doc_vecs: NDArray[np.float32], *, depth: int,
    queries_at_once: int, quiet: bool,
) -> Iterator[Candidates]:  # fmt: skip
    """The nearest documents of each query, some queries at a time, exactly, however many there are.

    Args:
        collection: queries and positives.
        model: says how vectors are compared.
        query_vecs: shape (Q, D), of unit length.
        doc_vecs: shape (N, D), of unit length.
        depth: documents of each query.
        queries_at_once: at most.
        quiet: without progress.
    """
    settings = MiningSettings(
        depth=depth, negatives=1, index="exact", block_size=min(queries_at_once, _MOST_QUERIES), cache=None,
        device=str(getattr(model, "device", "cpu")), quiet=quiet,
    )  # fmt: skip
    if _compares_by_product(model):
        queries, docs = Vectors.of(query_vecs, "dot", "queries"), Vectors.of(doc_vecs, "dot", "corpus")
        return Search(collection, Encoded(queries, docs, {}), {}, settings).blocks()
    source = ModelSimilarity(model, query_vecs, doc_vecs)
    return Search(collection, None, {DENSE: source}, settings).blocks()


def _compares_by_product(model: Any) -> bool:
    """Whether its scores of unit vectors are their inner products: cosine and dot, as the library has them."""
    from sentence_transformers.util import cos_sim, dot_score

    if not is_sentence_transformer(model) or model.similarity_fn_name not in ("cosine", "dot"):
        return False
    return getattr(model, "_similarity", None) in (cos_sim, dot_score)  # not replaced by one of its owner's


class ModelSimilarity:
    """A source of candidates that compares as a model does: `similarity` finds, `similarity_pairwise` scores.

    Args:
        model: with these two methods.
        query_vecs: shape (Q, D).
        doc_vecs: shape (N, D).
    """

    name = DENSE

    def __init__(self, model: Any, query_vecs: NDArray[np.float32], doc_vecs: NDArray[np.float32]) -> None:
        self._model = model
        self._query_vecs = query_vecs
        self._doc_vecs = doc_vecs

    def search(self, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """doc_rows (B, k) and scores (B, k), most similar first, equal scores by document order."""
        import torch

        queries = self._query_vecs[rows]
        found: NDArray[np.int64] = np.empty((len(queries), 0), np.int64)
        best: NDArray[np.float32] = np.empty((len(queries), 0), np.float32)
        n_docs = max(k, _PRODUCTS // len(queries))
        for start in range(0, len(self._doc_vecs), n_docs):
            scores = torch.as_tensor(self._model.similarity(queries, self._doc_vecs[start : start + n_docs]))
            new, places = torch.topk(scores.float().cpu(), min(k, scores.shape[1]), dim=1)
            best, found = np.hstack([best, new.numpy()]), np.hstack([found, places.numpy() + start])
            columns = np.argsort(-best, axis=1, kind="stable")[:, :k]
            best = np.take_along_axis(best, columns, axis=1)
            found = np.take_along_axis(found, columns, axis=1)
        return self._by_pairs(np.arange(rows.start, rows.start + len(queries)), found)

    def pair_scores(self, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The similarity of each (query, document) pair, shape (P,)."""
        import torch

        scores = np.empty(len(query_rows), np.float32)
        for start in range(0, len(scores), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            vecs = self._query_vecs[query_rows[part]], self._doc_vecs[doc_rows[part]]
            scores[part] = torch.as_tensor(self._model.similarity_pairwise(*vecs)).float().cpu().numpy()
        return scores

    def describe(self) -> dict[str, Any]:
        """Nothing beyond its name."""
        return {}

    def _by_pairs(
        self, query_rows: NDArray[np.int64], found: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Scored pair by pair: a matrix of distances is less exact, and would put a positive above itself."""
        scores: NDArray[np.float32] = self.pair_scores(np.repeat(query_rows, found.shape[1]), found.ravel()).reshape(
            found.shape
        )
        columns = np.lexsort((found, -scores), axis=1)
        doc_rows = np.take_along_axis(found, columns, axis=1).astype(np.int32)
        return doc_rows, np.take_along_axis(scores, columns, axis=1)
