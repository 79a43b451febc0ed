"""FlagEmbedding's jsonl: query, pos, neg; always lists."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from foolsgold.export.training_rows import TrainingRow

_TEXTS = pa.list_(pa.large_string())


def flag_embedding_schema(n_negatives: int) -> pa.Schema:
    """query, pos, neg."""
    return pa.schema([("query", pa.large_string()), ("pos", _TEXTS), ("neg", _TEXTS)])


def flag_embedding_rows(rows: Sequence[TrainingRow], schema: pa.Schema) -> pa.RecordBatch:
    """A row per query: its positives, and every negative chosen for any of them."""
    records = [{"query": row.query, "pos": row.positives, "neg": row.negatives} for row in rows]
    return pa.RecordBatch.from_pylist(records, schema=schema)
