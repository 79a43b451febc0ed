"""What calibration asks for: candidates of some queries, and what witnesses say of them, wherever they are heard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.search import Candidates
from foolsgold.witness import Testimony


class CandidatesOfQueries(Protocol):
    """Such as a `CandidateStore`."""

    def blocks(self, n_queries: int, query_rows: NDArray[np.int64]) -> Iterator[Candidates]:
        """The candidates of some queries, ascending, at most `n_queries` at a time."""
        ...


class Hearing(Protocol):
    """Such as `Witnesses`."""

    @property
    def silent(self) -> tuple[str, ...]:
        """Witnesses that have nothing to say of the collection."""
        ...

    def hear(
        self, blocks: Iterable[Candidates], collection: Collection, query_rows: NDArray[np.int64] | None = None
    ) -> Iterator[Testimony]:
        """See `Witnesses.hear`."""
        ...
