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
        """The rank itself, or price · p - h; shape (P, K)."""
        if self._price == 0:
            return np.broadcast_to(pairs.ranks.astype(np.float64), keep.shape)
        return self._price * np.nan_to_num(pairs.false_negative_probabilities.astype(np.float64)) - self.hardness(pairs)

    @staticmethod
    def gives_way(
        hardness: NDArray[np.float64], probabilities: NDArray[np.floating], *, price: float
    ) -> NDArray[np.bool_]:
        """What costs more than it is worth, so that a random document is the better negative, shape (P, K).

        A random document counts as hard as the pair's last candidate, and as no false negative:
        `h - price · p < h_last`.
        """
        cost = price * np.nan_to_num(probabilities.astype(np.float64))
        worse: NDArray[np.bool_] = cost > hardness - hardness[:, -1:]
        return worse & (price > 0)

    @staticmethod
    def hardness(pairs: PairBlock) -> NDArray[np.float64]:
        """The scores of each pair's candidates, sorted so that they fall with the rank, shape (P, K)."""
        scores = np.where(pairs.present & ~np.isnan(pairs.scores), pairs.scores, -np.inf)
        falling = -np.sort(-scores, axis=1)
        return np.where(np.isfinite(falling), falling, 0.0)
