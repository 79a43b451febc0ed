"""The terms on which negatives are chosen, found on a sample of the pairs before anything is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from foolsgold.filters import Filtered, PairBlock
from foolsgold.sample.doubt import lowest, standings
from foolsgold.sample.price import Price, Survivors, price_for
from foolsgold.settings import MiningSettings


class Terms(NamedTuple):
    """What holds for all pairs alike.

    Attributes:
        price: of a false negative.
        doubtful_below: standing of a positive among its candidates below which no margin is relaxed for it.
    """

    price: Price = Price()
    doubtful_below: float = -np.inf


def terms_for(blocks: Iterator[tuple[PairBlock, Filtered]], settings: MiningSettings) -> Terms:
    """The price that keeps to `max_false_negative_rate`, and where the `doubtful_ratio` lowest positives end.

    Args:
        blocks: pairs, and what filters left of them.
        settings: rates, sampler, number of negatives.
    """
    survivors, found = [], [np.empty(0)]
    for pairs, filtered in blocks:
        survivors.append(Survivors.of(pairs, filtered, settings))
        found.append(standings(pairs))
    return Terms(price_for(survivors, settings), lowest(np.concatenate(found), settings.doubtful_ratio))
