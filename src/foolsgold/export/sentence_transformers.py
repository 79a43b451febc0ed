"""The four forms that sentence-transformers trains on; the order of columns matters to it, their names do not."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from foolsgold.export.training_rows import TrainingRow

_TEXT = pa.large_string()


def triplet_schema(n_negatives: int) -> pa.Schema:
    """anchor, positive, negative."""
    return pa.schema([("anchor", _TEXT), ("positive", _TEXT), ("negative", _TEXT)])


def triplets(rows: Sequence[TrainingRow], schema: pa.Schema) -> pa.RecordBatch:
    """A row per negative."""
    flat = [(row.query, row.positives[0], negative) for row in rows for negative in row.negatives]
    return _batch(flat, schema)


def n_tuple_schema(n_negatives: int) -> pa.Schema:
    """anchor, positive, negative_1 … negative_N; with one negative, as the library does, just negative."""
    if n_negatives == 1:
        return triplet_schema(1)
    negatives = [(f"negative_{i}", _TEXT) for i in range(1, n_negatives + 1)]
    return pa.schema([("anchor", _TEXT), ("positive", _TEXT), *negatives])


def n_tuples(rows: Sequence[TrainingRow], schema: pa.Schema) -> pa.RecordBatch:
    """A row per (query, positive) pair."""
    return _batch([(row.query, row.positives[0], *row.negatives) for row in rows], schema)


def labeled_pair_schema(n_negatives: int) -> pa.Schema:
    """anchor, text, label."""
    return pa.schema([("anchor", _TEXT), ("text", _TEXT), ("label", pa.int64())])


def labeled_pairs(rows: Sequence[TrainingRow], schema: pa.Schema) -> pa.RecordBatch:
    """A row per query and document, labelled 1 or 0, each document once."""
    flat = [
        (row.query, text, label)
        for row in rows
        for label, texts in ((1, row.positives), (0, row.negatives))
        for text in texts
    ]
    return _batch(flat, schema)


def labeled_list_schema(n_negatives: int) -> pa.Schema:
    """query, docs, labels."""
    return pa.schema([("query", _TEXT), ("docs", pa.list_(_TEXT)), ("labels", pa.list_(pa.int64()))])


def labeled_lists(rows: Sequence[TrainingRow], schema: pa.Schema) -> pa.RecordBatch:
    """A row per query: positives labelled 1, then negatives labelled 0."""
    flat = [
        (row.query, row.positives + row.negatives, [1] * len(row.positives) + [0] * len(row.negatives)) for row in rows
    ]
    return _batch(flat, schema)


def _batch(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
