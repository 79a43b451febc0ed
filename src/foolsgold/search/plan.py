"""Which index to search with."""

from __future__ import annotations

import math
import time
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors
from foolsgold.search.exact import exact_index
from foolsgold.search.first_pass import pass_speeds
from foolsgold.search.voyager import VoyagerIndex
from foolsgold.settings import IndexKind

_FAR_BELOW_PATIENCE = 1e11  # products and dimensions: below, any machine is done before measuring would pay
_AROUND = 1.3  # exact search takes as much longer than the multiplication itself: benchmarks/speed
_SAMPLE = 2_000  # documents and queries that Voyager is timed with
_QUERIES = 200
_PATIENCE_SECONDS = 600  # below, approximate results are not worth what they save


class Index(Protocol):
    """What the search stage asks of an index."""

    def search(self, query_vecs: Vectors, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """doc_rows (B, k) and scores (B, k), most similar first, equal scores by document order."""
        ...


class Plan(NamedTuple):
    """The index chosen, and why, for the report; seconds are estimated for this machine, None where not needed."""

    kind: str
    reason: str
    exact_seconds: float | None = None
    voyager_seconds: float | None = None

    def describe(self) -> dict[str, Any]:
        """For the report."""
        estimates = {"exact_seconds": self.exact_seconds, "voyager_seconds": self.voyager_seconds}
        known = {name: round(seconds, 1) for name, seconds in estimates.items() if seconds is not None}
        return {"index": self.kind, "reason": self.reason, "estimated": known}


def plan_index(
    kind: IndexKind, query_vecs: Vectors, doc_vecs: Vectors, *, k: int, device: str, seed: int,
    n_queries: int | None = None,
) -> Plan:  # fmt: skip
    """Exact search, unless Voyager would save much of a long run; both are timed on a sample where it matters.

    Args:
        kind: what was asked for.
        query_vecs: Q queries of D dimensions.
        doc_vecs: N documents.
        k: documents wanted of each query.
        device: where exact search would run.
        seed: of Voyager's graph.
        n_queries: Q, where only a sample of the queries is at hand; None: these are all.
    """
    if kind != "auto":
        return Plan(kind, "asked for")
    n_queries = len(query_vecs) if n_queries is None else n_queries
    n_docs = len(doc_vecs)
    if n_queries * n_docs * doc_vecs.dimensions < _FAR_BELOW_PATIENCE:
        return Plan("exact", "few enough products to be done in seconds")
    exact_seconds = _AROUND * n_queries * n_docs * _seconds_per_product(doc_vecs, device)
    if exact_seconds < _PATIENCE_SECONDS:
        return Plan("exact", f"done in about {exact_seconds:.0f} s, measured on a sample", exact_seconds)
    voyager_seconds = _voyager_seconds(query_vecs, doc_vecs, k=k, seed=seed, n_all=n_queries)
    kind = "voyager" if exact_seconds > 2 * voyager_seconds else "exact"
    reason = f"measured on a sample: about {exact_seconds:.0f} s exact, {voyager_seconds:.0f} s with Voyager"
    return Plan(kind, reason, exact_seconds, voyager_seconds)


def build_index(
    plan: Plan,
    query_vecs: Vectors,
    doc_vecs: Vectors,
    *,
    k: int,
    device: str,
    seed: int,
    quiet: bool,
    memory_bytes: int | None = None,
) -> Index:
    """The index that was planned; Voyager visits as many documents a query as a good recall takes."""
    if plan.kind == "exact":
        return exact_index(doc_vecs, device, memory_bytes=memory_bytes)
    index = VoyagerIndex(doc_vecs, seed=seed, show_progress=not quiet)
    index.tune(query_vecs, k=k, seed=seed)
    return index


def _seconds_per_product(doc_vecs: Vectors, device: str) -> float:
    """Of the fastest way to multiply, on the device."""
    if device == "cpu":
        return min(speed.product for speed in pass_speeds(doc_vecs).values())
    import torch

    docs = torch.from_numpy(np.ascontiguousarray(doc_vecs.block(0, 4 * _SAMPLE))).to(device)
    torch.mm(docs, docs.T).sum().item()  # the first call also sets up
    started = time.perf_counter()
    torch.mm(docs, docs.T).sum().item()
    return (time.perf_counter() - started) / len(docs) ** 2


def _voyager_seconds(query_vecs: Vectors, doc_vecs: Vectors, *, k: int, seed: int, n_all: int) -> float:
    """Of building with all documents and asking all queries: both go with the logarithm of the corpus."""
    sample = doc_vecs.first(_SAMPLE)
    started = time.perf_counter()
    index = VoyagerIndex(sample, seed=seed)
    built = time.perf_counter()
    n_queries = min(_QUERIES, len(query_vecs))
    index.search(query_vecs, slice(0, n_queries), min(k, len(sample)))
    asked = time.perf_counter()
    longer = math.log(len(doc_vecs)) / math.log(len(sample))
    return longer * ((built - started) * len(doc_vecs) / len(sample) + (asked - built) * n_all / n_queries)
