"""Hardness against false negatives, as the price of these moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from foolsgold.sample.price import Survivors
from foolsgold.settings import MiningSettings

_PRICES = np.concatenate([[0.0], np.geomspace(0.03, 30.0, 12)])  # in units of the scores' spread
_QUANTILES = np.linspace(1.0, 0.1, 10)


class TradeOff(NamedTuple):
    """What a choice would come to on the sample, random documents counting as hard as the last candidate.

    Attributes:
        expected_ratio: share of false negatives.
        hardness: mean score of what is chosen.
    """

    expected_ratio: float
    hardness: float


def trade_offs(parts: Sequence[Survivors], settings: MiningSettings) -> list[TradeOff]:
    """From the hardest choice to the safest; none where no probabilities are known, or nothing survived."""
    kept = np.concatenate([np.empty(0), *(part.probabilities[part.keep] for part in parts)])
    if not len(kept) or np.isnan(kept).any():
        return []
    if settings.sampler in ("uniform", "simans"):
        found = [_below(parts, float(bound)) for bound in np.quantile(kept, _QUANTILES)]
    else:
        hardness = np.concatenate([part.hardness[part.keep] for part in parts])
        spread = float(hardness.std()) or 1.0
        found = [_at(parts, float(price) * spread) for price in _PRICES]
    return sorted({point for point in found if point is not None}, reverse=True)


def _at(parts: Sequence[Survivors], price: float) -> TradeOff | None:
    """The hardest choice at a price."""
    probabilities, hardness = [np.empty(0)], [np.empty(0)]
    for part in parts:
        taken, gives_way = part.taken_at(price), part.gives_way_at(price)
        probabilities.append(np.where(gives_way, 0.0, part.probabilities)[taken])
        hardness.append(np.where(gives_way, part.hardness[:, -1:], part.hardness)[taken])
    return _mean(probabilities, hardness)


def _below(parts: Sequence[Survivors], bound: float) -> TradeOff | None:
    """All that may be drawn below a probability."""
    within = [part.keep & (part.probabilities <= bound) for part in parts]
    return _mean(
        [part.probabilities[keep] for part, keep in zip(parts, within, strict=True)],
        [part.hardness[keep] for part, keep in zip(parts, within, strict=True)],
    )


def _mean(probabilities: Sequence[np.ndarray], hardness: Sequence[np.ndarray]) -> TradeOff | None:
    chosen = np.concatenate(probabilities)
    if not len(chosen):
        return None
    return TradeOff(round(float(chosen.mean()), 6), round(float(np.concatenate(hardness).mean()), 6))
