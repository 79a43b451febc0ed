"""The negatives of two runs as numbers, joined by the ids of queries and documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.collection import rows_of
from foolsgold.compare.run_folder import RunFolder
from foolsgold.errors import CollectionError

_COLUMNS = (
    "query_id", "positive_id", "doc_id", "rank", "score", "positive_score", "source", "false_negative_probability",
)  # fmt: skip


class Negatives(NamedTuple):
    """The n negatives of a run for queries that both have, in the run's order; about 30 bytes each, no texts.

    Attributes:
        queries: shape (n,), int64, places in `Joined.query_ids`.
        docs: shape (n,), int64, places in `Joined.doc_ids`.
        ranks: shape (n,), float32; NaN for what was no candidate.
        scores: shape (n,), float32; NaN where there is none.
        positive_scores: shape (n,), float32; NaN where there is none.
        probabilities: shape (n,), float32, of being false; NaN where nothing is known.
        starts: shape (n,), bool, whether it is the first of its (query, positive) pair.
        sources: how many each source found.
    """

    queries: NDArray[np.int64]
    docs: NDArray[np.int64]
    ranks: NDArray[np.float32]
    scores: NDArray[np.float32]
    positive_scores: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    starts: NDArray[np.bool_]
    sources: dict[str, int]


class Pairs(NamedTuple):
    """The p (query, document) pairs of n negatives: a query with several positives may repeat some.

    Attributes:
        keys: shape (p,), ascending, as `Joined.keys` makes them.
        rows: shape (p,), the first negative of each.
        of_rows: shape (n,), the place in `keys` of each negative.
    """

    keys: NDArray[np.int64]
    rows: NDArray[np.int64]
    of_rows: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Joined:
    """Two runs' negatives over the ids that they share.

    In memory are the ids of queries and of chosen documents, each once, and the numbers of both runs' negatives.

    Attributes:
        query_ids: of Q queries that both runs have, in the first one's order.
        doc_ids: of all documents that either chose.
        negatives: of both.
        n_queries: of each run, whether shared or not.
        query_rows: for each query of a run, in the order of its candidates.parquet, its place in `query_ids`, -1 where
            the other run does not have it; None for a run without that file.
    """

    query_ids: pa.Array
    doc_ids: pa.Array
    negatives: tuple[Negatives, Negatives]
    n_queries: tuple[int, int]
    query_rows: tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]

    @property
    def pairs(self) -> tuple[Pairs, Pairs]:
        """Each run's (query, document) pairs."""
        first, second = (
            Pairs(*np.unique(self.keys(part.queries, part.docs), return_index=True, return_inverse=True))
            for part in self.negatives
        )
        return first, second

    def keys(self, queries: NDArray[np.int64], docs: NDArray[np.int64]) -> NDArray[np.int64]:
        """A number for each pair: place of the query * documents + place of the document."""
        keys: NDArray[np.int64] = queries * len(self.doc_ids) + docs
        return keys


def join(first: RunFolder, second: RunFolder) -> Joined:
    """Read both runs' negatives.

    Raises:
        CollectionError: a file cannot be read, or the runs have no query in common.
    """
    runs = (first, second)
    ids = [_query_ids(run) for run in runs]
    if first.fingerprint is not None and first.fingerprint == second.fingerprint:
        shared = pa.chunked_array(ids).unique()  # also those for which one run without candidates.parquet chose nothing
    else:
        shared = ids[0].filter(pa.array(_places(ids[0], ids[1]) >= 0))
    if not len(shared):
        raise CollectionError(
            f"{first.path} and {second.path} have no query in common: {_some(ids[0])} in the first, {_some(ids[1])} in "
            "the second. Compare runs over the same queries, whose ids are the same."
        )
    rows = [_places(of_run, shared) if run.has_candidates else None for run, of_run in zip(runs, ids, strict=True)]
    parts = [list(_parts(run, shared)) for run in runs]
    chunks = [part.doc_ids for of_run in parts for part in of_run]
    docs = pa.chunked_array(chunks, pa.dictionary(pa.int32(), pa.large_string())).unify_dictionaries()
    doc_ids = docs.chunk(0).dictionary if docs.num_chunks else pa.array([], pa.large_string())
    codes = iter([chunk.indices.to_numpy().astype(np.int64) for chunk in docs.chunks])
    negatives = [_together(of_run, codes) for of_run in parts]
    return Joined(shared, doc_ids, (negatives[0], negatives[1]), (len(ids[0]), len(ids[1])), (rows[0], rows[1]))


class _Part(NamedTuple):
    """A row group: ids of documents as a dictionary, the rest as `Negatives` has it."""

    doc_ids: pa.DictionaryArray
    queries: NDArray[np.int64]
    numbers: list[NDArray[np.float32]]
    starts: NDArray[np.bool_]
    sources: dict[str, int]


def _parts(run: RunFolder, shared: pa.Array) -> Iterator[_Part]:
    last: tuple[str | None, str | None] = ("", "")  # no id is empty
    for batch in run.negatives(_COLUMNS):
        starts = np.concatenate([[True], _changes(batch)])[: batch.num_rows]
        if batch.num_rows:
            starts[0] = last != (batch["query_id"][0].as_py(), batch["positive_id"][0].as_py())
            last = (batch["query_id"][-1].as_py(), batch["positive_id"][-1].as_py())
        places = _places(batch["query_id"], shared)
        kept = places >= 0
        rows = batch.filter(pa.array(kept))
        names = ("rank", "score", "positive_score", "false_negative_probability")
        numbers = [rows[name].cast(pa.float32()).to_numpy(zero_copy_only=False).astype(np.float32) for name in names]
        sources = {one["values"]: one["counts"] for one in rows["source"].value_counts().to_pylist()}
        yield _Part(rows["doc_id"].dictionary_encode(), places[kept], numbers, starts[kept], sources)


def _changes(batch: pa.RecordBatch) -> NDArray[np.bool_]:
    """Whether each row but the first is of another pair than the one before."""
    ids = [pc.fill_null(batch[name], "") for name in ("query_id", "positive_id")]
    changed: NDArray[np.bool_] = pc.or_(*(pc.not_equal(part[1:], part[:-1]) for part in ids)).to_numpy(
        zero_copy_only=False
    )
    return changed


def _together(parts: list[_Part], codes: Iterator[NDArray[np.int64]]) -> Negatives:
    docs = [next(codes) for _ in parts]
    sources: dict[str, int] = {}
    for part in parts:
        for name, count in part.sources.items():
            sources[name] = sources.get(name, 0) + count
    ranks, scores, positive_scores, probabilities = (
        _joined([part.numbers[i] for part in parts], np.float32) for i in range(4)
    )
    return Negatives(
        _joined([part.queries for part in parts], np.int64),
        _joined(docs, np.int64),
        ranks, scores, positive_scores, probabilities,
        _joined([part.starts for part in parts], np.bool_),
        dict(sorted(sources.items(), key=lambda item: (-item[1], item[0]))),
    )  # fmt: skip


def _joined(parts: list[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    """All of them, also where there are none."""
    return np.concatenate([np.empty(0, kind), *parts])


def _query_ids(run: RunFolder) -> pa.Array:
    """Of all queries of a run; without candidates.parquet, of those that have negatives."""
    if run.has_candidates:
        chunks = [batch["query_id"].cast(pa.large_string()) for batch in run.candidates(ids_only=True)]
        return pa.chunked_array(chunks, pa.large_string()).combine_chunks()
    chunks = [batch["query_id"].unique() for batch in run.negatives(("query_id",))]
    return pa.chunked_array(chunks, pa.large_string()).unique()


def _places(ids: pa.Array, known: pa.Array) -> NDArray[np.int64]:
    """The place of each id among the known ones, -1 where it is none of them."""
    found: NDArray[np.int64] = rows_of(ids, known).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return found


def _some(ids: pa.Array) -> str:
    return ", ".join(repr(value[:40]) for value in ids[:3].to_pylist()) or "none"
