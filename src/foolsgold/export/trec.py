"""TREC's run and qrels: `query-id Q0 document-id rank score tag`, and `query-id 0 document-id relevance`."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from foolsgold.export.by_query import ByQuery
from foolsgold.export.judged import Judged
from foolsgold.export.nested import TEXT
from foolsgold.export.part import Columns, Shape
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows

RUN = pa.schema(
    [("qid", TEXT), ("q0", TEXT), ("docid", TEXT), ("rank", pa.int64()), ("score", pa.float32()), ("tag", TEXT)]
)
QRELS = pa.schema([("qid", TEXT), ("iteration", TEXT), ("docid", TEXT), ("relevance", pa.int64())])
WHITE_SPACE = r"[\s\x0b\x1c-\x1f\x{85}\p{Z}]"
"""A regular expression: what Python's `str.split` takes for white space, at which tools take lines apart."""


def run(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A line for each positive that has negatives, and each of these; of a query the highest score first, rank 1."""
    by_query = ByQuery.of(rows, texts.document_keys)
    order = np.lexsort((-by_query.scores, by_query.owners))
    n, ends = len(order), np.cumsum(by_query.counts)
    ranks = 1 + np.arange(n) - np.repeat(ends - by_query.counts, by_query.counts)
    queries = texts.query_ids(np.repeat(by_query.query_rows, by_query.counts))
    documents, scores = texts.doc_ids(by_query.doc_rows[order]), pa.array(by_query.scores[order])
    return [queries, texts.same("Q0", n), documents, pa.array(ranks), scores, texts.same("foolsgold", n)]


def qrels(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A line per judgement."""
    judged = Judged.of(rows, texts.collection)
    queries, documents = texts.query_ids(judged.query_rows), texts.doc_ids(judged.doc_rows)
    return [queries, texts.same("0", len(queries)), documents, pa.array(judged.relevance)]
