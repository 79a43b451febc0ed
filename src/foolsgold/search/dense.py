"""Vectors as a source of candidates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Encoded
from foolsgold.memory import free_bytes
from foolsgold.search.plan import build_index, plan_index
from foolsgold.search.rescore import pair_scores
from foolsgold.search.voyager import VoyagerIndex
from foolsgold.settings import MiningSettings
from foolsgold.sources import DENSE

_QUERIES_AHEAD = 8_192  # found at once, however few are asked for: the corpus goes by once for all of them
_FOUND_BYTES = 32  # of a document found, while its search goes on


class DenseSource:
    """Finds the documents whose vectors are nearest to the query's."""

    name = DENSE

    def __init__(self, encoded: Encoded, settings: MiningSettings) -> None:
        self._query_vecs, self._doc_vecs = encoded.query_vecs, encoded.doc_vecs
        self._k = min(settings.depth, len(self._doc_vecs))
        device, free = search_device(settings.device), free_bytes(settings.memory)
        self._plan = plan_index(
            settings.index, self._query_vecs, self._doc_vecs, k=self._k, device=device, seed=settings.seed
        )
        self._index = build_index(
            self._plan, self._query_vecs, self._doc_vecs, k=self._k, device=device, seed=settings.seed,
            quiet=settings.quiet, memory_bytes=None if free is None else free // 2,
        )  # fmt: skip
        self._n_ahead = _QUERIES_AHEAD if free is None else min(_QUERIES_AHEAD, free // 4 // (_FOUND_BYTES * self._k))
        self._ahead = slice(0, 0)
        self._found = np.empty((0, 0), np.int32), np.empty((0, 0))

    def search(self, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """doc_rows (B, k) and scores (B, k), most similar first, equal scores by document order."""
        found = self._found[0].shape[1] == k and self._ahead.start <= rows.start and rows.stop <= self._ahead.stop
        if not found:
            stop = max(rows.stop, min(len(self._query_vecs), rows.start + self._n_ahead))
            self._ahead = slice(rows.start, stop)
            self._found = self._index.search(self._query_vecs, self._ahead, k)
        part = slice(rows.start - self._ahead.start, rows.stop - self._ahead.start)
        return self._found[0][part], self._found[1][part]

    def pair_scores(self, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """The similarity of each (query, document) pair, shape (P,)."""
        return pair_scores(self._query_vecs, self._doc_vecs, query_rows, doc_rows)

    def describe(self) -> dict[str, Any]:
        """Index and reason; for an approximate index also its recall, measured on a sample of queries."""
        return self._plan.describe() | (self._index.describe() if isinstance(self._index, VoyagerIndex) else {})


def search_device(device: str | None) -> str:
    """Where exact search runs: on the GPU that is named, or on the first where none is."""
    if device is not None and not device.startswith("cuda"):
        return "cpu"
    import torch

    return device or ("cuda" if torch.cuda.is_available() else "cpu")
