"""Contenders: the documents that may still be among the k best of a few queries, while the corpus goes by.

Approximate scores come in blocks, each off by no more than a bound that is known for each query. A document stays as
long as its score, were it off to its favour, reaches what k documents are sure to have: the running threshold.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_MIN_WIDTH = 1_024
_WORTH_RAISING = 0.25  # times k: after so many new ones a query, on average, the threshold is raised
_MOST_PER_K, _MOST = 16, 4_096  # contenders, times k or at least: with more of them the bounds are of no use

ExactScores = Callable[[NDArray[np.int64], NDArray[np.int32]], NDArray[np.float64]]


class Contenders:
    """Of B queries.

    Args:
        k: documents wanted of each.
        bounds: shape (B,), float64: the most by which an approximate score can be off.
        least: shape (B,), float64: a score that k documents are known to reach.
        exact_scores: the true scores of pairs, flat: rows from 0 to B - 1, and documents.
        may_give_up: leave queries of which too many documents contend, rather than score all of those exactly.

    Attributes:
        least: likewise, as it rises.
        given_up: shape (B,), bool: queries that were left.
    """

    def __init__(
        self, k: int, bounds: NDArray[np.float64], least: NDArray[np.float64], exact_scores: ExactScores, *,
        may_give_up: bool,
    ) -> None:  # fmt: skip
        self._k = k
        self._bounds = bounds
        self._exact_scores = exact_scores
        self._may_give_up = may_give_up
        self._most = max(_MOST, _MOST_PER_K * k)
        self.least = least
        self.given_up = np.zeros(len(bounds), np.bool_)
        self._n = np.zeros(len(bounds), np.int64)
        self._n_since = 0  # new ones since the threshold was raised
        self._scores = np.full((len(bounds), max(_MIN_WIDTH, 2 * k)), -np.inf, np.float32)
        self._docs = np.zeros(self._scores.shape, np.int32)

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """What an approximate score must reach, shape (B,)."""
        return np.where(self.given_up, np.inf, self.least - self._bounds)

    def add(self, products: NDArray[np.number], first_doc: int, *, units: NDArray[np.float64] | None = None) -> None:
        """Look at the next documents.

        Args:
            products: shape (B, n), contiguous, float32 or int32: approximate scores, divided by `units` if given.
            first_doc: that of the first column.
            units: shape (B,).
        """
        passed = np.greater_equal(products, _in_units(self.thresholds, units, products.dtype)[:, None])
        flat, n_new = _places(passed)
        scores = products.reshape(-1)[flat]
        if units is not None:
            scores = scores * np.repeat(units, n_new)
        first = np.arange(len(n_new)) * products.shape[1] - first_doc
        self._append(n_new, (flat - np.repeat(first, n_new)).astype(np.int32), scores.astype(np.float32))
        self._n_since += len(flat)
        if self._n_since >= _WORTH_RAISING * self._k * len(n_new):
            self._raise()
            self._n_since = 0

    def best(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """The k best of each query, true scores, equal ones by document order; of queries given up: anything.

        Returns:
            doc_rows (B, k) and scores (B, k).
        """
        self._raise()
        self._compact()
        return self._cut()

    def _append(self, n_new: NDArray[np.int64], docs: NDArray[np.int32], scores: NDArray[np.float32]) -> None:
        """Put new ones, by query, behind those that each query has."""
        if int((self._n + n_new).max()) > self._scores.shape[1]:
            self._compact()
            self._widen(int((self._n + n_new).max()))
        width = self._scores.shape[1]
        behind = np.arange(len(self._n)) * width + self._n - (np.cumsum(n_new) - n_new)
        places = np.arange(len(docs)) + np.repeat(behind, n_new)
        self._scores.reshape(-1)[places] = scores
        self._docs.reshape(-1)[places] = docs
        self._n += n_new

    def _widen(self, width: int) -> None:
        missing = width - self._scores.shape[1]
        if missing > 0:
            self._scores = np.pad(self._scores, ((0, 0), (0, missing)), constant_values=-np.inf)
            self._docs = np.pad(self._docs, ((0, 0), (0, missing)))

    def _raise(self) -> None:
        """The k-th best approximate score, less the bound, is reached by k documents."""
        width = int(self._n.max())
        if width < self._k:
            return
        kth = np.partition(self._scores[:, :width], width - self._k, axis=1)[:, width - self._k]
        self.least = np.maximum(self.least, kth - self._bounds)
        if width > self._most:
            self._compact()
            self._relieve()

    def _relieve(self) -> None:
        """Queries of which still too many contend: give up, or go by true scores (many equal documents)."""
        crowded = self._n > self._most
        if self._may_give_up:
            self.given_up |= crowded
            self._n[crowded] = 0
            self._scores[crowded] = -np.inf
        elif crowded.any():
            self._cut()

    def _compact(self) -> None:
        """Drop what no longer reaches the threshold."""
        scores = self._scores[:, : int(self._n.max())]
        self._keep(scores >= _in_units(self.thresholds, None, scores.dtype)[:, None])

    def _keep(self, keep: NDArray[np.bool_]) -> None:
        """Drop all others, in order; keep is of shape (B, width), of the first columns."""
        flat, n_kept = _places(keep & (np.arange(keep.shape[1]) < self._n[:, None]))
        docs = self._docs[:, : keep.shape[1]].reshape(-1)[flat]
        scores = self._scores[:, : keep.shape[1]].reshape(-1)[flat]
        self._scores[:, : keep.shape[1]] = -np.inf
        self._n = np.zeros_like(self._n)
        self._append(n_kept, docs, scores)

    def _cut(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Leave the k best by true scores, equal ones by document order, which is that of the columns."""
        width = max(self._k, int(self._n.max()))
        rows, columns = np.nonzero(np.arange(width) < self._n[:, None])
        scores = np.full((len(self._n), width), -np.inf)
        scores[rows, columns] = self._exact_scores(rows, self._docs[rows, columns])
        order = np.argsort(-scores, axis=1, kind="stable")[:, : self._k]  # (B, k)
        best = np.take_along_axis(scores, order, axis=1)
        found = np.take_along_axis(self._docs[:, :width], order, axis=1)
        self.least = np.maximum(self.least, best[:, -1])
        keep = np.zeros(scores.shape, np.bool_)
        np.put_along_axis(keep, order, True, axis=1)
        self._keep(keep)
        return found, best


def contender_bytes(k: int) -> int:
    """The memory that the contenders of a query take, nearly always."""
    return 2 * 8 * max(_MIN_WIDTH, 2 * k)  # scores and documents, and a copy while they are widened


def _places(chosen: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where a matrix (B, n) is true, as flat places, and how often each row is, shape (B,)."""
    flat = np.flatnonzero(chosen)
    ends = np.searchsorted(flat, np.arange(len(chosen) + 1) * chosen.shape[1])
    return flat, np.diff(ends)


def _in_units(
    thresholds: NDArray[np.float64], units: NDArray[np.float64] | None, dtype: np.dtype[np.number]
) -> NDArray[np.number]:
    """Thresholds that products of a type are compared with, rounded down."""
    exact = thresholds if units is None else thresholds / units
    if dtype == np.int32:
        limits = np.iinfo(np.int32)
        return np.clip(np.floor(exact), limits.min, limits.max).astype(np.int32)
    return np.nextafter(exact.astype(np.float32), np.float32(-np.inf))
