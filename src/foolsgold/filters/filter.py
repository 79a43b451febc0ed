"""What a filter is, and what comes of applying several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters.pairs import PairBlock


class Verdict(NamedTuple):
    """Which candidates a filter keeps, `keep (P, K)`, and the reason for which it drops the others."""

    keep: NDArray[np.bool_]
    reason: str


class Filter(Protocol):
    """One rule.

    A filter that guesses relevance or hardness (`binds_judged` False) does not bind what was judged not relevant,
    which is always admissible.
    """

    binds_judged: bool

    def __call__(self, pairs: PairBlock, alive: NDArray[np.bool_]) -> Verdict:
        """Judge a block; `alive (P, K)` are the candidates that earlier filters kept."""
        ...


class Filtered(NamedTuple):
    """What filters left of a block.

    Attributes:
        keep: shape (P, K).
        dropped_by: shape (P, K), the position in `reasons` of what dropped it; len(reasons) where it was kept, -1 where
            there is no candidate.
        reasons: names, in the order in which the filters were applied.
    """

    keep: NDArray[np.bool_]
    dropped_by: NDArray[np.int16]
    reasons: tuple[str, ...]

    def dropping(self, drop: NDArray[np.bool_], reason: str) -> Filtered:
        """With those of `drop (P, K)` that were kept so far dropped, for one more reason."""
        dropped_by = self.dropped_by + self.keep  # what is kept stands behind all reasons
        dropped_by[self.keep & drop] -= 1
        return Filtered(self.keep & ~drop, dropped_by, (*self.reasons, reason))


def apply_filters(pairs: PairBlock, filters: Sequence[Filter]) -> Filtered:
    """Apply filters in order; each candidate is dropped by the first that does not keep it."""
    alive = pairs.present.copy()
    dropped_by = np.where(alive, len(filters), -1).astype(np.int16)
    reasons = []
    for position, rule in enumerate(filters):
        keep, reason = rule(pairs, alive)
        if not rule.binds_judged:
            keep = keep | pairs.judged_negative
        np.putmask(dropped_by, alive & ~keep, position)
        alive &= keep
        reasons.append(reason)
    return Filtered(alive, dropped_by, tuple(reasons))
