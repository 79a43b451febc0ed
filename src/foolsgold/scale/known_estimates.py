"""Estimates of queries whose witnesses were heard with the sample, and need not be heard again with their blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.search import Estimates


class KnownEstimates(NamedTuple):
    """Of some queries.

    Attributes:
        rows: shape (S,), ascending.
        estimates: shape (S, K), of their candidates by rank; anything beyond the last of these.
    """

    rows: NDArray[np.int64]
    estimates: Estimates

    @classmethod
    def joined(cls, parts: Sequence[KnownEstimates]) -> KnownEstimates:
        """Those of blocks, in order; at least one."""
        width = max(part.estimates.duplicate_of.shape[1] for part in parts)
        columns: Any = zip(*(widened(part.estimates, width) for part in parts), strict=True)
        return cls(np.concatenate([part.rows for part in parts]), Estimates(*map(np.concatenate, columns)))

    def between(self, start: int, stop: int) -> KnownEstimates:
        """Those of queries from `start` up to `stop`."""
        part = slice(*np.searchsorted(self.rows, [start, stop]))
        columns: list[Any] = [column[part] for column in self.estimates]
        return KnownEstimates(self.rows[part], Estimates(*columns))


def completed_estimates(
    known: KnownEstimates, unknown: NDArray[np.bool_], of_unknown: Estimates | None, doc_rows: NDArray[np.int32]
) -> Estimates:
    """Of all queries of a block.

    Args:
        known: of some of them.
        unknown: shape (B,): which are the others.
        of_unknown: shape (B - S, K), of these; None where there are none.
        doc_rows: shape (B, K), candidates.
    """
    width = doc_rows.shape[1]
    every = Estimates.nothing(doc_rows.shape)
    columns: list[Any] = [column.copy() for column in every]
    for column, of_known in zip(columns, widened(known.estimates, width), strict=True):
        column[~unknown] = of_known
    for column, of_others in zip(columns, of_unknown or (), strict=False):
        column[unknown] = of_others
    return Estimates(*columns)


def widened(estimates: Estimates, width: int) -> Estimates:
    """With so many columns: what is missing stands for no candidates, and nor does what is left out."""
    wide = Estimates.nothing((len(estimates.duplicate_of), width))
    columns: list[Any] = [column.copy() for column in wide]
    given: Any
    for column, given in zip(columns, estimates, strict=True):
        column[:, : given.shape[1]] = given[:, :width]
    return Estimates(*columns)
