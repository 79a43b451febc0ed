"""The four forms that sentence-transformers trains on; the order of columns matters to it, their names do not.

But a column of labels or scores must be called so. With scores, triplet and n-tuple have those of the positive and the
negatives in one list, and the labeled forms have them instead of labels, as the library's `mine_hard_negatives` does.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from foolsgold.export.by_pair import ByPair
from foolsgold.export.by_query import ByQuery
from foolsgold.export.nested import SCORES, TEXT, TEXTS, score_lists
from foolsgold.export.part import Columns, Shape
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows


def triplet_schema(shape: Shape) -> pa.Schema:
    """anchor, positive, negative."""
    return _with_scores([("anchor", TEXT), ("positive", TEXT), ("negative", TEXT)], shape)


def triplets(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per negative."""
    columns = [texts.queries(rows.query_rows), *map(texts.documents, (rows.positive_rows, rows.doc_rows))]
    if shape.with_scores:
        columns.append(score_lists(np.stack([rows.positive_scores, rows.scores], axis=1)))
    return columns


def n_tuple_schema(shape: Shape) -> pa.Schema:
    """anchor, positive, negative_1 … negative_N; with one negative, as the library does, just negative."""
    if shape.n_negatives == 1:
        return triplet_schema(shape)
    negatives = [(f"negative_{i}", TEXT) for i in range(1, shape.n_negatives + 1)]
    return _with_scores([("anchor", TEXT), ("positive", TEXT), *negatives], shape)


def n_tuples(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per (query, positive) pair."""
    pairs = ByPair.of(rows, shape.n_negatives)
    scores = [score_lists(pairs.scores)] if shape.with_scores else []
    return [texts.queries(pairs.query_rows), *map(texts.documents, pairs.doc_rows.T), *scores]


def labeled_pair_schema(shape: Shape) -> pa.Schema:
    """anchor, text, label."""
    last = ("score", pa.float32()) if shape.with_scores else ("label", pa.int64())
    return pa.schema([("anchor", TEXT), ("text", TEXT), last])


def labeled_pairs(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per query and document, labelled 1 or 0, each document once."""
    by_query = ByQuery.of(rows, texts.document_keys)
    anchors = texts.queries(np.repeat(by_query.query_rows, by_query.counts))
    return [anchors, texts.documents(by_query.doc_rows), _labels(by_query, shape)]


def labeled_list_schema(shape: Shape) -> pa.Schema:
    """query, docs, labels."""
    last = ("scores", SCORES) if shape.with_scores else ("labels", pa.list_(pa.int64()))
    return pa.schema([("query", TEXT), ("docs", TEXTS), last])


def labeled_lists(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per query: positives labelled 1, then negatives labelled 0."""
    by_query = ByQuery.of(rows, texts.document_keys)
    lists = map(by_query.lists, (texts.documents(by_query.doc_rows), _labels(by_query, shape)))
    return [texts.queries(by_query.query_rows), *lists]


def _labels(by_query: ByQuery, shape: Shape) -> pa.Array:
    return pa.array(by_query.scores if shape.with_scores else by_query.labels)


def _with_scores(columns: list[tuple[str, pa.DataType]], shape: Shape) -> pa.Schema:
    return pa.schema([*columns, *([("scores", SCORES)] if shape.with_scores else [])])
