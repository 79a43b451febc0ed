"""A known positive is never a negative."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock


class KnownPositiveId:
    """Drops documents that are known positives of the query, or of another query with the same text."""

    binds_judged = True

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what is no known positive."""
        return Verdict(~pairs.known_positive, "known_positive_id")


class KnownPositiveText:
    """Drops documents whose text, after Unicode NFKC, case and white-space folding, is that of a known positive."""

    binds_judged = True

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what says something else than every known positive."""
        return Verdict(~pairs.known_positive_text, "known_positive_text")
