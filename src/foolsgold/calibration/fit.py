"""Fitting the false-negative model: logistic regression that holds on to what is known already."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import FalseNegativeModel, logistic

_STEPS = 50
_CLOSE_ENOUGH = 1e-9
_DIGITS = 6  # significant ones, so that sums in another order give the same coefficients
_MOST_SHIFT = 30.0  # of log-odds
_FREE = 1e-9  # a penalty so small that it only makes the curvature regular


def fit_near(
    prior: FalseNegativeModel,
    features: NDArray[np.float64],
    relevant: NDArray[np.bool_],
    *,
    trust: float,
    intercept_trust: float = 0.0,
    weights: NDArray[np.float64] | None = None,
) -> FalseNegativeModel:
    """The most probable coefficients, given the examples and a Gaussian around the prior's weights.

    Maximises `Σ log-likelihood - trust / 2 · Σ (weight - prior weight)²`, and likewise for the intercept, by Newton's
    method: few examples leave the prior's weights and learn the base rate, many overrule them.

    Args:
        prior: where to start.
        features: shape (n, F).
        relevant: shape (n,); with at least one of each kind, where the intercept is free.
        trust: in the prior, as the inverse variance of its weights; 0 is none.
        intercept_trust: likewise in its intercept; 0 leaves it free.
        weights: of the examples, shape (n,); all 1 by default.
    """
    n, n_features = features.shape
    design = np.concatenate([features, np.ones((n, 1))], axis=1)  # (n, F + 1)
    start = np.array([*prior.weights, prior.intercept])
    penalty = np.array([trust] * n_features + [max(intercept_trust, _FREE)])
    counts = np.ones(n) if weights is None else weights
    found = start.copy()
    if not intercept_trust:
        found[-1] = _intercept_for(features, found[:-1], float(np.average(relevant, weights=counts)), counts)
    for _ in range(_STEPS):
        p = logistic(np.einsum("nf,f->n", design, found))
        gradient = np.einsum("nf,n->f", design, counts * (relevant - p)) - penalty * (found - start)
        curvature = np.einsum("nf,n,ng->fg", design, counts * p * (1 - p), design) + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        found += step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < _CLOSE_ENOUGH:
            break
    return _rounded(found)


def with_base_rate(prior: FalseNegativeModel, features: NDArray[np.float64], base_rate: float) -> FalseNegativeModel:
    """The same weights, with the intercept that makes the mean probability of the features (n, F) the base rate."""
    weights = np.array(prior.weights)
    return _rounded(np.array([*weights, _intercept_for(features, weights, base_rate, np.ones(len(features)))]))


def _intercept_for(
    features: NDArray[np.float64], weights: NDArray[np.float64], base_rate: float, counts: NDArray[np.float64]
) -> float:
    """By bisection: the mean probability grows with the intercept."""
    logits = np.einsum("nf,f->n", features, weights)
    low, high = -_MOST_SHIFT - float(logits.max()), _MOST_SHIFT - float(logits.min())
    for _ in range(100):
        middle = (low + high) / 2
        if np.average(logistic(logits + middle), weights=counts) < base_rate:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _rounded(coefficients: NDArray[np.float64]) -> FalseNegativeModel:
    *weights, intercept = (float(f"{value:.{_DIGITS}g}") for value in coefficients)
    return FalseNegativeModel(tuple(weights), intercept)
