"""Lists of what was found for queries, and how those of several shares of the corpus become one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Lists(NamedTuple):
    """The best documents of B queries, by one source.

    Attributes:
        doc_rows: shape (B, k), int32, best first; -1 where there are fewer.
        scores: shape (B, k), float64 or float32; anything where there is no document.
    """

    doc_rows: NDArray[np.int32]
    scores: NDArray[np.floating]

    def of(self, places: NDArray[np.integer] | slice) -> Lists:
        """Those of some of the queries."""
        return Lists(self.doc_rows[places], self.scores[places])

    @classmethod
    def concatenated(cls, parts: Sequence[Lists]) -> Lists:
        """Those of all queries, one after the other."""
        return cls(np.concatenate([part.doc_rows for part in parts]), np.concatenate([part.scores for part in parts]))


def merged(k: int, *parts: Lists) -> Lists:
    """The k best of all shares of a corpus, equal scores by document order.

    Args:
        k: how many; where all shares together have fewer, -1 stands for the others.
        parts: of the same queries, in the order of the shares; in each equal scores stand by document order.
    """
    doc_rows = np.concatenate([part.doc_rows for part in parts], axis=1)
    scores = np.concatenate([part.scores for part in parts], axis=1)
    order = np.argsort(np.where(doc_rows >= 0, -scores, np.inf), axis=1, kind="stable")[:, :k]
    best = Lists(np.take_along_axis(doc_rows, order, axis=1), np.take_along_axis(scores, order, axis=1))
    missing = k - order.shape[1]
    if missing <= 0:
        return best
    wide = ((0, 0), (0, missing))
    return Lists(np.pad(best.doc_rows, wide, constant_values=-1), np.pad(best.scores, wide))


def filled(n_queries: int, known_places: NDArray[np.integer], known: Lists | None, rest: Lists | None) -> Lists:
    """The lists of a block of which some were known before.

    Args:
        n_queries: B.
        known_places: shape (n,), ascending: the queries whose lists are known.
        known: theirs; None where there are none.
        rest: those of the others, in order; None where there are none.
    """
    if known is None or rest is None:
        whole = rest if known is None else known
        assert whole is not None and len(whole.doc_rows) == n_queries
        return whole
    others = np.setdiff1d(np.arange(n_queries), known_places)
    doc_rows = np.empty((n_queries, known.doc_rows.shape[1]), np.int32)
    scores = np.empty(doc_rows.shape, known.scores.dtype)
    doc_rows[known_places], scores[known_places] = known
    doc_rows[others], scores[others] = rest
    return Lists(doc_rows, scores)
