"""How near documents are to each other: candidates to known positives, and candidates among themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors

_UNSURE = 1e-4  # float32 products are off by less


class Neighbours:
    """Cosines of documents, whatever the similarity in which queries are compared with them.

    Args:
        doc_vecs: the corpus.
        near_duplicate: cosine above which two documents nearly repeat each other; None: never.
    """

    def __init__(self, doc_vecs: Vectors, *, near_duplicate: float | None) -> None:
        self._doc_vecs = doc_vecs
        self._near_duplicate = near_duplicate

    def unit_vectors(self, doc_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Shape (len(doc_rows), D); a vector of zeros stays one."""
        vecs = self._doc_vecs.values[doc_rows].astype(np.float32)
        norms = np.sqrt(np.einsum("nd,nd->n", vecs, vecs, dtype=np.float64))
        unit: NDArray[np.float32] = vecs * (1 / np.maximum(norms, 1e-30)).astype(np.float32)[:, None]
        return unit

    def cosines(self, vecs: NDArray[np.float32], positives: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shape (K, P), summed pair by pair, so that neither blocks nor threads show."""
        cosines: NDArray[np.float32] = np.einsum("kd,pd->kp", vecs, positives)
        return cosines

    def duplicate_of(self, vecs: NDArray[np.float32]) -> NDArray[np.int16]:
        """For each of K candidates, by rank, the first kept one that it nearly repeats, or itself; shape (K,).

        Going down the ranks, a candidate that repeats none of those kept so far is kept.
        """
        n = len(vecs)
        first = np.arange(n, dtype=np.int16)
        if self._near_duplicate is None:
            return first
        near = self._near(vecs)
        if not near.any():
            return first
        kept = np.ones(n, np.bool_)
        for rank in range(1, n):
            repeated = np.flatnonzero(near[rank, :rank] & kept[:rank])
            if len(repeated):
                first[rank], kept[rank] = repeated[0], False
        return first

    def _near(self, vecs: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which pairs lie above the threshold, shape (K, K); what float32 cannot tell is summed in float64."""
        assert self._near_duplicate is not None
        cosines = vecs @ vecs.T
        near: NDArray[np.bool_] = np.tril(cosines > self._near_duplicate, -1)
        rows, columns = np.nonzero(np.tril(np.abs(cosines - self._near_duplicate) < _UNSURE, -1))
        exact = np.einsum("nd,nd->n", vecs[rows].astype(np.float64), vecs[columns].astype(np.float64))
        near[rows, columns] = exact > self._near_duplicate
        return near
