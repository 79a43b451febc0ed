"""DPR's JSON: a list of questions with contexts.

Random documents are its `negative_ctxs`, and all others its `hard_negative_ctxs`.
"""

from __future__ import annotations

import pyarrow as pa

from foolsgold.export.by_query import ByQuery
from foolsgold.export.nested import TEXT, TEXTS, structs
from foolsgold.export.part import Columns, Shape
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows
from foolsgold.sample import RANDOM

FRAME = ("[\n", "\n]\n")


def dpr_schema(shape: Shape) -> pa.Schema:
    """question, answers, positive_ctxs, negative_ctxs, hard_negative_ctxs."""
    scores = [("score", pa.float32())] if shape.with_scores else []
    contexts = pa.list_(pa.struct([("title", TEXT), ("text", TEXT), *scores, ("passage_id", TEXT)]))
    names = ("positive_ctxs", "negative_ctxs", "hard_negative_ctxs")
    return pa.schema([("question", TEXT), ("answers", TEXTS), *((name, contexts) for name in names)])


def dpr_rows(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per query: its positives, and every negative chosen for any of them."""
    by_query = ByQuery.of(rows, texts.document_keys)
    names = (*by_query.source_names, RANDOM)
    is_random = by_query.sources == names.index(RANDOM)
    is_negative = by_query.labels == 0
    groups = [by_query.where(chosen) for chosen in (~is_negative, is_random, is_negative & ~is_random)]
    queries = [texts.queries(by_query.query_rows), texts.answers(by_query.query_rows)]
    return [*queries, *(_contexts(group, texts, shape) for group in groups)]


def _contexts(group: ByQuery, texts: Texts, shape: Shape) -> pa.ListArray:
    scores = {"score": pa.array(group.scores)} if shape.with_scores else {}
    columns = {"title": texts.titles(group.doc_rows), "text": texts.bodies(group.doc_rows), **scores}
    return group.lists(structs(**columns, passage_id=texts.doc_ids(group.doc_rows)))
