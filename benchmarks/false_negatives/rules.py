"""The rules that are compared: each chooses n candidates for each query of a trial, or fewer."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from protocol import Trial

N_NEGATIVES = 4


class Chosen(NamedTuple):
    """What a rule chose.

    Attributes:
        columns: shape (H, n), places in the trial's candidates.
        complete: shape (H,), which queries got all n.
    """

    columns: NDArray[np.int64]
    complete: NDArray[np.bool_]


class Outcome(NamedTuple):
    """Of the queries that got all: hits and hardness by query, each (H,), NaN for the others; and yield."""

    false_negatives: NDArray[np.float64]
    hardness: NDArray[np.float64]
    yield_ratio: float

    @property
    def rate(self) -> float:
        """Share of false negatives."""
        return float(np.nanmean(self.false_negatives)) if self.yield_ratio else float("nan")

    @property
    def mean_hardness(self) -> float:
        """Mean similarity."""
        return float(np.nanmean(self.hardness)) if self.yield_ratio else float("nan")


def outcome(trial: Trial, chosen: Chosen) -> Outcome:
    """What came of a choice."""
    hits = np.take_along_axis(trial.relevant, chosen.columns, axis=1).mean(axis=1)
    hardness = np.take_along_axis(trial.scores, chosen.columns, axis=1).mean(axis=1)
    hits[~chosen.complete] = hardness[~chosen.complete] = np.nan
    return Outcome(hits, hardness, float(chosen.complete.mean()))


def first(keep: NDArray[np.bool_], order: NDArray[np.floating] | None = None) -> Chosen:
    """The first n of what is kept, by an order (lowest first) or by rank."""
    ranks = np.broadcast_to(np.arange(keep.shape[1], dtype=np.float64), keep.shape)
    key = np.where(keep, ranks if order is None else order, np.inf)
    return Chosen(np.argsort(key, axis=1, kind="stable")[:, :N_NEGATIVES], keep.sum(axis=1) >= N_NEGATIVES)


def naive(trial: Trial) -> Chosen:
    """The nearest."""
    return first(trial.unknown)


def shift(trial: Trial, start: int = 10) -> Chosen:
    """The nearest from a rank on."""
    return first(trial.unknown & (np.cumsum(trial.unknown, axis=1) > start))


def window(trial: Trial, start: int, end: int, seed: int = 42) -> Chosen:
    """Any from a window of ranks."""
    ranks = np.cumsum(trial.unknown, axis=1) - 1
    keep = trial.unknown & (ranks >= start) & (ranks < end)
    return first(keep, np.random.default_rng(seed).random(keep.shape))


def margin(trial: Trial, *, relative: float = 0.0, absolute: float = 0.0) -> Chosen:
    """The nearest below a margin to the positive: `s_pos - relative · |s_pos| - absolute`."""
    bound = trial.positive_scores - relative * np.abs(trial.positive_scores) - absolute
    return first(trial.unknown & ~(trial.scores > bound[:, None]))


def priced(trial: Trial, probabilities: NDArray[np.float64], price: float) -> Chosen:
    """foolsgold's: the n of highest `score - price · probability`."""
    return first(trial.unknown, price * probabilities - trial.scores)


def lowest_price(acceptable: Callable[[float], bool]) -> float:
    """The lowest price at which a choice is acceptable, by bisection; 0 where it is so anyway."""
    if acceptable(0.0):
        return 0.0
    low, high = 1e-7, 1e6
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        low, high = (low, middle) if acceptable(middle) else (middle, high)
    return high


def as_hard_as(trial: Trial, probabilities: NDArray[np.float64], hardness: float) -> Chosen:
    """Foolsgold's choice with the fewest expected false negatives that is at least as hard."""

    def easier(price: float) -> bool:
        return outcome(trial, priced(trial, probabilities, price)).mean_hardness <= hardness

    price = lowest_price(easier)
    return priced(trial, probabilities, price * (1 - 1e-9) if price else 0.0)


def at_rate(trial: Trial, probabilities: NDArray[np.float64], rate: float) -> tuple[Chosen, float]:
    """Foolsgold's hardest choice with at most this expected share of false negatives, and the share expected."""

    def expected(price: float) -> float:
        return float(np.take_along_axis(probabilities, priced(trial, probabilities, price).columns, axis=1).mean())

    price = lowest_price(lambda price: expected(price) <= rate)
    return priced(trial, probabilities, price), expected(price)
