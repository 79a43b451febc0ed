"""From scored candidates to negatives, by the rules of sentence-transformers: each query by itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.compat.asked import Asked
from foolsgold.filters import Filter, Filtered, Relevance, apply_filters
from foolsgold.filters.known_pairs import KnownPairs
from foolsgold.filters.known_positive import KnownPositiveId
from foolsgold.filters.margin import AbsoluteMargin, RelativeMargin
from foolsgold.filters.score_bounds import MaxScore, MinScore
from foolsgold.sample.sampler import first_survivors
from foolsgold.sample.seeds import numbers_of
from foolsgold.search import Candidates

BEFORE, AFTER, NOT_NEEDED, CHOSEN = "before_range", "after_range", "not_needed", "chosen"


class Negatives(NamedTuple):
    """The negatives of B queries, which all positives of a query share.

    Attributes:
        query_rows: shape (B,), rows in the collection.
        positive_offsets: shape (B + 1,), into the positives.
        positive_rows: shape (P,), rows in the corpus.
        positive_scores: shape (P,), float32.
        offsets: shape (B + 1,), into the negatives.
        doc_rows: shape (M,), rows in the corpus, of each query the highest score first.
        scores: shape (M,), float32.
    """

    query_rows: NDArray[np.int64]
    positive_offsets: NDArray[np.int64]
    positive_rows: NDArray[np.int32]
    positive_scores: NDArray[np.float32]
    offsets: NDArray[np.int64]
    doc_rows: NDArray[np.int32]
    scores: NDArray[np.float32]

    @property
    def owners(self) -> NDArray[np.int64]:
        """The query of each positive, by its place in the block, shape (P,)."""
        return np.repeat(np.arange(len(self.query_rows)), np.diff(self.positive_offsets))

    @property
    def counts(self) -> NDArray[np.int64]:
        """Negatives of each query, shape (B,)."""
        return np.diff(self.offsets)


class Choosing:
    """Chooses block by block, and counts what became of each candidate.

    Margins go by the query's weakest positive, the window by the rank among those that bounds and margins leave.

    Attributes:
        fates: candidates by what became of them: the setting that dropped them, `BEFORE` or `AFTER` the window,
            `NOT_NEEDED`, or `CHOSEN`; known positives apart.
    """

    def __init__(self, collection: Collection, asked: Asked) -> None:
        self._collection = collection
        self._asked = asked
        self._relevance = Relevance(collection)
        positives = collection.positives
        self._positives = KnownPairs(positives.query_rows, positives.doc_rows, collection.n_documents)
        self._rules = _rules(asked)
        self.fates: Counter[str] = Counter()

    def negatives(self, candidates: Candidates) -> Negatives:
        """Those of a block of queries."""
        filtered = self._filtered(candidates)
        ranks = np.cumsum(filtered.keep, axis=1) - 1  # (B, K), among those that survive
        before = filtered.keep & (ranks < self._asked.range_min)
        after = filtered.keep & (ranks >= self._asked.window_end)
        window = filtered.keep & ~before & ~after
        taken = first_survivors(self._asked.num_negatives, window, *self._orders(candidates))
        self._count(filtered)
        self.fates += Counter({
            BEFORE: int(before.sum()), AFTER: int(after.sum()), NOT_NEEDED: int((window & ~taken).sum()),
            CHOSEN: int(taken.sum()),
        })  # fmt: skip
        return Negatives(
            candidates.query_rows, candidates.positive_offsets, candidates.positive_rows, candidates.positive_scores,
            np.concatenate([[0], np.cumsum(taken.sum(axis=1))]), candidates.doc_rows[taken], candidates.scores[taken],
        )  # fmt: skip

    def _filtered(self, candidates: Candidates) -> Filtered:
        """What is left of each query, shape (B, K): one row a query, its weakest positive standing for all."""
        starts = candidates.positive_offsets[:-1]
        weakest = replace(
            candidates,
            positive_offsets=np.arange(len(candidates) + 1),
            positive_rows=candidates.positive_rows[starts],
            positive_scores=np.minimum.reduceat(candidates.positive_scores, starts),
        )
        known = self._positives.among(candidates.doc_rows, candidates.query_rows)
        pairs = replace(self._relevance.pair_block(weakest), known_positive=known)  # by exact text, of this query alone
        return apply_filters(pairs, self._rules)

    def _orders(self, candidates: Candidates) -> tuple[NDArray[np.float64], ...]:
        """Random numbers (B, K) that depend on the seed and the query's text alone; none for the order of ranks."""
        if self._asked.sampling_strategy == "top":
            return ()
        texts = self._collection.query_texts(candidates.query_rows)
        return (numbers_of(self._asked.seed, [(text,) for text in texts], candidates.doc_rows.shape[1]),)

    def _count(self, filtered: Filtered) -> None:
        dropped = np.bincount(filtered.dropped_by[filtered.dropped_by >= 0], minlength=len(filtered.reasons) + 1)
        counts = dict(zip(filtered.reasons, dropped.tolist(), strict=False))  # the last are those that were kept
        counts.pop("known_positive_id", None)
        self.fates += Counter(counts)


def _rules(asked: Asked) -> list[Filter]:
    """In the order in which each takes its share of the candidates."""
    rules: list[Filter] = [] if asked.include_positives else [KnownPositiveId()]
    if asked.absolute_margin is not None:
        rules.append(AbsoluteMargin(asked.absolute_margin))
    if asked.relative_margin is not None:
        rules.append(RelativeMargin(asked.relative_margin))
    if asked.max_score is not None:
        rules.append(MaxScore(asked.max_score))
    if asked.min_score is not None:
        rules.append(MinScore(asked.min_score))
    return rules
