"""What a false negative costs: the price at which the hardest choice keeps to the rate that is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import Filtered, PairBlock
from foolsgold.sample.sampler import first_survivors, mined_wanted, preferences, relaxed_above
from foolsgold.sample.top import Top, too_dear
from foolsgold.settings import MiningSettings

_LOWEST, _HIGHEST = 1e-6, 1e6  # in units of the scores' spread
_HALVINGS = 60


class Price(NamedTuple):
    """How the rate is kept.

    Attributes:
        per_false_negative: in units of score: the hardest choice maximises `Σ score - price · Σ probability`. 0 where
            the hardest choice keeps to the rate anyway.
        most_probable: where survivors are drawn rather than ranked: probability above which none is drawn; else 1.
    """

    per_false_negative: float = 0.0
    most_probable: float = 1.0


def price_for(parts: Sequence[Survivors], settings: MiningSettings) -> Price:
    """The lowest price at which the expected share of false negatives is at most `max_false_negative_rate`.

    Of all choices with that share or less, taking the n best by `score - price · probability` for every pair is the one
    of highest total score (Lagrange's multiplier for a linear goal under a linear bound): no fixed threshold is as
    hard at the same share. Where the hardest choice keeps to the rate by itself the price is 0, and nothing changes;
    where no choice keeps to it, random documents take the place of the riskiest (`Top.gives_way`), so that it is kept.

    Args:
        parts: what filters left of some pairs.
        settings: rate, sampler, number of negatives.
    """
    if settings.max_false_negative_rate is None:
        return Price()
    if not parts or np.isnan(np.concatenate([part.probabilities[part.keep] for part in parts])).any():
        return Price()  # nothing is known of false negatives
    if settings.sampler in ("uniform", "simans"):
        return Price(most_probable=_bound(parts, settings.max_false_negative_rate))
    return Price(_lowest_price(parts, settings.max_false_negative_rate))


class Survivors(NamedTuple):
    """What is known of some pairs' candidates, each (P, K); and how many of them are chosen or drawn from, (P,)."""

    probabilities: NDArray[np.float64]
    hardness: NDArray[np.float64]
    keep: NDArray[np.bool_]
    unjudged: NDArray[np.bool_]
    above: NDArray[np.bool_]
    n_wanted: NDArray[np.int64]

    @classmethod
    def of(cls, pairs: PairBlock, filtered: Filtered, settings: MiningSettings) -> Survivors:
        """Of the pairs that have a positive."""
        rows, n_wanted = pairs.has_positive, mined_wanted(pairs, settings)
        if settings.sampler == "softmax":
            n_wanted = np.where(n_wanted > 0, settings.sample_from, 0)
        return cls(
            pairs.false_negative_probabilities[rows].astype(np.float64),
            Top.hardness(pairs)[rows],
            filtered.keep[rows],
            (~pairs.judged_negative & settings.prefer_judged)[rows],
            relaxed_above(pairs, settings)[rows],
            n_wanted[rows],
        )

    def taken_at(self, price: float) -> NDArray[np.bool_]:
        """Which candidates are chosen, shape (P, K), those too that then give way to a random document."""
        order, likely = price * self.probabilities - self.hardness, self.probabilities
        orders = preferences(order, unjudged=self.unjudged, above=self.above, likely=likely)
        return first_survivors(self.n_wanted, self.keep, *orders)

    def gives_way_at(self, price: float) -> NDArray[np.bool_]:
        """Which candidates would give way to a random document, shape (P, K)."""
        gives_way: NDArray[np.bool_] = too_dear(price * self.probabilities, self.hardness) & (price > 0)
        return gives_way

    def chosen_at(self, price: float) -> NDArray[np.float64]:
        """Probabilities of the candidates chosen; 0 for what gives way to a random document."""
        kept = np.where(self.gives_way_at(price), 0, self.probabilities)
        chosen: NDArray[np.float64] = kept[self.taken_at(price)]
        return chosen


def _lowest_price(parts: Sequence[Survivors], rate: float) -> float:
    def too_many(price: float) -> bool:
        chosen = np.concatenate([part.chosen_at(price) for part in parts])
        return len(chosen) > 0 and float(chosen.mean()) > rate

    if not too_many(0):
        return 0.0
    spread = float(np.concatenate([part.hardness[part.keep] for part in parts]).std()) or 1.0
    low, high = _LOWEST * spread, _HIGHEST * spread
    for _ in range(_HALVINGS):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if too_many(middle) else (low, middle)
    return float(high)


def _bound(parts: Sequence[Survivors], rate: float) -> float:
    """The highest probability up to which the mean of all survivors keeps to the rate."""
    probabilities = np.sort(np.concatenate([part.probabilities[part.keep] for part in parts]))
    within = np.cumsum(probabilities) <= rate * np.arange(1, len(probabilities) + 1)
    return float(probabilities[within][-1]) if within.any() else 0.0
