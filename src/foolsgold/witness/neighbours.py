"""How near documents are to each other: candidates to known positives, and candidates among themselves."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors

_UNSURE = 1e-4  # float32 products are off by less
_ROWS_AT_ONCE = 65_536


class Neighbours:
    """Cosines of documents, whatever the similarity in which queries are compared with them.

    Args:
        doc_vecs: the corpus.
        near_duplicate: cosine above which two documents nearly repeat each other; None: never.
    """

    def __init__(self, doc_vecs: Vectors, *, near_duplicate: float | None) -> None:
        self._values = np.asarray(doc_vecs.values)  # memory-mapped still
        self._near_duplicate = near_duplicate
        self._scales = _inverse_norms(doc_vecs).astype(np.float32)  # (N,)

    def unit_vectors(self, doc_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """Of rows of any shape, (..., D); a vector of zeros stays one."""
        vecs: NDArray[np.float32] = np.take(self._values, doc_rows, axis=0).astype(np.float32, copy=False)
        vecs *= self._scales[doc_rows][..., None]
        return vecs

    def cosines(self, vecs: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of the K candidates (B, K, D) of each query with one other (B, D): shape (B, K).

        Each is summed by itself, so that neither blocks nor threads show.
        """
        cosines: NDArray[np.float32] = np.einsum("bkd,bd->bk", vecs, others)
        return cosines

    def duplicate_of(self, vecs: NDArray[np.float32], present: NDArray[np.bool_]) -> NDArray[np.int16]:
        """For each candidate, by rank, the first kept one that it nearly repeats, or itself.

        Going down the ranks, a candidate that repeats none of those kept so far is kept.

        Args:
            vecs: shape (B, K, D), of unit length.
            present: shape (B, K), where there is a candidate.

        Returns:
            Shape (B, K), -1 where there is no candidate.
        """
        first = np.where(present, np.arange(present.shape[1], dtype=np.int16), np.int16(-1))
        if self._near_duplicate is None:
            return first
        near = self._near(vecs, self._near_duplicate)  # (B, K, K)
        near &= present[:, :, None] & present[:, None, :]
        some = near.any(axis=(1, 2))
        first[some] = _first_kept(near[some], first[some])
        return first

    def _near(self, vecs: NDArray[np.float32], threshold: float) -> NDArray[np.bool_]:
        """Which pairs lie above the threshold, shape (B, K, K), each later candidate with the earlier ones.

        What float32 cannot tell is summed in float64.
        """
        cosines = _all_cosines(vecs)
        queries, rows, columns = np.unravel_index(np.flatnonzero(cosines > threshold - _UNSURE), cosines.shape)
        earlier = columns < rows
        queries, rows, columns = queries[earlier], rows[earlier], columns[earlier]
        found = cosines[queries, rows, columns]
        above = found > threshold
        unsure = np.flatnonzero(found < threshold + _UNSURE)
        products = vecs[queries[unsure], rows[unsure]].astype(np.float64)
        products *= vecs[queries[unsure], columns[unsure]]
        above[unsure] = np.add.reduce(products, axis=1) > threshold
        near = np.zeros(cosines.shape, np.bool_)
        near[queries[above], rows[above], columns[above]] = True
        return near


def _all_cosines(vecs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of all pairs of each query's documents, (B, K, D) to (B, K, K)."""
    cosines: NDArray[np.float32]
    if "torch" not in sys.modules:  # it takes longer to load than it saves
        cosines = np.matmul(vecs, vecs.transpose(0, 2, 1))
        return cosines
    import torch

    of = torch.from_numpy(vecs)
    cosines = torch.bmm(of, of.transpose(1, 2)).numpy()  # one call for all queries: their threads start once
    return cosines


def _first_kept(near: NDArray[np.bool_], first: NDArray[np.int16]) -> NDArray[np.int16]:
    kept = np.ones(first.shape, np.bool_)
    for rank in range(1, first.shape[1]):
        repeated = near[:, rank, :rank] & kept[:, :rank]
        repeats = repeated.any(axis=1)
        first[repeats, rank] = repeated[repeats].argmax(axis=1)
        kept[repeats, rank] = False
    return first


def _inverse_norms(vecs: Vectors) -> NDArray[np.float64]:
    """Shape (n,), whatever the similarity; those of vectors of zeros are finite."""
    if vecs.similarity == "cosine":
        return vecs.inverse_norms
    norms = np.empty(len(vecs))
    for start in range(0, len(vecs), _ROWS_AT_ONCE):
        block = np.asarray(vecs.values[start : start + _ROWS_AT_ONCE], np.float64)
        norms[start : start + len(block)] = np.sqrt(np.add.reduce(block * block, axis=1))
    inverse: NDArray[np.float64] = 1 / np.maximum(norms, 1e-30)
    return inverse
