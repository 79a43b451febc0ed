"""The hardest survivors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock


class Top:
    """Takes the survivors of lowest rank, as far as they are not too likely to be relevant.

    With `h` the score, sorted so that it falls with the rank, and `p` the probability of being an unlabelled positive,
    takes those of highest `h - price · p`. At a price of 0 it is the rank alone: best where filters are trusted
    (NV-Retriever, arXiv 2407.15831). The rank, not the score: where several sources were fused, it holds what all of
    them say.

    Args:
        price: of a false negative, in units of score; see `price_for`.
    """

    def __init__(self, price: float = 0.0) -> None:
        self._price = price

    def order(
        self, pairs: PairBlock, keep: NDArray[np.bool_], *, pair_ids: Sequence[tuple[str, str]]
    ) -> NDArray[np.float64]:
        """Price · p - h; where nothing is to be paid, the same for all, so that the rank decides; shape (P, K)."""
        return np.zeros(keep.shape) if self._price == 0 else self._cost(pairs) - self.hardness(pairs)

    def gives_way(self, pairs: PairBlock) -> NDArray[np.bool_]:
        """What costs more than it is worth, so that a random document is the better negative, shape (P, K).

        A random document counts as hard as the pair's last candidate, and as no false negative:
        `h - price · p < h_last`.
        """
        if self._price == 0:
            return np.zeros(pairs.scores.shape, np.bool_)
        return too_dear(self._cost(pairs), self.hardness(pairs))

    def _cost(self, pairs: PairBlock) -> NDArray[np.float64]:
        cost: NDArray[np.float64] = self._price * np.nan_to_num(pairs.false_negative_probabilities.astype(np.float64))
        return cost

    @staticmethod
    def hardness(pairs: PairBlock) -> NDArray[np.float64]:
        """The scores of each pair's candidates, sorted so that they fall with the rank, shape (P, K).

        Where there is no candidate, that of the last one; 0 for a pair that has none.
        """
        scores = np.where(pairs.present & ~np.isnan(pairs.scores), pairs.scores, -np.inf)
        falling = -np.sort(-scores, axis=1)
        last = np.where(np.isfinite(falling), falling, np.inf).min(axis=1, keepdims=True, initial=np.inf)
        return np.where(np.isfinite(falling), falling, np.where(np.isfinite(last), last, 0.0))


def too_dear(cost: NDArray[np.float64], hardness: NDArray[np.float64]) -> NDArray[np.bool_]:
    """What costs more than it is harder than the pair's last candidate, shape (P, K)."""
    dear: NDArray[np.bool_] = cost > hardness - hardness[:, -1:]
    return dear
