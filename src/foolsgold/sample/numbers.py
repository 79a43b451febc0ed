"""What the report says of the chosen negatives, gathered while they come by."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from foolsgold.sample.negatives import Chosen, expected_ratio


class ChosenNumbers:
    """Counts, and the few numbers of each negative whose mean or quantiles are wanted: 8 bytes each, 4 more a pair."""

    def __init__(self) -> None:
        self.total = 0
        self.by_source: Counter[str] = Counter()
        self._scores = [np.empty(0, np.float32)]
        self._positive_scores = [np.empty(0, np.float32)]
        self._probabilities = [np.empty(0, np.float32)]

    def add(self, chosen: Chosen) -> None:
        """Those of a block."""
        names = chosen.all_source_names
        counts = np.bincount(chosen.all_sources, minlength=len(names))
        self.by_source.update({name: count for name, count in zip(names, counts.tolist(), strict=True) if count})
        self.total += len(chosen)
        self._scores.append(chosen.scores[~np.isnan(chosen.scores)])
        self._positive_scores.append(chosen.positive_scores[chosen.pair_starts])
        self._probabilities.append(chosen.false_negative_probabilities)

    @property
    def scores(self) -> NDArray[np.float32]:
        """Of all negatives that have one: all but the random ones."""
        return np.concatenate(self._scores)

    @property
    def positive_scores(self) -> NDArray[np.float32]:
        """Of the positives of all pairs that have negatives, each once, as far as they are known."""
        scores = np.concatenate(self._positive_scores)
        return scores[~np.isnan(scores)]

    @property
    def expected_false_negative_ratio(self) -> float | None:
        """Share of false negatives to be expected; None where nothing is known."""
        return expected_ratio(np.concatenate(self._probabilities))
