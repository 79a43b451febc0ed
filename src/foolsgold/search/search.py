"""The search stage: sources in, candidates out, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.encode import Encoded
from foolsgold.memory import block_queries
from foolsgold.search.candidates import Candidates, Given
from foolsgold.search.dense import DenseSource
from foolsgold.search.fusion import RRF_K, combinations, fuse
from foolsgold.search.random_pairs import random_pair_scores
from foolsgold.search.rescore import pair_scores
from foolsgold.search.scorer import Scorer
from foolsgold.search.source import Source
from foolsgold.settings import MiningSettings
from foolsgold.sources import DENSE, parse_sources


class Search:
    """All candidates of a collection, to be iterated once, and what is to be said of how they were found.

    Each source gives its `depth` best, and the fused list is cut to `depth`. With vectors every score is the similarity
    of vectors, whatever found the candidate; without them it is the only source's own. The rank is the place in the
    fused list, so that scores need not fall with it.

    Args:
        collection: the queries.
        encoded: their vectors; None where no source needs them.
        opened: sources by name; vectors need not be among them, unless others have searched those already.
        settings: `source` says which to ask, and in which order.
        depth: how many candidates each query has at most; None: as the settings and the corpus allow.
    """

    def __init__(
        self, collection: Collection, encoded: Encoded | None, opened: Mapping[str, Source], settings: MiningSettings,
        *, depth: int | None = None,
    ) -> None:  # fmt: skip
        self._collection = collection
        self._settings = settings
        self._k = min(settings.depth, collection.n_documents) if depth is None else depth
        names = [source.name for source in parse_sources(settings.source)]
        sources = dict(opened)
        if encoded is not None and DENSE in names and DENSE not in sources:
            sources[DENSE] = DenseSource(encoded, settings)
        self._sources = [sources[name] for name in names]
        self._source_names = combinations(names)
        self._scored_by = names[0] if encoded is None else DENSE
        self._scores: Scorer = (
            self._sources[0].pair_scores
            if encoded is None
            else partial(pair_scores, encoded.query_vecs, encoded.doc_vecs)
        )

    def blocks(self) -> Iterator[Candidates]:
        """Candidates of at most `block_size` queries at a time, in the collection's order."""
        n_queries, size = self._collection.n_queries, block_queries(self._settings)
        with tqdm(total=n_queries, desc="search", unit="query", disable=self._settings.quiet) as progress:
            for start in range(0, n_queries, size):
                rows = slice(start, min(start + size, n_queries))
                yield self.block(rows)
                progress.update(rows.stop - rows.start)

    def describe(self) -> dict[str, Any]:
        """The sources with what each says of itself, depth, seed, whose scores there are, and those of random pairs."""
        names = [source.name for source in self._sources]
        described: dict[str, Any] = {}
        for source in self._sources:
            described |= source.describe()
        sizes = {"n_queries": self._collection.n_queries, "n_documents": self._collection.n_documents}
        by_chance = random_pair_scores(self._scores, **sizes, seed=self._settings.seed)
        return describe_search(
            names, described, scored_by=self._scored_by, depth=self._k, seed=self._settings.seed, by_chance=by_chance
        )

    def block(self, rows: slice) -> Candidates:
        """The candidates of some queries."""
        query_rows = np.arange(rows.start, rows.stop)
        doc_rows, scores, sources = self._found(rows, query_rows)
        positives = self._collection.positives
        offsets = positives.offsets[rows.start : rows.stop + 1]
        positive_rows = positives.doc_rows[offsets[0] : offsets[-1]]
        owners = np.repeat(query_rows, np.diff(offsets))
        positive_scores = self._scores(owners, positive_rows)
        return Candidates(
            query_rows, doc_rows, scores.astype(np.float32), offsets - offsets[0], positive_rows,
            positive_scores.astype(np.float32), sources, self._source_names, given=self._given(query_rows),
        )  # fmt: skip

    def _given(self, query_rows: NDArray[np.int64]) -> Given | None:
        """What the training data has already, scored as positives are."""
        if self._collection.given_negatives is None or not self._collection.has_given_negatives:
            return None
        given = self._collection.given_negatives.of_queries(query_rows)
        scores = self._scores(np.repeat(query_rows, given.counts), given.doc_rows)
        return Given(given, scores.astype(np.float32))

    def _found(
        self, rows: slice, query_rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.floating], NDArray[np.int8]]:
        """doc_rows (B, k), scores (B, k), and which sources found them (B, k)."""
        found = [source.search(rows, self._k) for source in self._sources]
        doc_rows, own_scores = found[0]
        if len(found) == 1 and self._scored_by == self._sources[0].name:
            return doc_rows, own_scores, np.where(doc_rows >= 0, 0, -1).astype(np.int8)
        doc_rows, sources = fuse([docs for docs, _ in found], self._k)
        present = doc_rows >= 0
        scores = np.full(doc_rows.shape, np.nan)
        scores[present] = self._scores(np.repeat(query_rows, present.sum(axis=1)), doc_rows[present])
        return doc_rows, scores, sources


def describe_search(
    names: Sequence[str],
    described: Mapping[str, Any],
    *,
    scored_by: str,
    depth: int,
    seed: int,
    by_chance: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What is said of a search.

    Args:
        names: of the sources, in the order in which they are asked.
        described: what these say of themselves.
        scored_by: whose scores there are.
        depth: candidates of a query, at most.
        seed: of the run.
        by_chance: scores of random pairs.
    """
    fusion = {"fusion": f"reciprocal rank, k = {RRF_K}"} if len(names) > 1 else {}
    return {"sources": list(names), "scores": scored_by, **fusion, **described, "depth": depth, "seed": seed,
            "random_pairs": by_chance}  # fmt: skip
