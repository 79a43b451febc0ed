"""Asks a cross-encoder about the survivors of a group of queries, each (query, document) at most once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.filters import CrossEncoderRule, PairBlock
from foolsgold.rerank import PairScorer, PairScores
from foolsgold.sample.waves import accept_in_waves
from foolsgold.search import Candidates


@dataclass(eq=False)
class Scoring:
    """Who is asked, about which texts, by what rule; and how much was asked so far."""

    scorer: PairScorer
    collection: Collection
    rule: CrossEncoderRule
    n_groups: int = 0
    n_waves: int = 0
    n_candidates: int = 0
    n_positives: int = 0


class GroupJudge:
    """Judges the pairs of one group of queries; each (query, document) is scored at most once."""

    def __init__(self, scoring: Scoring, block: Candidates, scores: PairScores, progress: tqdm[NoReturn]) -> None:
        self._scoring = scoring
        self._block = block
        self._scores = scores
        self._progress = progress

    def rejected(self, pairs: PairBlock, order: NDArray[np.float64], n_wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The candidates that the cross-encoder speaks against, shape (P, K), as far as it was asked.

        Candidates judged not relevant are not asked about.

        Args:
            pairs: the group.
            order: shape (P, K), the sampler's; infinity for what a filter dropped.
            n_wanted: shape (P,), candidates that each pair is to have.
        """
        asked = np.isfinite(order) & ~pairs.judged_negative
        limits = self._scoring.rule.limits(self._positive_logits(pairs, asked))
        queries = np.repeat(np.arange(len(pairs.first_pairs)), _pairs_per_query(pairs))  # (P,)
        same = _first_of_text(pairs)  # (B, K)

        def score_of(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
            return self._logits(pairs, queries[rows], same[queries[rows], columns])

        rejected, n_waves = accept_in_waves(
            order, pairs.judged_negative, limits=limits, n_wanted=n_wanted, score_of=score_of
        )
        self._scoring.n_waves += n_waves
        return rejected

    def _logits(self, pairs: PairBlock, queries: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """Of candidates of the group, by the query's place in it and the column; those that have none are scored."""
        known = self._scores.candidates
        missing = np.zeros(known.shape, np.bool_)
        missing[queries, columns] = np.isnan(known[queries, columns])
        query, column = np.nonzero(missing)
        first = pairs.first_pairs[query]
        known[query, column] = self._score(pairs.query_rows[first], pairs.doc_rows[first, column])
        self._scoring.n_candidates += len(query)
        return known[queries, columns]

    def _score(self, query_rows: NDArray[np.int64], doc_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """Logits of queries with documents, by rows, shape (n,)."""
        queries = _texts_of(self._scoring.collection.query_texts, query_rows)
        documents = _texts_of(self._scoring.collection.document_texts, doc_rows)
        self._progress.total = (self._progress.total or 0) + len(query_rows)
        return self._scoring.scorer.logits(list(zip(queries, documents, strict=True)), self._progress.update)

    def _positive_logits(self, pairs: PairBlock, asked: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Of the positives of all pairs, shape (P,); NaN without one, or where nothing is `asked (P, K)`."""
        logits = np.full(len(pairs.query_rows), np.nan, np.float32)
        if self._scoring.rule.margin is None:
            return logits
        rows = np.flatnonzero(pairs.has_positive)
        stored = self._stored_at(pairs, rows)
        known = logits[rows]
        known[stored >= 0] = self._scores.positives[stored[stored >= 0]]
        missing = np.isnan(known) & asked[rows].any(axis=1)
        known[missing] = self._score(pairs.query_rows[rows[missing]], pairs.positive_rows[rows[missing]])
        self._scoring.n_positives += int(missing.sum())
        kept = missing & (stored >= 0)
        self._scores.positives[stored[kept]] = known[kept]
        logits[rows] = known
        return logits

    def _stored_at(self, pairs: PairBlock, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the positives of some pairs stand among those of the stored block; -1 for one added by relabelling."""
        block, n = self._block, self._scoring.collection.n_documents
        owners = np.repeat(block.query_rows, np.diff(block.positive_offsets))
        stored = owners * n + block.positive_rows
        wanted = pairs.query_rows[rows] * n + pairs.positive_rows[rows]
        order = np.argsort(stored, kind="stable")
        place = np.minimum(np.searchsorted(stored[order], wanted), max(len(stored) - 1, 0))
        if not len(stored):
            return np.full(len(rows), -1)
        return np.where(stored[order][place] == wanted, order[place], -1)


def _pairs_per_query(pairs: PairBlock) -> NDArray[np.int64]:
    return np.diff(pairs.first_pairs, append=len(pairs.query_rows))


def _first_of_text(pairs: PairBlock) -> NDArray[np.int64]:
    """For each candidate of each query the column of the first with the same text, shape (B, K).

    Pairs of a query may be left with different duplicates of a text, of which one is scored for all.
    """
    keys = np.where(pairs.present, pairs.doc_keys, -1)[pairs.first_pairs]
    order = np.argsort(keys, axis=1, kind="stable")
    ordered = np.take_along_axis(keys, order, axis=1)
    starts = np.ones(keys.shape, np.bool_)
    starts[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    start = np.maximum.accumulate(np.where(starts, np.arange(keys.shape[1]), 0), axis=1)
    first = np.empty(keys.shape, np.int64)
    np.put_along_axis(first, order, np.take_along_axis(order, start, axis=1), axis=1)
    return first


def _texts_of(read: Callable[[NDArray[Any]], list[str]], rows: NDArray[np.integer]) -> list[str]:
    """Texts by rows, of which many are the same."""
    distinct, inverse = np.unique(rows, return_inverse=True)
    texts = read(distinct)
    return [texts[place] for place in inverse.tolist()]
