"""What the training data gives as negative is chosen anyway, and not once more as a candidate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock


class GivenNegative:
    """Takes out candidates that say what a given negative says: `Chooser` takes those first, whatever rules say."""

    binds_judged = True

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what the training data does not have as negative."""
        return Verdict(~pairs.is_given, "given")
