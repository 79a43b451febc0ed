"""What a choice will come to, by a sample of pairs: its terms, where they draw the line, what others would bring."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import Filtered, PairBlock
from foolsgold.sample.doubt import lowest, standings
from foolsgold.sample.price import Survivors, price_for
from foolsgold.sample.terms import Terms
from foolsgold.sample.threshold import GUESSING, Threshold, separating, what_decides
from foolsgold.sample.trade_off import TradeOff, trade_offs
from foolsgold.settings import MiningSettings


class Outlook(NamedTuple):
    """What is found on a sample of the pairs before anything is chosen.

    Attributes:
        terms: the price that keeps to `max_false_negative_rate`, and where the `doubtful_ratio` lowest positives end.
        threshold: where rules draw the line; None where nothing lies on either side.
        trade_offs: hardness and expected false negatives at other prices; none where nothing is known of these.
    """

    terms: Terms
    threshold: Threshold | None
    trade_offs: list[TradeOff]


class Sampled(NamedTuple):
    """A block of the sample: survivors of pairs with a positive, and of the same pairs what decides, (P, K) each."""

    survivors: Survivors
    standings: NDArray[np.float64]
    relative_scores: NDArray[np.float64]
    guessed: NDArray[np.bool_]  # dropped by a rule that guesses

    @classmethod
    def of(cls, pairs: PairBlock, filtered: Filtered, settings: MiningSettings) -> Sampled:
        """Of pairs, and what filters left of them."""
        rows = pairs.has_positive
        places = [place for place, reason in enumerate(filtered.reasons) if reason in GUESSING]
        return cls(
            Survivors.of(pairs, filtered, settings),
            standings(pairs),
            what_decides(pairs, "score")[rows],
            np.isin(filtered.dropped_by[rows], places),
        )


def outlook_on(sample: Sequence[Sampled], settings: MiningSettings) -> Outlook:
    """Find terms, threshold and trade-offs.

    Args:
        sample: of the pairs, block by block.
        settings: rates, sampler, number of negatives.
    """
    survivors = [part.survivors for part in sample]
    found = np.concatenate([np.empty(0), *(part.standings for part in sample)])
    terms = Terms(price_for(survivors, settings), lowest(found, settings.doubtful_ratio))
    return Outlook(terms, _threshold(sample, terms, settings), trade_offs(survivors, settings))


def _threshold(sample: Sequence[Sampled], terms: Terms, settings: MiningSettings) -> Threshold | None:
    """What separates the chosen from what was dropped by a guess, or passed over."""
    known = any((~np.isnan(part.survivors.probabilities)).any() for part in sample)
    by: Literal["probability", "score"] = "probability" if known else "score"
    chosen, dropped = [np.empty(0)], [np.empty(0)]
    for part in sample:
        values = part.survivors.probabilities if known else part.relative_scores
        taken, passed_over = _sides(part.survivors, terms, settings)
        chosen.append(values[taken & ~np.isnan(values)])
        dropped.append(values[(passed_over | part.guessed) & ~np.isnan(values)])
    value = separating(np.concatenate(chosen), np.concatenate(dropped))
    return None if value is None else Threshold(by, value)


def _sides(survivors: Survivors, terms: Terms, settings: MiningSettings) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of survivors those that are chosen or may be drawn, and those that are passed over, both (P, K)."""
    if settings.sampler in ("uniform", "simans"):
        likely = survivors.probabilities > terms.price.most_probable
        return survivors.keep & ~likely, survivors.keep & likely
    price = terms.price.per_false_negative
    taken, gives_way = survivors.taken_at(price), survivors.gives_way_at(price)
    columns = np.arange(taken.shape[1])
    last = np.where(taken, columns, -1).max(axis=1, initial=-1)
    left = survivors.keep & ~taken
    return taken & ~gives_way, (left & (survivors.above | (columns < last[:, None]))) | (taken & gives_way)
