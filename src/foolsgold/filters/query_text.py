"""A document that only repeats the query teaches nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock


class QueryText:
    """Drops documents whose folded text is the query's."""

    binds_judged = True

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep what says something else than the query."""
        return Verdict(pairs.doc_keys != pairs.query_keys[:, None], "query_text")
