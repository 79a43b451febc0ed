"""The four forms that sentence-transformers trains on; the order of columns matters to it, their names do not."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from foolsgold.export.by_query import ByQuery
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows

_TEXT = pa.large_string()


def triplet_schema(n_negatives: int) -> pa.Schema:
    """anchor, positive, negative."""
    return pa.schema([("anchor", _TEXT), ("positive", _TEXT), ("negative", _TEXT)])


def triplets(rows: TrainingRows, texts: Texts, schema: pa.Schema) -> pa.RecordBatch:
    """A row per negative."""
    documents = [texts.documents(doc_rows) for doc_rows in (rows.positive_rows, rows.doc_rows)]
    return pa.RecordBatch.from_arrays([texts.queries(rows.query_rows), *documents], schema=schema)


def n_tuple_schema(n_negatives: int) -> pa.Schema:
    """anchor, positive, negative_1 … negative_N; with one negative, as the library does, just negative."""
    if n_negatives == 1:
        return triplet_schema(1)
    negatives = [(f"negative_{i}", _TEXT) for i in range(1, n_negatives + 1)]
    return pa.schema([("anchor", _TEXT), ("positive", _TEXT), *negatives])


def n_tuples(rows: TrainingRows, texts: Texts, schema: pa.Schema) -> pa.RecordBatch:
    """A row per (query, positive) pair, with its first negatives; it may have more only where they were given."""
    starts = rows.pair_starts
    negatives = rows.doc_rows[starts[:, None] + np.arange(len(schema) - 2)]  # (pairs, negatives)
    documents = [texts.documents(doc_rows) for doc_rows in (rows.positive_rows[starts], *negatives.T)]
    return pa.RecordBatch.from_arrays([texts.queries(rows.query_rows[starts]), *documents], schema=schema)


def labeled_pair_schema(n_negatives: int) -> pa.Schema:
    """anchor, text, label."""
    return pa.schema([("anchor", _TEXT), ("text", _TEXT), ("label", pa.int64())])


def labeled_pairs(rows: TrainingRows, texts: Texts, schema: pa.Schema) -> pa.RecordBatch:
    """A row per query and document, labelled 1 or 0, each document once."""
    by_query = ByQuery.of(rows, texts.document_keys)
    anchors = texts.queries(np.repeat(by_query.query_rows, by_query.counts))
    columns = [anchors, texts.documents(by_query.doc_rows), pa.array(by_query.labels)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def labeled_list_schema(n_negatives: int) -> pa.Schema:
    """query, docs, labels."""
    return pa.schema([("query", _TEXT), ("docs", pa.list_(_TEXT)), ("labels", pa.list_(pa.int64()))])


def labeled_lists(rows: TrainingRows, texts: Texts, schema: pa.Schema) -> pa.RecordBatch:
    """A row per query: positives labelled 1, then negatives labelled 0."""
    by_query = ByQuery.of(rows, texts.document_keys)
    lists = [by_query.lists(texts.documents(by_query.doc_rows)), by_query.lists(pa.array(by_query.labels))]
    return pa.RecordBatch.from_arrays([texts.queries(by_query.query_rows), *lists], schema=schema)
