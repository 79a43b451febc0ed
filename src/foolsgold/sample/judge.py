"""Asks a cross-encoder about survivors, in the sampler's order, until each pair has its negatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.errors import SettingsError
from foolsgold.filters import CrossEncoderRule, PairBlock
from foolsgold.rerank import KeptScores, PairScorer, PairScores, as_pair_scorer
from foolsgold.sample.waves import accept_in_waves
from foolsgold.search import Candidates, CandidateStore
from foolsgold.settings import MiningSettings


class CrossEncoderJudge:
    """Judges groups of queries of a fixed size, so that no result depends on how many queries are handled at once.

    Args:
        scorer: the cross-encoder.
        collection: of which the texts are scored.
        settings: margin, probability, and whether to show progress.

    Raises:
        SettingsError: neither a margin nor a probability is given.
    """

    def __init__(self, scorer: PairScorer, collection: Collection, settings: MiningSettings) -> None:
        self.rule = _rule(settings)
        self.scorer = scorer
        self.collection = collection
        self.n_groups = self.n_waves = self.n_candidates = self.n_positives = 0
        self.for_leak_test: CrossEncoderJudge | None = None
        self._settings = settings
        self._memory = Memory(np.empty(0, np.int64))

    def remember(self, query_rows: NDArray[np.int64]) -> None:
        """Keep the logits of some queries, for `for_queries`; rows ascending."""
        self._memory = Memory(query_rows)

    def for_queries(self, collection: Collection, query_rows: NDArray[np.int64]) -> CrossEncoderJudge:
        """A judge of the same queries in another collection, which scores nothing again.

        Args:
            collection: with the same corpus; its i-th query is query `query_rows[i]` here.
            query_rows: as given to `remember`.
        """
        judge = CrossEncoderJudge(self.scorer, collection, self._settings)
        judge._memory = self._memory.numbered_anew(query_rows)
        self.for_leak_test = judge
        return judge

    def groups(self, candidates: CandidateStore, target: Path | None) -> Iterator[tuple[Candidates, GroupJudge]]:
        """The candidates, each group with who judges it; what it scored is kept in `target`."""
        kept = KeptScores(candidates, target, self.scorer.fingerprint)
        with tqdm(desc="cross-encode", unit="pair", total=0, delay=1, disable=self._settings.quiet) as progress:
            for block, scores in kept.groups():
                self.n_groups += 1
                self._memory.recall(block, scores)
                yield block, GroupJudge(self, block, scores, progress)
                self._memory.note(block, scores)

    def report(self, n_candidates: int) -> dict[str, Any]:
        """What was asked, for report.json.

        Args:
            n_candidates: of all queries, those that were dropped before included.
        """
        leak = self.for_leak_test
        return {
            "name": self.scorer.name,
            "fingerprint": self.scorer.fingerprint,
            "margin": self.rule.margin,
            "max_probability": self.rule.max_probability,
            "pairs_scored": self.n_candidates + self.n_positives,
            "candidates_scored": self.n_candidates,
            "positives_scored": self.n_positives,
            "candidates_scored_ratio": self.n_candidates / n_candidates if n_candidates else None,
            "waves": self.n_waves,
            "groups": self.n_groups,
            "pairs_scored_for_leak_test": 0 if leak is None else leak.n_candidates + leak.n_positives,
        }


def judge_for(cross_encoder: Any, collection: Collection, settings: MiningSettings) -> CrossEncoderJudge | None:
    """The judge for a hub id, a folder or a loaded CrossEncoder; None for None.

    Raises:
        ModelError: the cross-encoder cannot be loaded, or does not give one number a pair.
        SettingsError: thresholds without a cross-encoder, or a cross-encoder without one.
    """
    if cross_encoder is not None:
        _rule(settings)  # said before a model is downloaded
    elif settings.cross_encoder_max_probability is not None:
        raise SettingsError(
            f"cross_encoder_max_probability is {settings.cross_encoder_max_probability}, but there is no "
            "cross_encoder. Give one, or leave it out."
        )
    scorer = as_pair_scorer(cross_encoder, settings)
    return None if scorer is None else CrossEncoderJudge(scorer, collection, settings)


def _rule(settings: MiningSettings) -> CrossEncoderRule:
    rule = CrossEncoderRule(settings.cross_encoder_margin, settings.cross_encoder_max_probability)
    if rule == CrossEncoderRule(None, None):
        raise SettingsError(
            "cross_encoder_margin and cross_encoder_max_probability are both None, so that the cross-encoder would "
            "decide nothing. Give one of them, or leave out cross_encoder."
        )
    return rule


class GroupJudge:
    """Judges the pairs of one group of queries; each (query, document) is scored at most once."""

    def __init__(
        self, judge: CrossEncoderJudge, block: Candidates, scores: PairScores, progress: tqdm[NoReturn]
    ) -> None:
        self._judge = judge
        self._block = block
        self._scores = scores
        self._progress = progress

    def rejected(self, pairs: PairBlock, order: NDArray[np.float64], n_wanted: int) -> NDArray[np.bool_]:
        """The candidates that the cross-encoder speaks against, shape (P, K), as far as it was asked.

        Candidates judged not relevant are not asked about.

        Args:
            pairs: the group.
            order: shape (P, K), the sampler's; infinity for what a filter dropped.
            n_wanted: negatives that each pair is to have.
        """
        asked = np.isfinite(order) & ~pairs.judged_negative
        limits = self._judge.rule.limits(self._positive_logits(pairs, asked))
        queries = np.repeat(np.arange(len(pairs.first_pairs)), _pairs_per_query(pairs))  # (P,)
        same = _first_of_text(pairs)  # (B, K)

        def score_of(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
            return self._logits(pairs, queries[rows], same[queries[rows], columns])

        rejected, n_waves = accept_in_waves(
            order, pairs.judged_negative, limits=limits, n_wanted=n_wanted, score_of=score_of
        )
        self._judge.n_waves += n_waves
        return rejected

    def _logits(self, pairs: PairBlock, queries: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
        """Of candidates of the group, by the query's place in it and the column; those that have none are scored."""
        known = self._scores.candidates
        missing = np.zeros(known.shape, np.bool_)
        missing[queries, columns] = np.isnan(known[queries, columns])
        query, column = np.nonzero(missing)
        first = pairs.first_pairs[query]
        known[query, column] = self._score(pairs.query_rows[first], pairs.doc_rows[first, column])
        self._judge.n_candidates += len(query)
        return known[queries, columns]

    def _score(self, query_rows: NDArray[np.int64], doc_rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """Logits of queries with documents, by rows, shape (n,)."""
        queries = _texts_of(self._judge.collection.query_texts, query_rows)
        documents = _texts_of(self._judge.collection.document_texts, doc_rows)
        self._progress.total = (self._progress.total or 0) + len(query_rows)
        return self._judge.scorer.logits(list(zip(queries, documents, strict=True)), self._progress.update)

    def _positive_logits(self, pairs: PairBlock, asked: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Of the positives of all pairs, shape (P,); NaN without one, or where nothing is `asked (P, K)`."""
        logits = np.full(len(pairs.query_rows), np.nan, np.float32)
        if self._judge.rule.margin is None:
            return logits
        rows = np.flatnonzero(pairs.has_positive)
        stored = self._stored_at(pairs, rows)
        known = logits[rows]
        known[stored >= 0] = self._scores.positives[stored[stored >= 0]]
        missing = np.isnan(known) & asked[rows].any(axis=1)
        known[missing] = self._score(pairs.query_rows[rows[missing]], pairs.positive_rows[rows[missing]])
        self._judge.n_positives += int(missing.sum())
        kept = missing & (stored >= 0)
        self._scores.positives[stored[kept]] = known[kept]
        logits[rows] = known
        return logits

    def _stored_at(self, pairs: PairBlock, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the positives of some pairs stand among those of the stored block; -1 for one added by relabelling."""
        block, n = self._block, self._judge.collection.n_documents
        owners = np.repeat(block.query_rows, np.diff(block.positive_offsets))
        stored = owners * n + block.positive_rows
        wanted = pairs.query_rows[rows] * n + pairs.positive_rows[rows]
        order = np.argsort(stored, kind="stable")
        place = np.minimum(np.searchsorted(stored[order], wanted), max(len(stored) - 1, 0))
        if not len(stored):
            return np.full(len(rows), -1)
        return np.where(stored[order][place] == wanted, order[place], -1)


class Memory:
    """Logits of some queries, so that what was scored of them is not scored again.

    Args:
        query_rows: which queries, ascending.
    """

    def __init__(self, query_rows: NDArray[np.int64]) -> None:
        self._query_rows = query_rows
        self._of_pair: dict[tuple[int, int], float] = {}

    def numbered_anew(self, query_rows: NDArray[np.int64]) -> Memory:
        """The same where the i-th of these queries is called i."""
        memory = Memory(np.arange(len(query_rows)))
        name = {int(row): place for place, row in enumerate(query_rows.tolist())}
        memory._of_pair = {(name[query], doc): logit for (query, doc), logit in self._of_pair.items() if query in name}
        return memory

    def note(self, block: Candidates, scores: PairScores) -> None:
        """Remember what a group of queries has."""
        for query, doc, values, place in self._places(block, scores):
            if not np.isnan(values[place]):
                self._of_pair[query, doc] = float(values[place])

    def recall(self, block: Candidates, scores: PairScores) -> None:
        """Give a group of queries what is remembered."""
        for query, doc, values, place in self._places(block, scores) if self._of_pair else ():
            values[place] = self._of_pair.get((query, doc), values[place])

    def _places(self, block: Candidates, scores: PairScores) -> Iterator[tuple[int, int, NDArray[np.float32], Any]]:
        for row in np.flatnonzero(np.isin(block.query_rows, self._query_rows)).tolist():
            query = int(block.query_rows[row])
            for column, doc in enumerate(block.doc_rows[row].tolist()):
                yield query, doc, scores.candidates, (row, column)
            for place in range(int(block.positive_offsets[row]), int(block.positive_offsets[row + 1])):
                yield query, int(block.positive_rows[place]), scores.positives, place


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
