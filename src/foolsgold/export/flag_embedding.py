"""FlagEmbedding's jsonl, for embedders and rerankers: query, pos, neg; always lists, and neg never empty."""

from __future__ import annotations

import pyarrow as pa

from foolsgold.export.by_query import ByQuery
from foolsgold.export.nested import SCORES, TEXT, TEXTS
from foolsgold.export.part import Columns, Shape
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows


def flag_embedding_schema(shape: Shape) -> pa.Schema:
    """query, pos, neg; and the scores that `knowledge_distillation` takes."""
    scores = [("pos_scores", SCORES), ("neg_scores", SCORES)] if shape.with_scores else []
    return pa.schema([("query", TEXT), ("pos", TEXTS), ("neg", TEXTS), *scores])


def flag_embedding_rows(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per query: its positives, and every negative chosen for any of them."""
    by_query = ByQuery.of(rows, texts.document_keys)
    sides = [by_query.side(label) for label in (1, 0)]
    scores = [side.lists(pa.array(side.scores)) for side in sides] if shape.with_scores else []
    return [
        texts.queries(by_query.query_rows),
        *(side.lists(texts.documents(side.doc_rows)) for side in sides),
        *scores,
    ]
