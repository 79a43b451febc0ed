"""Histograms, as report.json keeps distributions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_BINS = 60


class Histogram(NamedTuple):
    """Equal bins from `low` to `high`, and how many values lie in each."""

    low: float
    high: float
    counts: list[int]

    @classmethod
    def of(cls, values: NDArray[np.floating], n_bins: int = _BINS) -> Histogram | None:
        """Of the values that are finite; None where there are none."""
        known = np.asarray(values, np.float64)
        known = known[np.isfinite(known)]
        if not len(known):
            return None
        low, high = float(known.min()), float(known.max())
        if high - low <= n_bins * np.spacing(max(abs(low), abs(high))):  # nothing lies between two bounds
            return cls(low, high, [len(known)])
        counts, _ = np.histogram(known, bins=n_bins, range=(low, high))
        return cls(low, high, counts.tolist())

    @property
    def median(self) -> float:
        """As near as bins tell."""
        edges = np.linspace(self.low, self.high, len(self.counts) + 1)
        total = np.cumsum(self.counts)
        place = int(np.searchsorted(total, total[-1] / 2))
        return float((edges[place] + edges[place + 1]) / 2)

    def describe(self) -> dict[str, Any]:
        """As a file keeps it, with the median."""
        return {**self._asdict(), "median": self.median}
