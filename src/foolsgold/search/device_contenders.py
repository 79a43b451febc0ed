"""Contenders in torch, so that nothing leaves the device while the corpus goes by."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_MIN_WIDTH = 1_024
_MOST_PER_K, _MOST = 16, 4_096  # contenders, times k or at least, before true scores decide (many equal documents)


class DeviceContenders:
    """As `Contenders`, for B queries.

    Args:
        k: documents wanted of each.
        bounds: shape (B,), float64: the most by which a product can be off.
        least: shape (B,), float64: a score that k documents are known to reach.
    """

    def __init__(self, k: int, bounds: Tensor, least: Tensor) -> None:
        import torch

        self._k = k
        self._bounds = bounds
        self._least = least
        self._n = torch.zeros(len(bounds), dtype=torch.int64, device=bounds.device)
        shape = (len(bounds), max(_MIN_WIDTH, 2 * k))
        self._scores = torch.full(shape, -torch.inf, device=bounds.device)
        self._docs = torch.zeros(shape, dtype=torch.int64, device=bounds.device)

    @property
    def crowded(self) -> bool:
        """Whether bounds do not tell enough of them apart."""
        return int(self._n.max()) > max(_MOST, _MOST_PER_K * self._k)

    def add(self, products: Tensor, first_doc: int) -> None:
        """Look at the products (B, n) with the next documents."""
        rows, columns = (products >= self._thresholds()[:, None]).nonzero(as_tuple=True)
        self._append(rows, columns + first_doc, products[rows, columns])
        self._raise()

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Rows from 0 to B - 1 and documents, flat, by row and in document order."""
        rows, columns = self._present().nonzero(as_tuple=True)
        return rows, self._docs[rows, columns]

    def compact(self) -> None:
        """Drop what no longer reaches the threshold."""
        self._keep(self._present() & (self._scores >= self._thresholds()[:, None]))

    def cut(self, exact_scores: Tensor) -> tuple[Tensor, Tensor]:
        """Leave the k best by the true scores of `pairs()`, equal ones by document order: docs and scores, (B, k)."""
        import torch

        rows, columns = self._present().nonzero(as_tuple=True)
        scores = torch.full(self._scores.shape, -torch.inf, dtype=torch.float64, device=self._scores.device)
        scores[rows, columns] = exact_scores
        order = torch.argsort(scores, dim=1, descending=True, stable=True)[:, : self._k]
        best, docs = scores.gather(1, order), self._docs.gather(1, order)
        self._least = torch.maximum(self._least, best[:, -1])
        self._keep(torch.zeros_like(scores, dtype=torch.bool).scatter_(1, order, True) & self._present())
        return docs, best

    def _thresholds(self) -> Tensor:
        """What a product must reach, shape (B,), rounded down."""
        import torch

        exact = (self._least - self._bounds).float()
        return torch.nextafter(exact, torch.full_like(exact, -torch.inf))

    def _raise(self) -> None:
        import torch

        width = int(self._n.max())
        if width > max(_MOST, _MOST_PER_K * self._k):
            self.compact()
            width = int(self._n.max())
        if width >= self._k:
            kth = torch.topk(self._scores[:, :width], self._k, dim=1).values[:, -1]
            self._least = torch.maximum(self._least, kth.double() - self._bounds)

    def _append(self, rows: Tensor, docs: Tensor, scores: Tensor) -> None:
        """Put new ones, sorted by row, behind those that each row has."""
        import torch

        n_new = torch.bincount(rows, minlength=len(self._n))
        missing = int((self._n + n_new).max()) - self._scores.shape[1]
        if missing > 0:
            self._scores = torch.nn.functional.pad(self._scores, (0, missing), value=-torch.inf)
            self._docs = torch.nn.functional.pad(self._docs, (0, missing))
        behind = self._n - (torch.cumsum(n_new, 0) - n_new)
        columns = torch.arange(len(rows), device=rows.device) + behind[rows]
        self._scores[rows, columns] = scores
        self._docs[rows, columns] = docs
        self._n += n_new

    def _keep(self, keep: Tensor) -> None:
        """Drop all others, in order; keep is of shape (B, width)."""
        import torch

        rows, columns = keep.nonzero(as_tuple=True)
        docs, scores = self._docs[rows, columns], self._scores[rows, columns]
        self._n = torch.zeros_like(self._n)
        self._scores.fill_(-torch.inf)
        self._append(rows, docs, scores)

    def _present(self) -> Tensor:
        import torch

        return torch.arange(self._scores.shape[1], device=self._n.device) < self._n[:, None]
