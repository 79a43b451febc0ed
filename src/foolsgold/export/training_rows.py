"""Negatives with their texts, in blocks, as the writers of training files need them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection, rows_of
from foolsgold.errors import CollectionError

_NEGATIVES_AT_ONCE = 16_384


@dataclass(frozen=True)
class TrainingRow:
    """One query with documents of its own: one positive for forms by pair, all of them for forms by query."""

    query: str
    positives: list[str]
    negatives: list[str]


def rows_by_pair(negatives: pa.Table, collection: Collection) -> Iterator[list[TrainingRow]]:
    """Blocks with a row per (query, positive) pair; queries without positives have no place in training files."""
    return _blocks(negatives, collection, by_query=False)


def rows_by_query(negatives: pa.Table, collection: Collection) -> Iterator[list[TrainingRow]]:
    """Blocks with a row per query: the positives that have negatives, and every negative chosen for any of them."""
    return _blocks(negatives, collection, by_query=True)


def _blocks(negatives: pa.Table, collection: Collection, *, by_query: bool) -> Iterator[list[TrainingRow]]:
    negatives = negatives.filter(negatives["positive_id"].is_valid())
    queries = _rows(negatives["query_id"], collection.query_ids)
    positives = _rows(negatives["positive_id"], collection.doc_ids)
    documents = _rows(negatives["doc_id"], collection.doc_ids)
    changes = queries[1:] != queries[:-1]
    if not by_query:
        changes = changes | (positives[1:] != positives[:-1])
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1, [len(queries)]]) if len(queries) else np.zeros(1, int)
    while len(starts) > 1:
        n_groups = max(1, int(np.searchsorted(starts, starts[0] + _NEGATIVES_AT_ONCE)) - 1)
        part = slice(int(starts[0]), int(starts[n_groups]))
        bounds = starts[: n_groups + 1] - starts[0]
        yield _training_rows(collection, queries[part], positives[part], documents[part], bounds, by_query=by_query)
        starts = starts[n_groups:]


def _training_rows(
    collection: Collection,
    queries: NDArray[np.int32],
    positives: NDArray[np.int32],
    documents: NDArray[np.int32],
    bounds: NDArray[np.int64],
    *,
    by_query: bool,
) -> list[TrainingRow]:
    query_texts = collection.query_texts(queries[bounds[:-1]])
    needed, where = np.unique(np.concatenate([positives, documents]), return_inverse=True)
    texts, keys = collection.document_texts(needed), collection.document_keys[needed]
    rows = []
    for query, start, stop in zip(query_texts, bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        sides = where[start:stop], where[len(positives) + start : len(positives) + stop]
        chosen = [_distinct(side, keys) if by_query else side.tolist() for side in sides]
        rows.append(TrainingRow(query, *([texts[i] for i in side] for side in chosen)))
    return rows


def _distinct(side: NDArray[np.int64], keys: NDArray[np.int64]) -> list[int]:
    """The first of each text."""
    _, first = np.unique(keys[side], return_index=True)
    distinct: list[int] = side[np.sort(first)].tolist()
    return distinct


def _rows(ids: pa.ChunkedArray, known: pa.ChunkedArray) -> NDArray[np.int32]:
    rows = rows_of(ids, known)
    if rows.null_count:
        raise CollectionError("negatives.parquet names ids that the collection does not have; mine or select again.")
    return np.asarray(rows.to_numpy(), np.int32)
