"""The sample stage: of what filters kept, the negatives; and the fate of every candidate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.filters import CROSS_ENCODER, Filtered, PairBlock, Relevance
from foolsgold.sample.doubt import standings
from foolsgold.sample.group_judge import GroupJudge
from foolsgold.sample.negatives import GIVEN_SOURCE, RANDOM_SOURCE, Chosen
from foolsgold.sample.pair_ids import PairIds
from foolsgold.sample.price import Price
from foolsgold.sample.random_fill import RandomDocuments
from foolsgold.sample.sampler import Sampler, first_survivors, in_turn, mined_wanted, preferences, relaxed_above
from foolsgold.sample.simans import SimANS
from foolsgold.sample.softmax import Softmax
from foolsgold.sample.tally import Fates, Tally
from foolsgold.sample.terms import Terms
from foolsgold.sample.top import Top
from foolsgold.sample.uniform import Uniform
from foolsgold.settings import MiningSettings

DOUBTFUL = "doubtful_positive"
FALSE_NEGATIVE_RATE = "false_negative_rate"
MARGIN = "margin"


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


class Chooser:
    """Chooses block by block, and counts.

    Args:
        collection: whose queries they are.
        relevance: what it knows.
        settings: rules, sampler and number of negatives.
        terms: on which is chosen.
        random: what draws documents from the whole corpus, where the collection is but a part of it.
    """

    def __init__(
        self, collection: Collection, relevance: Relevance, settings: MiningSettings, terms: Terms, *,
        random: RandomDocuments | None = None,
    ) -> None:  # fmt: skip
        self._collection = collection
        self._settings = settings
        self._whole_margins = settings.replace(margin_min_probability=0.0)
        self._terms = terms
        self._sampler = sampler_for(settings, terms.price)
        self._random = random or RandomDocuments.of(collection, relevance, settings)
        self.tally = Tally()

    def choose(self, pairs: PairBlock, filtered: Filtered, judge: GroupJudge | None = None) -> tuple[Chosen, Fates]:
        """The negatives of a block: those given, then survivors; a judge is asked until each pair has enough.

        And the fate of each candidate.
        """
        pair_ids, n_hard = PairIds(self._collection, pairs), mined_wanted(pairs, self._settings)  # (P,)
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
        too_likely = taken & Top(self._terms.price.per_false_negative).gives_way(pairs)
        filtered, taken = filtered.dropping(too_likely, FALSE_NEGATIVE_RATE), taken & ~too_likely
        n_found, n_given_way = taken.sum(axis=1), too_likely.sum(axis=1)
        n_wanted = self._n_random_wanted(pairs, n_hard - n_found - n_given_way) + n_given_way
        drawn = self._random.draw(pairs, filtered, taken=taken, n_wanted=n_wanted, pair_ids=pair_ids)
        short = pairs.n_given + n_found + _lengths(drawn, len(n_found)) < self._settings.negatives
        dropped = short & (self._settings.short_rows != "keep")
        fates = self.tally.count_candidates(pairs, filtered, taken, dropped)
        self.tally.count_pairs(pairs, (n_found + n_given_way == n_hard) & ~short, short)
        self.tally.count_given(pairs, dropped, self._settings)
        self.tally.doubtful_pairs += pair_ids.of(doubtful)
        kept_random = {pair: docs for pair, docs in drawn.items() if not dropped[pair]}
        return _rows(pairs, taken & ~dropped[:, None], kept_random, given=~dropped[pairs.given.pairs]), fates

    def _doubtful(self, pairs: PairBlock, filtered: Filtered) -> NDArray[np.bool_]:
        """Pairs that have too few candidates below their margins, and whose positive stands lowest; shape (P,)."""
        doubtful = np.zeros(len(pairs.query_rows), np.bool_)
        if self._terms.doubtful_below == -np.inf:
            return doubtful
        above = relaxed_above(pairs, self._whole_margins)
        too_few = (filtered.keep & ~above).sum(axis=1) < mined_wanted(pairs, self._settings)
        asked = np.flatnonzero(too_few & above.any(axis=1))
        doubtful[asked] = standings(pairs, asked) < self._terms.doubtful_below
        return doubtful

    def _without_likely(self, pairs: PairBlock, filtered: Filtered) -> Filtered:
        bound = self._terms.price.most_probable
        if bound == 1:
            return filtered
        likely = pairs.false_negative_probabilities > bound
        return filtered.dropping(likely & ~pairs.judged_negative, FALSE_NEGATIVE_RATE)

    def _n_random_wanted(self, pairs: PairBlock, missing: NDArray[np.int64]) -> NDArray[np.int64]:
        """The share of random documents, and the missing ones of short rows where they are filled; shape (P,)."""
        share = np.clip(self._settings.negatives - pairs.n_given, 0, self._settings.random_negatives)
        if self._settings.short_rows == "random":
            return share + missing
        if self._settings.short_rows == "drop":
            return np.where(missing > 0, 0, share)  # the others are dropped
        return share


def _lengths(drawn: dict[int, list[int]], n_pairs: int) -> NDArray[np.int64]:
    """How many documents each pair got, shape (P,)."""
    lengths = np.zeros(n_pairs, np.int64)
    for pair, docs in drawn.items():
        lengths[pair] = len(docs)
    return lengths


def _rows(
    pairs: PairBlock, chosen: NDArray[np.bool_], random: dict[int, list[int]], *, given: NDArray[np.bool_]
) -> Chosen:
    """Of each pair the given negatives, the candidates by rank, and the random documents, in this order.

    Args:
        pairs: the block.
        chosen: shape (P, K), candidates.
        random: documents by pair.
        given: shape (g,), which of the given negatives.
    """
    pair, column = np.nonzero(chosen)
    random_pair = np.array([row for row, docs in random.items() for _ in docs], np.int64)
    random_docs = np.array([doc for docs in random.values() for doc in docs], np.int32)
    n_given, n_random = int(given.sum()), len(random_docs)
    all_pairs = np.concatenate([pairs.given.pairs[given], pair, random_pair])
    order = np.argsort(all_pairs, kind="stable")
    all_pairs = all_pairs[order]

    def column_of(of_given: NDArray[Any], of_candidates: NDArray[Any], of_random: Any, kind: Any) -> NDArray[Any]:
        parts = [of_given, of_candidates, np.broadcast_to(of_random, n_random)]
        return np.concatenate([part.astype(kind) for part in parts])[order]

    unknown = np.full(n_given, np.nan)
    return Chosen(
        query_rows=pairs.query_rows[all_pairs],
        positive_rows=pairs.positive_rows[all_pairs],
        doc_rows=column_of(pairs.given.doc_rows[given], pairs.doc_rows[pair, column], random_docs, np.int32),
        ranks=column_of(pairs.given.ranks[given], column, -1, np.int32),
        scores=column_of(pairs.given.scores[given], pairs.scores[pair, column], np.nan, np.float32),
        positive_scores=pairs.positive_scores[all_pairs].astype(np.float32),
        sources=column_of(np.full(n_given, GIVEN_SOURCE), pairs.sources[pair, column], RANDOM_SOURCE, np.int8),
        false_negative_probabilities=column_of(
            unknown, pairs.false_negative_probabilities[pair, column], np.nan, np.float32
        ),
        source_names=pairs.source_names,
    )
