"""Exact search on a GPU, with torch: the steps of `sweep`, and its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors
from foolsgold.search.device_contenders import DeviceContenders
from foolsgold.search.first_pass import rounding_bounds
from foolsgold.search.sweep import SweepSizes, growing_blocks, sampled_rows

if TYPE_CHECKING:
    from torch import Tensor

_SIZES = SweepSizes(queries=8_192, documents=32_768)  # 1 GB of products
_NARROW = 1_024  # with a larger k fewer queries are taken at once
_PAIRS_AT_ONCE = 262_144
_SHARE_FOR_CORPUS = 0.6  # of the free memory; a corpus that needs more is copied block by block, for each sweep


class DeviceIndex:
    """Finds the true k nearest documents on a device.

    Args:
        doc_vecs: the corpus, which stays on the device where it fits.
        device: what torch calls it, such as "cuda".
        sizes: what is handled at once; changes memory and speed, never the result.
    """

    first_pass = "float32"

    def __init__(self, doc_vecs: Vectors, device: str, *, sizes: SweepSizes = _SIZES) -> None:
        import torch

        self._doc_vecs = doc_vecs
        self._device = torch.device(device)
        self._sizes = sizes
        self._scales = self._to_device(doc_vecs.inverse_norms)  # (N,)
        self._resident = self._to_device(doc_vecs.values) if self._fits() else None  # (N, D)

    def search(self, query_vecs: Vectors, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """As `ExactIndex.search`: same arguments, same shapes, same order."""
        size = max(1, min(self._sizes.queries, self._sizes.queries * _NARROW // k))
        parts = [
            self._sweep(query_vecs, slice(start, min(start + size, rows.stop)), k)
            for start in range(rows.start, rows.stop, size)
        ]
        return np.concatenate([docs for docs, _ in parts]), np.concatenate([scores for _, scores in parts])

    def _sweep(self, query_vecs: Vectors, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        import torch

        on_host = query_vecs.block(rows.start, rows.stop)
        queries, bounds = self._to_device(on_host), self._to_device(rounding_bounds(on_host, self._doc_vecs))
        contenders = DeviceContenders(k, bounds, self._least_of_sample(queries, k) - bounds)
        for start, stop in growing_blocks(len(self._doc_vecs), self._sizes.documents):
            contenders.add(torch.mm(queries, self._documents(start, stop).T), start)
            if contenders.crowded:
                contenders.cut(self._exact_scores(query_vecs, rows, *contenders.pairs()))
        contenders.compact()
        docs, scores = contenders.cut(self._exact_scores(query_vecs, rows, *contenders.pairs()))
        return docs.int().cpu().numpy(), scores.cpu().numpy()

    def _least_of_sample(self, queries: Tensor, k: int) -> Tensor:
        """The k-th best product with a sample of documents, shape (B,)."""
        import torch

        sampled = sampled_rows(len(self._doc_vecs))
        if len(sampled) < k:
            return torch.full((len(queries),), -torch.inf, dtype=torch.float64, device=self._device)
        sample = self._to_device(self._doc_vecs.block_of(sampled))
        return torch.topk(torch.mm(queries, sample.T), k, dim=1).values[:, -1].double()

    def _exact_scores(self, query_vecs: Vectors, rows: slice, owners: Tensor, docs: Tensor) -> Tensor:
        """In float64, each pair by itself, of values as they are stored; owners count from `rows.start`."""
        import torch

        queries = self._to_device(query_vecs.values[rows]).double()
        scales = self._to_device(query_vecs.inverse_norms[rows])
        scores = torch.empty(len(docs), dtype=torch.float64, device=self._device)
        for start in range(0, len(docs), _PAIRS_AT_ONCE):
            part = slice(start, start + _PAIRS_AT_ONCE)
            scores[part] = (queries[owners[part]] * self._stored(docs[part]).double()).sum(dim=1)
        return scores * (scales[owners] * self._scales[docs])

    def _documents(self, start: int, stop: int) -> Tensor:
        """A block as it is multiplied, shape (stop - start, D), float32."""
        if self._resident is None:
            return self._to_device(self._doc_vecs.block(start, stop))
        block = self._resident[start:stop].float()
        return block if self._doc_vecs.needs_no_scaling else block * self._scales[start:stop, None].float()

    def _stored(self, docs: Tensor) -> Tensor:
        """Documents as they are stored, shape (P, D)."""
        if self._resident is None:
            return self._to_device(self._doc_vecs.values[docs.cpu().numpy()])
        return self._resident[docs]

    def _to_device(self, values: NDArray[np.generic]) -> Tensor:
        import torch

        return torch.from_numpy(np.require(values, requirements=["C", "W", "E"])).to(self._device)

    def _fits(self) -> bool:
        import torch

        if self._device.type != "cuda":
            return True
        free, _ = torch.cuda.mem_get_info(self._device)
        return bool(self._doc_vecs.values.nbytes < _SHARE_FOR_CORPUS * free)
