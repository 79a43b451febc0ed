"""Where rules draw the line, and what other prices would bring."""

from __future__ import annotations

import numpy as np
import pytest

from foolsgold.sample.threshold import separating


def values(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float64)


@pytest.mark.parametrize(
    ("chosen", "dropped", "threshold"),
    [
        (values(0.1, 0.2), values(0.4, 0.8), 0.3),  # between them
        (values(0.1, 0.2, 0.6), values(0.4, 0.8), 0.3),  # one of the chosen lies beyond
        (values(0.1, 0.2), values(), 0.2),  # nothing was dropped
        (values(), values(0.4, 0.8), 0.4),
        (values(), values(), None),
    ],
)
def test_the_threshold_separates_best(chosen: np.ndarray, dropped: np.ndarray, threshold: float | None) -> None:
    assert separating(chosen, dropped) == threshold
