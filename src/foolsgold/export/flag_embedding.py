"""FlagEmbedding's jsonl: query, pos, neg; always lists."""

from __future__ import annotations

import pyarrow as pa

from foolsgold.export.by_query import ByQuery
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows

_TEXTS = pa.list_(pa.large_string())


def flag_embedding_schema(n_negatives: int) -> pa.Schema:
    """query, pos, neg."""
    return pa.schema([("query", pa.large_string()), ("pos", _TEXTS), ("neg", _TEXTS)])


def flag_embedding_rows(rows: TrainingRows, texts: Texts, schema: pa.Schema) -> pa.RecordBatch:
    """A row per query: its positives, and every negative chosen for any of them."""
    by_query = ByQuery.of(rows, texts.document_keys)
    sides = [by_query.side(label) for label in (1, 0)]
    lists = [side.lists(texts.documents(side.doc_rows)) for side in sides]
    return pa.RecordBatch.from_arrays([texts.queries(by_query.query_rows), *lists], schema=schema)
