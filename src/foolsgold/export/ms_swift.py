"""ms-swift's jsonl of messages: one positive a row, and the same number of negatives in each.

Documents of an embedding model are said by the user, as queries are; those of a reranker by the assistant.
"""

from __future__ import annotations

import pyarrow as pa

from foolsgold.export.by_pair import ByPair
from foolsgold.export.nested import TEXT, lists_of, structs
from foolsgold.export.part import Columns, Shape
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows

_MESSAGES = pa.list_(pa.struct([("role", TEXT), ("content", TEXT)]))
MESSAGES = pa.schema(
    [("messages", _MESSAGES), *((f"{side}_messages", pa.list_(_MESSAGES)) for side in ("positive", "negative"))]
)


def embedding_rows(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per (query, positive) pair."""
    return _rows(rows, texts, shape, role="user")


def reranker_rows(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per (query, positive) pair."""
    return _rows(rows, texts, shape, role="assistant")


def _rows(rows: TrainingRows, texts: Texts, shape: Shape, *, role: str) -> Columns:
    pairs = ByPair.of(rows, shape.n_negatives)
    positives, negatives = (texts.documents(side.ravel()) for side in (pairs.doc_rows[:, 0], pairs.doc_rows[:, 1:]))
    return [
        _messages(texts.queries(pairs.query_rows), texts, role="user"),
        lists_of(_messages(positives, texts, role=role), 1),
        lists_of(_messages(negatives, texts, role=role), shape.n_negatives),
    ]


def _messages(contents: pa.LargeStringArray, texts: Texts, *, role: str) -> pa.ListArray:
    """A conversation of one message for each text."""
    return lists_of(structs(role=texts.same(role, len(contents)), content=contents), 1)
