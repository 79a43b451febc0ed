"""RAG-Retrieval's jsonl: for embedders query, pos, neg, as FlagEmbedding has them; for rerankers query and hits.

Its reranker cuts the hits of a row into groups, and leaves out a group of one label: a row is a pair with its
negatives, so that `train_group_size` = 1 + negatives keeps what was chosen. Labels are 1 and 0: others than these are
grades between bounds that its own settings name, which a retriever's scores are not.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from foolsgold.export.flag_embedding import flag_embedding_rows
from foolsgold.export.nested import TEXT, TEXTS, structs
from foolsgold.export.part import Columns, Shape
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows

POS_NEG = pa.schema([("query", TEXT), ("pos", TEXTS), ("neg", TEXTS)])
HITS = pa.schema([("query", TEXT), ("hits", pa.list_(pa.struct([("content", TEXT), ("label", pa.int64())])))])
embedding_rows = flag_embedding_rows


def reranker_rows(rows: TrainingRows, texts: Texts, shape: Shape) -> Columns:
    """A row per (query, positive) pair: the positive, then its negatives."""
    starts = rows.pair_starts
    doc_rows = np.insert(rows.doc_rows, starts, rows.positive_rows[starts])  # (n + P,)
    labels = np.insert(np.zeros(len(rows.doc_rows), np.int64), starts, 1)
    ends = np.append(starts + np.arange(len(starts)), len(doc_rows))
    hits = structs(content=texts.documents(doc_rows), label=pa.array(labels))
    return [texts.queries(rows.query_rows[starts]), pa.ListArray.from_arrays(pa.array(ends, pa.int32()), hits)]
