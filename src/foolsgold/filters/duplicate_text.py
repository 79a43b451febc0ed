"""No negative twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.filter import Verdict
from foolsgold.filters.pairs import PairBlock


class DuplicateText:
    """Of the candidates left with equal folded texts, keeps the one of lowest rank; so it must be applied last."""

    binds_judged = True

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Keep the first of each text among what is alive."""
        return Verdict(first_of_each(pairs.doc_keys, pairs.ranks, alive), "duplicate_text")


def first_of_each(keys: NDArray[np.integer], ranks: NDArray[np.int64], alive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All but the alive candidates that have the key of an alive one of lower rank; shape (P, K)."""
    keep = np.ones(alive.shape, np.bool_)
    ordered = np.sort(
        np.where(alive, keys, (-1 - ranks).astype(keys.dtype)), axis=1
    )  # what is not alive repeats nothing
    repeated = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    keep[repeated] = _first_of_each(keys[repeated], ranks, alive[repeated])
    return keep


def _first_of_each(keys: NDArray[np.integer], ranks: NDArray[np.int64], alive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    order = np.lexsort((np.broadcast_to(ranks, alive.shape), ~alive, keys), axis=1)
    ordered = np.take_along_axis(keys, order, axis=1)
    repeats = np.zeros(alive.shape, np.bool_)
    repeats[:, 1:] = ordered[:, 1:] == ordered[:, :-1]  # the alive stand first among equal keys, by rank
    keep = np.empty_like(repeats)
    np.put_along_axis(keep, order, ~repeats, axis=1)
    return keep
