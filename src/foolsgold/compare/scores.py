"""How scores of negatives and positives are spread, for a plot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.compare.joined import Negatives
from foolsgold.compare.numbers import relative_gaps
from foolsgold.compare.overlap import OverlapByQuery

_BINS = 40
_OVERLAP_BINS = 10
_OUTERMOST = (0.001, 0.999)  # quantiles; what lies beyond counts to the first and the last bin


@dataclass(frozen=True)
class Spread:
    """Histograms over the same bins.

    Attributes:
        edges: of the bins, one more than there are bins; empty where there is nothing to show.
        shares: by name, the share of the values in each bin.
        relative: whether values are (score of a negative - score of its positive) in standard deviations of positives'
            scores, because scores themselves cannot be compared; else they are scores.
    """

    edges: Sequence[float]
    shares: dict[str, Sequence[float]]
    relative: bool


def spread_of(first: Negatives, second: Negatives, *, comparable: bool) -> Spread:
    """Of both runs' scores, or where they are not comparable of their negatives' distance from their positives."""
    values: dict[str, NDArray[Any]]
    if comparable:
        values = {
            "first negatives": first.scores, "second negatives": second.scores,
            "first positives": first.positive_scores[first.starts],
            "second positives": second.positive_scores[second.starts],
        }  # fmt: skip
    else:
        values = {"first negatives": relative_gaps(first), "second negatives": relative_gaps(second)}
    known = {name: of_name[~np.isnan(of_name)].astype(np.float64) for name, of_name in values.items()}
    known = {name: of_name for name, of_name in known.items() if len(of_name)}
    if not known:
        return Spread([], {}, not comparable)
    ends = np.array([np.quantile(of_name, _OUTERMOST) for of_name in known.values()])
    low, high = float(ends.min()), float(ends.max())
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    return Spread(edges.tolist(), {name: _shares(of_name, edges) for name, of_name in known.items()}, not comparable)


def _shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> list[float]:
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    shares: list[float] = (counts / len(values)).tolist()
    return shares


def overlap_counts(by_query: OverlapByQuery) -> list[tuple[str, int]]:
    """Queries by their overlap: none, up to each tenth, all."""
    ratios = by_query.ratios[by_query.either > 0]
    between = ratios[(ratios > 0) & (ratios < 1)]
    tenths = np.bincount((between * _OVERLAP_BINS).astype(np.int64), minlength=_OVERLAP_BINS)
    names = [f"{10 * i}–{10 * (i + 1)}%" for i in range(_OVERLAP_BINS)]
    none, whole = int((ratios == 0).sum()), int((ratios == 1).sum())
    return [("none", none), *zip(names, tenths.tolist(), strict=True), ("all", whole)]
