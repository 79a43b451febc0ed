"""The hardest survivors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock


class Top:
    """Takes the survivors of lowest rank; best where filters are trusted (NV-Retriever, arXiv 2407.15831).

    The rank, not the score: where several sources were fused, it holds what all of them say.
    """

    def order(
        self, pairs: PairBlock, keep: NDArray[np.bool_], *, pair_ids: Sequence[tuple[str, str]]
    ) -> NDArray[np.float64]:
        """The rank itself, shape (P, K)."""
        return np.broadcast_to(pairs.ranks.astype(np.float64), keep.shape)
