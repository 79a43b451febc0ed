"""No negative twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock


class DuplicateText:
    """Of the candidates left with equal folded texts, keeps that of lowest rank; so it must be applied last."""

    binds_judged = True

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep the first of each text among what is alive."""
        order = np.lexsort((np.broadcast_to(pairs.ranks, alive.shape), ~alive, pairs.doc_keys), axis=1)
        keys = np.take_along_axis(pairs.doc_keys, order, axis=1)
        repeats = np.zeros(alive.shape, np.bool_)
        repeats[:, 1:] = keys[:, 1:] == keys[:, :-1]  # the alive stand first among equal texts, by rank
        keep = np.empty_like(repeats)
        np.put_along_axis(keep, order, ~repeats, axis=1)
        return Verdict(keep, "duplicate_text")
