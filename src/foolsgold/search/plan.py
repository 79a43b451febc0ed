"""Which index to search with."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors
from foolsgold.search.exact import ExactIndex
from foolsgold.search.voyager import VoyagerIndex
from foolsgold.settings import IndexKind

# On two cores, D = 384: exact search of 100,000 x 20,000 took 1.6 times a bare multiplication of 9.3 s; Voyager added
# 1,360 documents a second with one thread and answered 1,560 queries a second.
_EXACT_SECONDS_PER_PRODUCT = 1.6 * 9.3 / (100_000 * 20_000 * 384)
_BUILD_SECONDS_PER_DOCUMENT = 1 / 1_360
_QUERY_SECONDS = 1 / 1_560
_PATIENCE_SECONDS = 600  # below, approximate results are not worth what they save


class Index(Protocol):
    """What the search stage asks of an index."""

    def search(self, query_vecs: Vectors, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """doc_rows (B, k) and scores (B, k), most similar first, equal scores by document order."""
        ...


class Plan(NamedTuple):
    """The index chosen, and why, for the report."""

    kind: str
    reason: str


def plan_index(kind: IndexKind, *, n_queries: int, n_documents: int, dimensions: int) -> Plan:
    """Exact search unless Voyager would save much of a long run.

    >>> plan_index("auto", n_queries=1_000, n_documents=100_000, dimensions=384).kind
    'exact'
    """
    if kind != "auto":
        return Plan(kind, "asked for")
    exact_seconds = _EXACT_SECONDS_PER_PRODUCT * n_queries * n_documents * dimensions
    voyager_seconds = _BUILD_SECONDS_PER_DOCUMENT * n_documents + _QUERY_SECONDS * n_queries
    costs = f"estimated {exact_seconds:.1f} s exact, {voyager_seconds:.1f} s Voyager (on two cores)"
    if exact_seconds > _PATIENCE_SECONDS and exact_seconds > 2 * voyager_seconds:
        return Plan("voyager", costs)
    return Plan("exact", costs)


def build_index(plan: Plan, doc_vecs: Vectors, *, seed: int, show_progress: bool) -> Index:
    """The index that was planned."""
    return (
        ExactIndex(doc_vecs) if plan.kind == "exact" else VoyagerIndex(doc_vecs, seed=seed, show_progress=show_progress)
    )
