"""How much of what two runs chose is the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.compare.joined import Joined, Pairs


@dataclass(frozen=True)
class Overlap:
    """Of (query, document) pairs, each once.

    Attributes:
        both: chosen by both runs.
        first_only: chosen by the first alone.
        second_only: chosen by the second alone.
        mean_by_query: mean of the overlap of each query that has negatives in either; None where none has.
        queries: that have.
    """

    both: int
    first_only: int
    second_only: int
    mean_by_query: float | None
    queries: int

    @property
    def ratio(self) -> float | None:
        """Pairs of both by pairs of either (Jaccard's index); None where nothing was chosen."""
        either = self.both + self.first_only + self.second_only
        return self.both / either if either else None


class OverlapByQuery(NamedTuple):
    """Counts of documents, each shape (Q,).

    Attributes:
        both: chosen by both.
        either: chosen by one or both.
    """

    both: NDArray[np.int64]
    either: NDArray[np.int64]

    @property
    def ratios(self) -> NDArray[np.float64]:
        """Jaccard's index of each query; NaN for one without negatives."""
        nothing = np.full(len(self.both), np.nan)
        ratios: NDArray[np.float64] = np.divide(self.both, self.either, out=nothing, where=self.either > 0)
        return ratios


def overlap_of(joined: Joined, pairs: tuple[Pairs, Pairs]) -> tuple[Overlap, OverlapByQuery]:
    """Overlap of all, and by query."""
    first, second = (of_run.keys for of_run in pairs)
    common = np.intersect1d(first, second, assume_unique=True)
    of_both, of_first, of_second = (_by_query(keys, joined) for keys in (common, first, second))
    by_query = OverlapByQuery(of_both, of_first + of_second - of_both)
    ratios = by_query.ratios[by_query.either > 0]
    mean = float(ratios.mean()) if len(ratios) else None
    whole = Overlap(len(common), len(first) - len(common), len(second) - len(common), mean, len(ratios))
    return whole, by_query


def _by_query(pairs: NDArray[np.int64], joined: Joined) -> NDArray[np.int64]:
    return np.bincount(pairs // max(len(joined.doc_ids), 1), minlength=len(joined.query_ids))
