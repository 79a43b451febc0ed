"""Pairs of which something is known, ready to be looked for among candidates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PAIRS_AT_ONCE = 4_096


class KnownPairs:
    """(group of queries, document) pairs; in place of a document, the key of a text.

    Args:
        groups: shape (n,), which queries share what is known.
        docs: shape (n,), from 0 to `n_documents` - 1.
        n_documents: above all documents, or keys.
    """

    def __init__(self, groups: NDArray[np.int64], docs: NDArray[np.integer], n_documents: int) -> None:
        self._n_documents = n_documents
        self._keys = np.unique(groups * n_documents + docs)

    def of(self, group: int) -> NDArray[np.int64]:
        """The documents of one group, ascending."""
        first = group * self._n_documents
        start, stop = np.searchsorted(self._keys, [first, first + self._n_documents])
        docs: NDArray[np.int64] = self._keys[start:stop] - first
        return docs

    def have(self, groups: NDArray[np.int64], docs: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Which pairs are among these, in the shape of both."""
        wanted = groups * self._n_documents + docs
        if not len(self._keys):
            return np.zeros(wanted.shape, np.bool_)
        place = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        found: NDArray[np.bool_] = self._keys[place] == wanted
        return found

    def among(self, docs: NDArray[np.integer], groups: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of docs (B, K), -1 for none, make a pair with the group of their row, groups (B,).

        Little is known of each group, so that the few known documents are compared with a row, not each document of a
        row looked up among all that is known.
        """
        found = np.zeros(docs.shape, np.bool_)
        first = groups * self._n_documents
        starts, stops = np.searchsorted(self._keys, [first, first + self._n_documents])
        counts = stops - starts
        rows = np.repeat(np.arange(len(docs)), counts)  # (M,)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        known = (self._keys[starts[rows] + within] - first[rows]).astype(docs.dtype)
        for start in range(0, len(rows), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            pair, column = np.nonzero(docs[rows[part]] == known[part, None])
            found[rows[part][pair], column] = True
        return found
