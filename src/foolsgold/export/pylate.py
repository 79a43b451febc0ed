"""PyLate's two forms: texts in each row to contrast, and ids with scores in each row to distil."""

from __future__ import annotations

import pyarrow as pa
from numpy import integer
from numpy.typing import NDArray

from foolsgold.export.by_pair import ByPair
from foolsgold.export.nested import SCORES, TEXT, TEXTS, lists_of, score_lists
from foolsgold.export.part import Columns, Shape
from foolsgold.export.sentence_transformers import n_tuple_schema, n_tuples
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows

contrastive_rows = n_tuples

DISTILLATION = pa.schema([("query_id", TEXT), ("document_ids", TEXTS), ("scores", SCORES)])
QUERIES = pa.schema([("query_id", TEXT), ("text", TEXT)])
DOCUMENTS = pa.schema([("document_id", TEXT), ("text", TEXT)])
README = """\
---
configs:
- config_name: train
  data_files: train.parquet
- config_name: queries
  data_files: queries.parquet
- config_name: documents
  data_files: documents.parquet
---
"""
"""By which `load_dataset(FOLDER, "train", split="train")` finds the three files, in a folder as on the hub."""


def contrastive_schema(shape: Shape) -> pa.Schema:
    """query, positive, negative_1 … negative_N; a column with "query" in its name is encoded as one."""
    _, *documents = n_tuple_schema(shape)
    return pa.schema([("query", TEXT), *documents])


def distillation_rows(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per (query, positive) pair, the positive first; scores become a tensor, so that all are of one length."""
    pairs = ByPair.of(rows, shape.n_negatives)
    ids = lists_of(texts.doc_ids(pairs.doc_rows.ravel()), 1 + shape.n_negatives)
    return [texts.query_ids(pairs.query_rows), ids, score_lists(pairs.scores)]


def queries(query_rows: NDArray[integer], texts: Texts, shape: Shape) -> Columns:
    """A row per query."""
    return [texts.query_ids(query_rows), texts.queries(query_rows)]


def documents(doc_rows: NDArray[integer], texts: Texts, shape: Shape) -> Columns:
    """A row per document."""
    return [texts.doc_ids(doc_rows), texts.documents(doc_rows)]
