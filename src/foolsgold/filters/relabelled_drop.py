"""What relabelling set aside is no negative."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock


class RelabelledDrop:
    """Drops documents labelled `drop` for the query, and those that say the same: neither relevant nor safely not."""

    binds_judged = True

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what nobody set aside."""
        return Verdict(~pairs.set_aside, "relabelled_drop")
