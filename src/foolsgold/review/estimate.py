"""The false-negative rate of the chosen negatives, from the decisions so far."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import LABELS

UNDECIDED = -1
_POSITIVE, _NEGATIVE, _DROP = range(len(LABELS))
_PRIOR_WORTH = 2.0  # decisions
_JEFFREYS = 0.5
_COVERED = 0.95


class Rate(NamedTuple):
    """A share of false negatives, and what it may as well be.

    Attributes:
        ratio: the estimate, from 0 to 1.
        low: where its 95% interval begins.
        high: where it ends.
        n_decisions: about chosen negatives, on which it rests.
    """

    ratio: float
    low: float
    high: float
    n_decisions: int


class RateEstimate:
    """Estimates the rate while decisions come in, nearest to the threshold first.

    The order is not random, but the bins (`review_order`) are strata, within which it is (stratified sampling, Cochran
    1977, chapter 5). In a stratum queries come in turn, so that a pair of a query with many pairs comes later than one
    of a query with few: a decision counts for `M / m` pairs, M those of its query in the stratum and m the decided ones
    among them (Cochran, chapter 11); n decisions of unequal weights w are worth `n* = (Σ w)² / Σ w²` equal ones
    (Kish 1965). With `y` the weighted share of positives, the stratum's rate among undecided pairs is

        Beta(a + n* y, b + n* (1 - y)),   mean μ, variance σ²

    The prior `a, b` is the model's mean probability in the stratum, worth two decisions, `Beta(2p, 2(1 - p))`; where no
    probability is known, that of Jeffreys, `Beta(1/2, 1/2)`, whose interval Brown, Cai & DasGupta (2001) recommend.
    What is decided is known: of N pairs of which k are false and u undecided the expected share is `(k + u μ) / N`, its
    variance `(u / N)² σ² (a + b + n* + u) / u` (beta-binomial). All strata together, each by its share of the
    negatives, are taken for the Beta distribution of the same mean and variance, whose 2.5% and 97.5% quantiles are the
    interval.

    Pairs labelled drop are neither, and count nowhere. Decisions made on another choice of the same candidates count as
    if they had been made in this order.

    Args:
        bins: shape (n,), the stratum of each pair.
        query_rows: shape (n,).
        chosen: shape (n,), which are negatives; decisions on others count for how far a query has come.
        probabilities: shape (n,), the model's; NaN where it says nothing.
        n_known: further negatives that are known to be none.
    """

    def __init__(
        self, bins: NDArray[np.int64], query_rows: NDArray[np.int64], *, chosen: NDArray[np.bool_],
        probabilities: NDArray[np.floating], n_known: int = 0,
    ) -> None:  # fmt: skip
        self._bins, self._chosen, self._n_known = bins, chosen, n_known
        self._n_bins = int(bins.max(initial=-1)) + 1
        keys = bins * (int(query_rows.max(initial=0)) + 1) + query_rows
        self._queries = np.unique(keys, return_inverse=True)[1]  # of each stratum by themselves
        self._prior = self._priors(probabilities)

    def from_labels(self, labels: NDArray[np.integer]) -> Rate | None:
        """The estimate; `labels (n,)` are places in LABELS, UNDECIDED where there is none. None without negatives."""
        n_chosen = self._count(self._chosen & (labels != _DROP))
        total = int(n_chosen.sum()) + self._n_known
        if not total:
            return None
        weights, false = self._decided(labels)
        n_decided, n_false = self._count(weights > 0), self._count(false)
        a, b = self._posteriors(weights, false)
        mean, n_open = a / (a + b), n_chosen - n_decided
        variance = mean * (1 - mean) / (a + b + 1) * (a + b + n_open) / np.maximum(n_open, 1)
        ratio = float((n_false + n_open * mean).sum() / total)
        low, high = _interval(ratio, float(((n_open / total) ** 2 * variance).sum()))
        return Rate(ratio, low, high, int(n_decided.sum()))

    def _decided(self, labels: NDArray[np.integer]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """For how many pairs each decision on a negative counts, 0 where there is none; and which are false."""
        judged = (labels == _POSITIVE) | (labels == _NEGATIVE)
        sizes = np.bincount(self._queries, labels != _DROP)
        n_judged = np.bincount(self._queries, judged)
        weights = np.where(judged & self._chosen, (sizes / np.maximum(n_judged, 1))[self._queries], 0.0)
        return weights, self._chosen & (labels == _POSITIVE)

    def _posteriors(
        self, weights: NDArray[np.float64], false: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        sums, squares, positive = (self._count(values) for values in (weights, weights**2, weights * false))
        n_worth = sums**2 / np.where(squares > 0, squares, 1)
        share = positive / np.where(sums > 0, sums, 1)
        a, b = self._prior
        return a + n_worth * share, b + n_worth * (1 - share)

    def _priors(self, probabilities: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        known = self._chosen & ~np.isnan(probabilities)
        counts = self._count(known)
        means = self._count(np.where(known, probabilities, 0.0)) / np.maximum(counts, 1)
        a = np.where(counts > 0, _PRIOR_WORTH * np.clip(means, 0.005, 0.995), _JEFFREYS)
        b = np.where(counts > 0, _PRIOR_WORTH - a, _JEFFREYS)
        return a, b

    def _count(self, values: NDArray[np.generic]) -> NDArray[np.float64]:
        """Sums by stratum."""
        return np.bincount(self._bins, values.astype(np.float64), minlength=self._n_bins).astype(np.float64)


def _interval(mean: float, variance: float) -> tuple[float, float]:
    """The middle 95% of the Beta distribution with this mean and variance."""
    from scipy.special import betaincinv

    if variance <= 0 or not 0 < mean < 1:
        return mean, mean
    worth = max(mean * (1 - mean) / variance - 1, 1e-6)
    tail = (1 - _COVERED) / 2
    low, high = (float(betaincinv(mean * worth, (1 - mean) * worth, share)) for share in (tail, 1 - tail))
    return min(low, mean), max(high, mean)  # the mean of a very skewed one lies outside
