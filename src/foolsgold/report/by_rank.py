"""Score and probability of candidates by rank, on a sample of the queries."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock

_QUERIES = 2_000
_QUANTILES = (0.25, 0.5, 0.75)


class ByRank:
    """Keeps the candidates' numbers of up to about 2,000 queries, spread evenly.

    Args:
        n_queries: Q.
    """

    def __init__(self, n_queries: int) -> None:
        self._step = max(1, n_queries // _QUERIES)
        self._scores: list[NDArray[np.floating]] = []
        self._probabilities: list[NDArray[np.floating]] = []

    def add(self, pairs: PairBlock) -> None:
        """A block of queries."""
        rows = pairs.first_pairs[pairs.query_rows[pairs.first_pairs] % self._step == 0]
        absent = ~pairs.present[rows]
        self._scores.append(np.where(absent, np.nan, pairs.scores[rows]))
        self._probabilities.append(np.where(absent, np.nan, pairs.false_negative_probabilities[rows]))

    def merge(self, other: ByRank) -> None:
        """Add the numbers of blocks that come after these; rows and Q are those of the whole collection."""
        self._scores += other._scores
        self._probabilities += other._probabilities

    def describe(self) -> dict[str, Any]:
        """As the report keeps it: a row for each rank, with quartiles; null where nothing is known."""
        scores, probabilities = _stacked(self._scores), _stacked(self._probabilities)
        rows = [
            {"rank": rank, "score": _quartiles(scores[:, rank]), "probability": _quartiles(probabilities[:, rank])}
            for rank in range(scores.shape[1])
        ]
        return {"queries": len(scores), "ranks": rows}


def _stacked(blocks: list[NDArray[np.floating]]) -> NDArray[np.floating]:
    """Shape (queries, K): a block may be narrower than another."""
    width = max((block.shape[1] for block in blocks), default=0)
    wide = [np.pad(block, ((0, 0), (0, width - block.shape[1])), constant_values=np.nan) for block in blocks]
    return np.concatenate([np.empty((0, width)), *wide])


def _quartiles(values: NDArray[np.floating]) -> list[float] | None:
    known = values[~np.isnan(values)]
    return [round(float(value), 5) for value in np.quantile(known, _QUANTILES)] if len(known) else None
