"""What a sampler is, and the survivors that come first in its order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock, above_margins
from foolsgold.settings import MiningSettings


class Sampler(Protocol):
    """Orders candidates; the survivors that come first are taken."""

    def order(
        self, pairs: PairBlock, keep: NDArray[np.bool_], *, pair_ids: Sequence[tuple[str, str]]
    ) -> NDArray[np.float64]:
        """A number per candidate, shape (P, K), the lowest first, equal ones by rank.

        `keep (P, K)` are the survivors, whose numbers alone count; `pair_ids` has the P ids of query and positive, ""
        for no positive.
        """
        ...


def mined_wanted(pairs: PairBlock, settings: MiningSettings) -> NDArray[np.int64]:
    """Candidates that each pair is to have, shape (P,): given negatives take the place of as many."""
    return np.maximum(settings.hard_negatives - pairs.n_given, 0)


def relaxed_above(pairs: PairBlock, settings: MiningSettings) -> NDArray[np.bool_]:
    """What lies above the margins, shape (P, K), where short rows relax them; where they do not, filters drop it."""
    if settings.short_rows != "relax":
        return np.zeros(pairs.scores.shape, np.bool_)
    return above_margins(
        pairs, relative=settings.relative_margin, absolute=settings.absolute_margin,
        min_probability=settings.margin_min_probability,
    )  # fmt: skip


def preferences(
    order: NDArray[np.floating], *, unjudged: NDArray[np.bool_], above: NDArray[np.bool_], likely: NDArray[np.floating]
) -> tuple[NDArray[np.generic], ...]:
    """The orders by which survivors are taken, each shape (P, K): by the first, then by the next.

    What was judged not relevant, where that is preferred; then what lies below the margins, in the sampler's order; and
    where that is too little what lies above them, the least likely to be relevant first, of equally likely ones the
    least similar.

    Args:
        order: the sampler's.
        unjudged: all False where what was judged is not preferred.
        above: what lies above the margins, where they are relaxed; else all False.
        likely: probability of being relevant.
    """
    backwards = -np.arange(order.shape[1], dtype=np.float64)
    return unjudged, above, np.where(above, likely, 0), np.where(above, backwards, order)


def first_survivors(
    n: int | NDArray[np.int64], keep: NDArray[np.bool_], *orders: NDArray[np.generic]
) -> NDArray[np.bool_]:
    """Which n survivors of each pair come first, shape (P, K): by the first order, then by the next, then by rank.

    The number may be that of each pair, shape (P,).

    Order by order, what lies below the value that the last one taken has is taken, and what lies at it goes on to the
    next order: nothing has to be sorted that only ranks tell apart.
    """
    taken, left = np.zeros(keep.shape, np.bool_), keep.copy()
    wanted = np.array(np.broadcast_to(n, len(keep)))  # (P,), still to be taken of what is left
    for order in orders:
        open_rows = np.flatnonzero((left.sum(axis=1) > wanted) & (wanted > 0))
        if not len(open_rows):
            break
        told_apart = open_rows[_differ(order[open_rows], left[open_rows])]
        below, at = _around_last(order[told_apart], left[told_apart], wanted[told_apart])
        taken[told_apart] |= below
        left[told_apart] = at
        wanted[told_apart] -= below.sum(axis=1)
    return taken | (left & (np.cumsum(left, axis=1, dtype=np.int32) <= wanted[:, None]))


def _differ(order: NDArray[np.generic], left: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows in which what is left has more than one value, shape (P,)."""
    first = np.take_along_axis(order, left.argmax(axis=1)[:, None], axis=1)
    differ: NDArray[np.bool_] = ((order != first) & left).any(axis=1)
    return differ


def _around_last(
    order: NDArray[np.generic], left: NDArray[np.bool_], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What is left that lies below the value of the last one wanted, and what lies at it, both (P, K)."""
    values = np.where(left, order.astype(np.float64), np.inf)
    last = np.take_along_axis(np.sort(values, axis=1), wanted[:, None] - 1, axis=1)
    return left & (values < last), left & (values == last)


def in_turn(keep: NDArray[np.bool_], *orders: NDArray[np.generic]) -> NDArray[np.float64]:
    """When it is the turn of each survivor, shape (P, K), from 0: as `first_survivors` takes them; else infinity."""
    columns = np.lexsort((*orders[::-1], ~keep), axis=1)
    turns = np.empty(keep.shape, np.float64)
    np.put_along_axis(turns, columns, np.broadcast_to(np.arange(keep.shape[1], dtype=np.float64), keep.shape), axis=1)
    return np.where(keep, turns, np.inf)
