"""Tevatron's two forms: passages in each row, and ids in each row with a corpus beside them."""

from __future__ import annotations

import pyarrow as pa
from numpy import integer
from numpy.typing import NDArray

from foolsgold.export.by_query import ByQuery
from foolsgold.export.nested import TEXT, TEXTS, structs
from foolsgold.export.part import Columns, Shape
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows

IDS = pa.schema(
    [("query_id", TEXT), ("query_text", TEXT), ("positive_document_ids", TEXTS), ("negative_document_ids", TEXTS)]
)
CORPUS = pa.schema([("docid", TEXT), ("text", TEXT)])
"""Without titles: training by ids reads none, so that they stand in the texts."""


def passages_schema(shape: Shape) -> pa.Schema:
    """query_id, query, positive_passages, negative_passages.

    Passages have a title, even if it is empty: the reranker asks for it.
    """
    scores = [("score", pa.float32())] if shape.with_scores else []
    passages = pa.list_(pa.struct([("docid", TEXT), ("title", TEXT), ("text", TEXT), *scores]))
    queries = [("query_id", TEXT), ("query", TEXT)]
    return pa.schema([*queries, ("positive_passages", passages), ("negative_passages", passages)])


def passages(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per query: its positives, and every negative chosen for any of them."""
    by_query = ByQuery.of(rows, texts.document_keys)
    lists = [_passages(by_query.side(label), texts, shape) for label in (1, 0)]
    return [texts.query_ids(by_query.query_rows), texts.queries(by_query.query_rows), *lists]


def _passages(side: ByQuery, texts: Texts, shape: Shape) -> pa.ListArray:
    named = {"docid": texts.doc_ids, "title": texts.titles, "text": texts.bodies}
    scores = {"score": pa.array(side.scores)} if shape.with_scores else {}
    return side.lists(structs(**{name: column(side.doc_rows) for name, column in named.items()}, **scores))


def ids(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per query, likewise."""
    by_query = ByQuery.of(rows, texts.document_keys)
    sides = [by_query.side(label) for label in (1, 0)]
    lists = [side.lists(texts.doc_ids(side.doc_rows)) for side in sides]
    return [texts.query_ids(by_query.query_rows), texts.queries(by_query.query_rows), *lists]


def corpus(doc_rows: NDArray[integer], texts: Texts, shape: Shape) -> Columns:
    """A row per document."""
    return [texts.doc_ids(doc_rows), texts.documents(doc_rows)]
