"""The sample stage: of what filters kept, the negatives; and the fate of every candidate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.filters import CROSS_ENCODER, Filtered, PairBlock, Relevance
from foolsgold.sample.judge import GroupJudge
from foolsgold.sample.negatives import Chosen
from foolsgold.sample.random_fill import random_documents
from foolsgold.sample.seeds import generator_of
from foolsgold.sample.top import Top
from foolsgold.sample.uniform import Uniform
from foolsgold.settings import MiningSettings

NOT_NEEDED, SHORT_ROW, CHOSEN = "not_needed", "short_row", "chosen"
_TOO_EASY = ("rank_window", "min_score")


class Sampler(Protocol):
    """Orders candidates; the survivors that come first are taken."""

    def order(self, pairs: PairBlock, query_ids: Sequence[str]) -> NDArray[np.float64]:
        """A number per candidate, shape (P, K), the lowest first; `query_ids` has P entries."""
        ...


@dataclass
class Tally:
    """Counts over all blocks.

    Attributes:
        fates: candidates by fate: chosen, not_needed, short_row, or the reason for the drop. A candidate's fate is the
            furthest that it came for any of the query's positives, so that each is counted once.
        pairs: (query, positive) pairs; `complete_pairs` of them got all negatives from candidates, `filled_pairs` with
            random documents; `short_pairs` got fewer and were kept or dropped as the settings say.
        complete_queries: queries with a positive of which at least one pair got all negatives.
    """

    fates: Counter[str] = field(default_factory=Counter)
    pairs: int = 0
    complete_pairs: int = 0
    filled_pairs: int = 0
    short_pairs: int = 0
    queries: int = 0
    complete_queries: int = 0
    queries_without_positives: int = 0
    complete_queries_without_positives: int = 0


class Chooser:
    """Chooses block by block, and counts."""

    def __init__(self, collection: Collection, relevance: Relevance, settings: MiningSettings) -> None:
        self._collection = collection
        self._relevance = relevance
        self._settings = settings
        self._sampler: Sampler = Top() if settings.sampler == "top" else Uniform(settings.seed)
        self.tally = Tally()

    def choose(self, pairs: PairBlock, filtered: Filtered, judge: GroupJudge | None = None) -> Chosen:
        """The negatives of a block; a judge is asked about survivors until each pair has enough."""
        query_ids = self._collection.query_ids.take(pairs.query_rows).to_pylist()
        order = np.where(filtered.keep, self._sampler.order(pairs, query_ids), np.inf)
        if judge is not None:
            filtered = filtered.dropping(judge.rejected(pairs, order, self._settings.negatives), CROSS_ENCODER)
            order = np.where(filtered.keep, order, np.inf)
        first = np.argsort(order, axis=1, kind="stable")[:, : self._settings.negatives]  # (P, n)
        taken = np.zeros(filtered.keep.shape, np.bool_)
        np.put_along_axis(taken, first, True, axis=1)
        taken &= filtered.keep
        n_found = taken.sum(axis=1)
        fill = self._fill(pairs, filtered, n_found, query_ids) if self._settings.short_rows == "random" else {}
        n_filled = np.array([len(fill.get(pair, ())) for pair in range(len(n_found))])
        short = n_found + n_filled < self._settings.negatives
        dropped = short & (self._settings.short_rows != "keep")
        self._count(pairs, filtered, taken, n_found, short, dropped)
        return _rows(pairs, taken & ~dropped[:, None], {pair: docs for pair, docs in fill.items() if not dropped[pair]})

    def _fill(
        self, pairs: PairBlock, filtered: Filtered, n_found: NDArray[np.int64], query_ids: list[str]
    ) -> dict[int, list[int]]:
        too_easy = self._too_easy(pairs, filtered)
        fill = {}
        for pair in np.flatnonzero(n_found < self._settings.negatives).tolist():
            query_row, positive_row = int(pairs.query_rows[pair]), int(pairs.positive_rows[pair])
            positive_id = self._collection.doc_ids[positive_row].as_py() if positive_row >= 0 else ""
            fill[pair] = random_documents(
                pairs,
                pair,
                n_wanted=self._settings.negatives - int(n_found[pair]),
                trusted=too_easy[pair],
                doc_keys=self._relevance.doc_keys,
                positive_keys=self._relevance.positive_keys(query_row),
                generator=generator_of(self._settings.seed, query_ids[pair], positive_id),
            )
        return fill

    def _too_easy(self, pairs: PairBlock, filtered: Filtered) -> NDArray[np.bool_]:
        """Candidates dropped for ranking or scoring too low, which nothing speaks against."""
        positions = [i for i, reason in enumerate(filtered.reasons) if reason in _TOO_EASY]
        end = self._settings.max_rank if self._settings.max_rank is not None else self._settings.depth
        above_window = (pairs.ranks < end) & (filtered.dropped_by == _position(filtered.reasons, "rank_window"))
        too_easy: NDArray[np.bool_] = np.isin(filtered.dropped_by, positions) & ~above_window
        return too_easy

    def _count(
        self, pairs: PairBlock, filtered: Filtered, taken: NDArray[np.bool_], n_found: NDArray[np.int64],
        short: NDArray[np.bool_], dropped: NDArray[np.bool_],
    ) -> None:  # fmt: skip
        names = (*filtered.reasons, NOT_NEEDED, SHORT_ROW, CHOSEN)
        fate = filtered.dropped_by.astype(np.int64)  # survivors stand at NOT_NEEDED already
        fate[taken] = len(names) - 1
        fate[taken & dropped[:, None]] = len(names) - 2
        by_query = np.maximum.reduceat(fate, pairs.first_pairs, axis=0)  # (B, K)
        counts = np.bincount(by_query[by_query >= 0], minlength=len(names))
        for name, count in zip(names, counts.tolist(), strict=True):
            self.tally.fates[name] += count

        complete = n_found == self._settings.negatives
        has_positive = pairs.has_positive
        first_has_positive = has_positive[pairs.first_pairs]
        complete_query = np.logical_or.reduceat(complete, pairs.first_pairs)
        self.tally.pairs += int(has_positive.sum())
        self.tally.complete_pairs += int((complete & has_positive).sum())
        self.tally.filled_pairs += int((~complete & ~short & has_positive).sum())
        self.tally.short_pairs += int((short & has_positive).sum())
        self.tally.queries += int(first_has_positive.sum())
        self.tally.complete_queries += int((complete_query & first_has_positive).sum())
        self.tally.queries_without_positives += int((~first_has_positive).sum())
        self.tally.complete_queries_without_positives += int((complete_query & ~first_has_positive).sum())


def _rows(pairs: PairBlock, chosen: NDArray[np.bool_], fill: dict[int, list[int]]) -> Chosen:
    pair, column = np.nonzero(chosen)
    fill_pair = np.array([row for row, docs in fill.items() for _ in docs], np.int64)
    fill_docs = np.array([doc for docs in fill.values() for doc in docs], np.int32)
    n_random = len(fill_docs)
    all_pairs = np.concatenate([pair, fill_pair])
    order = np.argsort(all_pairs, kind="stable")  # random documents after the candidates of the same pair
    all_pairs = all_pairs[order]
    return Chosen(
        query_rows=pairs.query_rows[all_pairs],
        positive_rows=pairs.positive_rows[all_pairs],
        doc_rows=np.concatenate([pairs.doc_rows[pair, column], fill_docs])[order],
        ranks=np.concatenate([column, np.full(n_random, -1)])[order].astype(np.int32),
        scores=np.concatenate([pairs.scores[pair, column], np.full(n_random, np.nan)])[order].astype(np.float32),
        positive_scores=pairs.positive_scores[all_pairs].astype(np.float32),
    )


def _position(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -2
