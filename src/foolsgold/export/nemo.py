"""NeMo Automodel's two forms: ids in a JSON document with a corpus folder beside it, and jsonl with texts inline.

The corpus folder's path is relative to the document, which its loader resolves.
"""

from __future__ import annotations

import json

import pyarrow as pa
from numpy import integer
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.export.by_query import ByQuery
from foolsgold.export.flag_embedding import flag_embedding_rows
from foolsgold.export.nested import TEXT, TEXTS, structs
from foolsgold.export.part import Columns, Shape
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows

INLINE = pa.schema([("query", TEXT), ("pos_doc", TEXTS), ("neg_doc", TEXTS)])
CORPUS = pa.schema([("id", TEXT), ("text", TEXT)])
FRAME = ('{"corpus": [{"path": "corpus"}], "data": [\n', "\n]}\n")

inline_rows = flag_embedding_rows


def nemo_schema(shape: Shape) -> pa.Schema:
    """question_id, question, corpus_id, pos_doc, neg_doc."""
    scores = [("score", pa.float32())] if shape.with_scores else []
    documents = pa.list_(pa.struct([("id", TEXT), *scores]))
    names = ("question_id", "question", "corpus_id")
    return pa.schema([*((name, TEXT) for name in names), ("pos_doc", documents), ("neg_doc", documents)])


def nemo_rows(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per query: its positives, and every negative chosen for any of them."""
    by_query = ByQuery.of(rows, texts.document_keys)
    lists = [_documents(by_query.side(label), texts, shape) for label in (1, 0)]
    queries = [texts.query_ids(by_query.query_rows), texts.queries(by_query.query_rows)]
    return [*queries, texts.same(_corpus_id(texts.fingerprint), len(by_query.query_rows)), *lists]


def corpus(doc_rows: NDArray[integer], texts: Texts, shape: Shape) -> Columns:
    """A row per document."""
    return [texts.doc_ids(doc_rows), texts.documents(doc_rows)]


def corpus_description(collection: Collection) -> str:
    """What the corpus folder says of itself."""
    content = {"class": "TextQADataset", "corpus_id": _corpus_id(collection.fingerprint)}
    return json.dumps(content) + "\n"


def _documents(side: ByQuery, texts: Texts, shape: Shape) -> pa.ListArray:
    scores = {"score": pa.array(side.scores)} if shape.with_scores else {}
    return side.lists(structs(id=texts.doc_ids(side.doc_rows), **scores))


def _corpus_id(fingerprint: str) -> str:
    """Of one collection alone: a training run that reads several corpora refuses two of one id."""
    return f"corpus-{fingerprint[:8]}"
