"""Vectors as a source of candidates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Encoded, Vectors
from foolsgold.search.exact import ExactIndex
from foolsgold.search.plan import Index, build_index, plan_index
from foolsgold.search.rescore import pair_scores
from foolsgold.settings import MiningSettings
from foolsgold.sources import DENSE

_RECALL_SAMPLE = 200


class DenseSource:
    """Finds the documents whose vectors are nearest to the query's."""

    name = DENSE

    def __init__(self, encoded: Encoded, settings: MiningSettings) -> None:
        self._query_vecs, self._doc_vecs = encoded.query_vecs, encoded.doc_vecs
        self._k, self._seed = min(settings.depth, len(self._doc_vecs)), settings.seed
        self._plan = plan_index(
            settings.index,
            n_queries=len(self._query_vecs),
            n_documents=len(self._doc_vecs),
            dimensions=self._doc_vecs.dimensions,
        )
        self._index = build_index(self._plan, self._doc_vecs, seed=settings.seed, show_progress=not settings.quiet)

    def search(self, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """doc_rows (B, k) and scores (B, k), most similar first, equal scores by document order."""
        return self._index.search(self._query_vecs, rows, k)

    def pair_scores(self, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """The similarity of each (query, document) pair, shape (P,)."""
        return pair_scores(self._query_vecs, self._doc_vecs, query_rows, doc_rows)

    def describe(self) -> dict[str, Any]:
        """Index and reason; for an approximate index also its recall, measured on a sample of queries."""
        description: dict[str, Any] = {"index": self._plan.kind, "reason": self._plan.reason}
        if self._plan.kind != "exact":
            sample = min(_RECALL_SAMPLE, len(self._query_vecs))
            recall = sampled_recall(
                self._index, self._query_vecs, self._doc_vecs, k=self._k, sample=sample, seed=self._seed
            )
            description |= {"recall": recall, "recall_sample_queries": sample}
        return description


def sampled_recall(index: Index, query_vecs: Vectors, doc_vecs: Vectors, *, k: int, sample: int, seed: int) -> float:
    """The share of the true k nearest documents that an index finds, over a sample of queries."""
    chosen = np.sort(np.random.default_rng(seed).choice(len(query_vecs), sample, replace=False))
    queries = Vectors.of(query_vecs.values[chosen], query_vecs.similarity)
    everything = slice(0, sample)
    found, _ = index.search(queries, everything, k)
    true, _ = ExactIndex(doc_vecs).search(queries, everything, k)
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(found, true, strict=True)]))
