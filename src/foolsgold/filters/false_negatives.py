"""The probability that a candidate is an unlabelled positive, and the rule that drops those above a bound."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock


@dataclass(frozen=True)
class FalseNegativeModel:
    """A logistic model: `p = 1 / (1 + exp(-(intercept + Σ weight · witness)))`.

    Attributes:
        weights: one for each of `foolsgold.witness.WITNESSES`.
        intercept: sets the base rate of the collection.
    """

    weights: tuple[float, ...]
    intercept: float

    @classmethod
    def default(cls) -> FalseNegativeModel:
        """The coefficients that come with the package, fitted on public collections; see `provenance`."""
        stored = _stored()
        return cls(tuple(stored["weights"].values()), stored["intercept"])

    @staticmethod
    def provenance() -> Mapping[str, Any]:
        """Where the default coefficients come from: collections, encoders, date, and the script that refits them."""
        return dict(_stored()["provenance"])

    def logits(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds without rounding that blocks could show: (..., F) to (...)."""
        total = np.full(features.shape[:-1], self.intercept)
        for place, weight in enumerate(self.weights):
            total += weight * features[..., place]
        return total

    def probabilities(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape (..., F) to (...), from 0 to 1."""
        return logistic(self.logits(features))


def logistic(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """`1 / (1 + exp(-x))`, without overflow."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))


@dataclass(frozen=True)
class MaxFalseNegativeProbability:
    """Drops candidates that are unlabelled positives with a probability above `bound`; unknown ones stay."""

    bound: float
    binds_judged = False

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what is probable enough to be a true negative."""
        return Verdict(~(pairs.false_negative_probabilities > self.bound), "false_negative_probability")


@cache
def _stored() -> dict[str, Any]:
    text = files("foolsgold.filters").joinpath("false_negatives.json").read_text("utf-8")
    stored: dict[str, Any] = json.loads(text)
    return stored
