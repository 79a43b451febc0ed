"""Where rules, in effect, separate what they choose from what they drop as too likely to be relevant."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock

GUESSING = (
    "margin", "absolute_margin", "relative_margin", "max_score", "false_negative_probability", "false_negative_rate",
)  # fmt: skip
"""Reasons for which candidates are dropped that may be relevant, by score or probability."""


class Threshold(NamedTuple):
    """What lies below it is mostly chosen, what lies above it mostly dropped, or passed over for what is safer.

    Attributes:
        by: "probability" of being relevant, or, where that is not known, "score": relative to the positive's,
            `(s - s_pos) / |s_pos|`.
        value: the threshold.
    """

    by: Literal["probability", "score"]
    value: float

    def distances(self, pairs: PairBlock) -> NDArray[np.float64]:
        """How far each candidate lies from it, shape (P, K), above or below; infinity where that is not known."""
        values = what_decides(pairs, self.by)
        return np.where(pairs.present & ~np.isnan(values), np.abs(values - self.value), np.inf)

    def describe(self) -> dict[str, Any]:
        """As the report keeps it."""
        return self._asdict()


def what_decides(pairs: PairBlock, by: Literal["probability", "score"]) -> NDArray[np.float64]:
    """Probability or relative score of each candidate, shape (P, K); NaN where it is not known."""
    if by == "probability":
        return pairs.false_negative_probabilities.astype(np.float64)
    positive = pairs.positive_scores[:, None]
    scale = np.where(positive == 0, 1.0, np.abs(positive))
    relative: NDArray[np.float64] = (pairs.scores - positive) / scale
    return relative


def separating(chosen: NDArray[np.float64], dropped: NDArray[np.float64]) -> float | None:
    """The value that best separates the two: most of the chosen at or below it, most of the dropped above.

    Maximises `share of chosen ≤ t + share of dropped > t` (Youden's index, Cancer 1950) over the values there are, the
    lowest t of equals; midway to the next value. Where nothing was dropped it is the highest chosen value, and the
    other way round the lowest; None where there is nothing.

    >>> separating(np.array([0.1, 0.2, 0.6]), np.array([0.4, 0.8]))
    0.3
    """
    values = np.unique(np.concatenate([chosen, dropped]))
    if not len(values):
        return None
    if not len(dropped) or not len(chosen):
        return float(values[0] if len(dropped) else values[-1])
    below = np.searchsorted(np.sort(chosen), values, side="right") / len(chosen)
    above = 1 - np.searchsorted(np.sort(dropped), values, side="right") / len(dropped)
    best = int(np.argmax(below + above))
    return round(float(values[best : best + 2].mean()), 12)
