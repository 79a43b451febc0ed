"""The search stage: vectors in, candidates out, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.encode import Encoded, Vectors
from foolsgold.search.candidates import Candidates
from foolsgold.search.exact import ExactIndex
from foolsgold.search.plan import Index, build_index, plan_index
from foolsgold.search.rescore import pair_scores
from foolsgold.settings import MiningSettings

_RECALL_SAMPLE = 200


class Search:
    """All candidates of a collection, to be iterated once, and what is to be said of how they were found."""

    def __init__(self, collection: Collection, encoded: Encoded, settings: MiningSettings) -> None:
        self._collection = collection
        self._query_vecs, self._doc_vecs = encoded.query_vecs, encoded.doc_vecs
        self._settings = settings
        self._k = min(settings.depth, len(self._doc_vecs))
        self._plan = plan_index(
            settings.index,
            n_queries=len(self._query_vecs),
            n_documents=len(self._doc_vecs),
            dimensions=self._doc_vecs.dimensions,
        )
        self._index = build_index(self._plan, self._doc_vecs, seed=settings.seed, show_progress=not settings.quiet)

    def blocks(self) -> Iterator[Candidates]:
        """Candidates of at most `block_size` queries at a time, in the collection's order."""
        n_queries, size = len(self._query_vecs), self._settings.block_size
        with tqdm(total=n_queries, desc="search", unit="query", disable=self._settings.quiet) as progress:
            for start in range(0, n_queries, size):
                rows = slice(start, min(start + size, n_queries))
                yield self._block(rows)
                progress.update(rows.stop - rows.start)

    def describe(self) -> dict[str, Any]:
        """Index, reason and depth; for an approximate index also its recall, measured on a sample of queries."""
        plan, seed = self._plan, self._settings.seed
        description: dict[str, Any] = {"index": plan.kind, "reason": plan.reason, "depth": self._k, "seed": seed}
        if self._plan.kind != "exact":
            sample = min(_RECALL_SAMPLE, len(self._query_vecs))
            recall = sampled_recall(self._index, self._query_vecs, self._doc_vecs, k=self._k, sample=sample, seed=seed)
            description |= {"recall": recall, "recall_sample_queries": sample}
        return description

    def _block(self, rows: slice) -> Candidates:
        doc_rows, scores = self._index.search(self._query_vecs, rows, self._k)
        positives = self._collection.positives
        offsets = positives.offsets[rows.start : rows.stop + 1]
        positive_rows = positives.doc_rows[offsets[0] : offsets[-1]]
        query_rows = np.arange(rows.start, rows.stop)
        owners = np.repeat(query_rows, np.diff(offsets))
        positive_scores = pair_scores(self._query_vecs, self._doc_vecs, owners, positive_rows)
        return Candidates(
            query_rows, doc_rows, scores.astype(np.float32),
            offsets - offsets[0], positive_rows, positive_scores.astype(np.float32),
        )  # fmt: skip


def sampled_recall(index: Index, query_vecs: Vectors, doc_vecs: Vectors, *, k: int, sample: int, seed: int) -> float:
    """The share of the true k nearest documents that an index finds, over a sample of queries."""
    chosen = np.sort(np.random.default_rng(seed).choice(len(query_vecs), sample, replace=False))
    queries = Vectors.of(query_vecs.values[chosen], query_vecs.similarity)
    everything = slice(0, sample)
    found, _ = index.search(queries, everything, k)
    true, _ = ExactIndex(doc_vecs).search(queries, everything, k)
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(found, true, strict=True)]))
