"""ColBERT's files: queries and a collection by number, which is the row in ours, and examples that name them.

Its loader takes lines apart at tabs and line ends, and asks that a passage's number is that of its line. An example is
a JSON list a line: `[qid, pid, pid]`, or with teacher scores `[qid, [pid, score], …]`, the positive first.
"""

from __future__ import annotations

import pyarrow as pa
from numpy import integer
from numpy.typing import NDArray

from foolsgold.export.by_pair import ByPair
from foolsgold.export.json_lines import joined, number_texts
from foolsgold.export.nested import TEXT
from foolsgold.export.part import Columns, Shape
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows

EXAMPLES = pa.schema([("example", TEXT)])
"""Whole lines: an example has no names, and one with scores has numbers of two kinds."""
NUMBERED = pa.schema([("number", pa.int64()), ("text", TEXT)])


def triples(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A line per negative."""
    query = _numbers(texts.query_numbers(rows.query_rows))
    positive, negative = (_numbers(texts.document_numbers(side)) for side in (rows.positive_rows, rows.doc_rows))
    return [joined("[", query, ", ", positive, ", ", negative, "]")]


def nways(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A line per (query, positive) pair; the loader asks that all have as many documents."""
    pairs = ByPair.of(rows, shape.n_negatives)
    pieces: list[pa.Array | str] = ["[", _numbers(texts.query_numbers(pairs.query_rows))]
    for doc_rows, scores in zip(pairs.doc_rows.T, pairs.scores.T, strict=True):
        pieces += [", [", _numbers(texts.document_numbers(doc_rows)), ", ", number_texts(pa.array(scores)), "]"]
    return [joined(*pieces, "]")]


def queries(query_rows: NDArray[integer], texts: Texts, shape: Shape) -> Columns:
    """A line per query."""
    return [pa.array(texts.query_numbers(query_rows)), texts.queries(query_rows)]


def collection(doc_rows: NDArray[integer], texts: Texts, shape: Shape) -> Columns:
    """A line per document."""
    return [pa.array(texts.document_numbers(doc_rows)), texts.documents(doc_rows)]


def _numbers(rows: NDArray[integer]) -> pa.LargeStringArray:
    return number_texts(pa.array(rows))
