"""The sample stage: of what filters kept, the negatives; and the fate of every candidate."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.filters import CROSS_ENCODER, Filtered, PairBlock, Relevance
from foolsgold.sample.doubt import standings
from foolsgold.sample.group_judge import GroupJudge
from foolsgold.sample.negatives import RANDOM, Chosen
from foolsgold.sample.price import Price
from foolsgold.sample.random_fill import RandomDocuments
from foolsgold.sample.sampler import Sampler, first_survivors, in_turn, preferences, relaxed_above
from foolsgold.sample.simans import SimANS
from foolsgold.sample.softmax import Softmax
from foolsgold.sample.terms import Terms
from foolsgold.sample.top import Top
from foolsgold.sample.uniform import Uniform
from foolsgold.settings import MiningSettings

DOUBTFUL = "doubtful_positive"
FALSE_NEGATIVE_RATE = "false_negative_rate"
MARGIN = "margin"
NOT_NEEDED, SHORT_ROW, CHOSEN = "not_needed", "short_row", "chosen"


def sampler_for(settings: MiningSettings, price: Price) -> Sampler:
    """The sampler that settings ask for, at the price of a false negative."""
    if settings.sampler == "uniform":
        return Uniform(settings.seed)
    if settings.sampler == "softmax":
        best = Top(price.per_false_negative)
        temperature = settings.softmax_temperature
        return Softmax(settings.seed, sample_from=settings.sample_from, temperature=temperature, best=best)
    if settings.sampler == "simans":
        return SimANS(settings.seed, a=settings.simans_a, b=settings.simans_b)
    return Top(price.per_false_negative)


@dataclass
class Tally:
    """Counts over all blocks.

    Attributes:
        fates: candidates by fate: chosen, not_needed, short_row, or the reason for the drop. A candidate's fate is the
            furthest that it came for any of the query's positives, so that each is counted once.
        pairs: (query, positive) pairs; `complete_pairs` of them got the hard negatives and the random ones that were
            asked for, `filled_pairs` more random documents in place of hard ones; `short_pairs` got fewer and were kept
            or dropped as the settings say; of these `doubtful_pairs`, ids of query and positive, were dropped since the
            label may be wrong.
        complete_queries: queries with a positive of which at least one pair is complete.
        judged_chosen: chosen negatives that were judged not relevant.
    """

    fates: Counter[str] = field(default_factory=Counter)
    pairs: int = 0
    complete_pairs: int = 0
    filled_pairs: int = 0
    short_pairs: int = 0
    doubtful_pairs: list[tuple[str, str]] = field(default_factory=list)
    queries: int = 0
    complete_queries: int = 0
    queries_without_positives: int = 0
    complete_queries_without_positives: int = 0
    judged_chosen: int = 0


class Chooser:
    """Chooses block by block, and counts."""

    def __init__(self, collection: Collection, relevance: Relevance, settings: MiningSettings, terms: Terms) -> None:
        self._collection = collection
        self._settings = settings
        self._terms = terms
        self._sampler = sampler_for(settings, terms.price)
        self._random = RandomDocuments(collection, relevance, settings)
        self.tally = Tally()

    def choose(self, pairs: PairBlock, filtered: Filtered, judge: GroupJudge | None = None) -> Chosen:
        """The negatives of a block; a judge is asked about survivors until each pair has enough."""
        pair_ids, n_hard = self._pair_ids(pairs), self._settings.hard_negatives
        above = relaxed_above(pairs, self._settings)
        doubtful = self._doubtful(pairs, filtered)
        filtered = self._without_likely(pairs, filtered.dropping(doubtful[:, None], DOUBTFUL))
        orders = preferences(
            self._sampler.order(pairs, filtered.keep & ~above, pair_ids=pair_ids),
            unjudged=~pairs.judged_negative & self._settings.prefer_judged,
            above=above,
            likely=np.nan_to_num(pairs.false_negative_probabilities),
        )
        if judge is not None:
            rejected = judge.rejected(pairs, in_turn(filtered.keep, *orders), n_hard)
            filtered = filtered.dropping(rejected, CROSS_ENCODER)
        taken = first_survivors(n_hard, filtered.keep, *orders)
        filtered = filtered.dropping(above & ~taken, MARGIN)
        too_likely = taken & Top.gives_way(
            Top.hardness(pairs), pairs.false_negative_probabilities, price=self._terms.price.per_false_negative
        )
        filtered, taken = filtered.dropping(too_likely, FALSE_NEGATIVE_RATE), taken & ~too_likely
        n_found, n_given_way = taken.sum(axis=1), too_likely.sum(axis=1)
        n_wanted = self._n_random_wanted(n_found + n_given_way) + n_given_way
        drawn = self._random.draw(pairs, filtered, taken=taken, n_wanted=n_wanted, pair_ids=pair_ids)
        n_drawn = np.array([len(drawn.get(pair, ())) for pair in range(len(n_found))])
        short = n_found + n_drawn < self._settings.negatives
        dropped = short & (self._settings.short_rows != "keep")
        self._count(pairs, filtered, taken, n_found + n_given_way, short, dropped)
        self.tally.doubtful_pairs += [pair_ids[row] for row in np.flatnonzero(doubtful).tolist()]
        kept_random = {pair: docs for pair, docs in drawn.items() if not dropped[pair]}
        return _rows(pairs, taken & ~dropped[:, None], kept_random)

    def _doubtful(self, pairs: PairBlock, filtered: Filtered) -> NDArray[np.bool_]:
        """Pairs that have too few candidates below their margins, and whose positive stands lowest; shape (P,)."""
        above = relaxed_above(pairs, self._settings.replace(margin_min_probability=0.0))
        too_few = (filtered.keep & ~above).sum(axis=1) < self._settings.hard_negatives
        doubtful: NDArray[np.bool_] = too_few & above.any(axis=1) & (standings(pairs) < self._terms.doubtful_below)
        return doubtful

    def _without_likely(self, pairs: PairBlock, filtered: Filtered) -> Filtered:
        bound = self._terms.price.most_probable
        if bound == 1:
            return filtered
        likely = pairs.false_negative_probabilities > bound
        return filtered.dropping(likely & ~pairs.judged_negative, FALSE_NEGATIVE_RATE)

    def _pair_ids(self, pairs: PairBlock) -> list[tuple[str, str]]:
        """Ids of query and positive, "" for no positive."""
        query_ids = self._collection.query_ids.take(pairs.query_rows).to_pylist()
        doc_ids = self._collection.doc_ids
        positive_ids = [doc_ids[row].as_py() if row >= 0 else "" for row in pairs.positive_rows.tolist()]
        return list(zip(query_ids, positive_ids, strict=True))

    def _n_random_wanted(self, n_found: NDArray[np.int64]) -> NDArray[np.int64]:
        """The share of random documents, and what short rows lack where they are filled; shape (P,)."""
        share, missing = self._settings.random_negatives, self._settings.hard_negatives - n_found
        if self._settings.short_rows == "random":
            return share + missing
        if self._settings.short_rows == "drop":
            return np.where(missing > 0, 0, share)  # the others are dropped
        return np.full_like(n_found, share)

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

        self.tally.judged_chosen += int((taken & ~dropped[:, None] & pairs.judged_negative).sum())
        complete = (n_found == self._settings.hard_negatives) & ~short
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


def _rows(pairs: PairBlock, chosen: NDArray[np.bool_], random: dict[int, list[int]]) -> Chosen:
    pair, column = np.nonzero(chosen)
    random_pair = np.array([row for row, docs in random.items() for _ in docs], np.int64)
    random_docs = np.array([doc for docs in random.values() for doc in docs], np.int32)
    n_random = len(random_docs)
    names = np.array(pairs.source_names, object)
    all_pairs = np.concatenate([pair, random_pair])
    order = np.argsort(all_pairs, kind="stable")  # random documents after the candidates of the same pair
    all_pairs = all_pairs[order]
    return Chosen(
        query_rows=pairs.query_rows[all_pairs],
        positive_rows=pairs.positive_rows[all_pairs],
        doc_rows=np.concatenate([pairs.doc_rows[pair, column], random_docs])[order],
        ranks=np.concatenate([column, np.full(n_random, -1)])[order].astype(np.int32),
        scores=np.concatenate([pairs.scores[pair, column], np.full(n_random, np.nan)])[order].astype(np.float32),
        positive_scores=pairs.positive_scores[all_pairs].astype(np.float32),
        sources=np.concatenate([names[pairs.sources[pair, column]], np.full(n_random, RANDOM, object)])[order],
        false_negative_probabilities=np.concatenate(
            [pairs.false_negative_probabilities[pair, column], np.full(n_random, np.nan, np.float32)]
        )[order],
    )
