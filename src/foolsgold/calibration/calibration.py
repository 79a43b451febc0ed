"""The model that estimates false negatives in a run, and what it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foolsgold.filters import FalseNegativeModel
from foolsgold.witness import WITNESSES

CALIBRATED, BASE_RATE, DEFAULT, NONE = "calibrated", "base rate", "default", "none"


@dataclass(frozen=True)
class Calibration:
    """The model that was used, and what it rests on.

    Attributes:
        model: gives the probabilities; None without vectors.
        method: "calibrated" on positives that were hidden; "base rate", the default coefficients with a base rate
            estimated from the known positives; "default", as they come with the package; "none" without vectors.
        seed: decided whose positives were hidden, and which.
        base_rate: mean probability of the candidates that it was set on; None for "default".
        n_queries: whose positives were hidden, or looked at.
        n_hidden: hidden positives among their candidates.
        silent: witnesses that had nothing to say.
        leak_test: whether positives were hidden, so that leaks can be measured.
    """

    model: FalseNegativeModel | None
    method: str = DEFAULT
    seed: int = 0
    base_rate: float | None = None
    n_queries: int = 0
    n_hidden: int = 0
    silent: tuple[str, ...] = ()
    leak_test: bool = False

    def describe(self) -> dict[str, Any]:
        """As the report and settings.json keep it."""
        return {
            "method": self.method,
            "queries": self.n_queries,
            "hidden_positives_among_candidates": self.n_hidden,
            "base_rate": self.base_rate,
            "seed": self.seed,
            "weights": None if self.model is None else dict(zip(WITNESSES, self.model.weights, strict=True)),
            "intercept": None if self.model is None else self.model.intercept,
            "silent_witnesses": list(self.silent),
            "leak_test": self.leak_test,
        }
