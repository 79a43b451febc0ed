"""A folder in BEIR's layout: the corpus, the queries that have negatives, and judgements, 0 for a negative.

`read_beir` reads it back, with the negatives as documents judged not relevant.
"""

from __future__ import annotations

import pyarrow as pa
from numpy import integer
from numpy.typing import NDArray

from foolsgold.export.judged import Judged
from foolsgold.export.nested import TEXT
from foolsgold.export.part import Columns, Shape
from foolsgold.export.plain_lines import LINE_BREAKING
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows, starts_of

CORPUS = pa.schema([("_id", TEXT), ("title", TEXT), ("text", TEXT)])
QUERIES = pa.schema([("_id", TEXT), ("text", TEXT)])
QRELS = pa.schema([("query-id", TEXT), ("corpus-id", TEXT), ("score", pa.int64())])
HEADER = ("query-id\tcorpus-id\tscore\n", "")
UNFIT_IDS = f'{LINE_BREAKING}|^"'
"""What ends a field; and BEIR's own reader takes a quote at its start for one around it."""


def qrels(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A line per judgement."""
    judged = Judged.of(rows, texts.collection)
    return [texts.query_ids(judged.query_rows), texts.doc_ids(judged.doc_rows), pa.array(judged.relevance)]


def queries(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per query."""
    query_rows = rows.query_rows[starts_of(rows.query_rows)]
    return [texts.query_ids(query_rows), texts.queries(query_rows)]


def corpus(doc_rows: NDArray[integer], texts: Texts, shape: Shape) -> Columns:
    """A row per document."""
    return [texts.doc_ids(doc_rows), texts.titles(doc_rows), texts.bodies(doc_rows)]
