"""The chosen negatives of an output folder as pairs to decide: the most probable false negatives first."""

from __future__ import annotations

from collections.abc import Collection as Container
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.collection import Collection, rows_of
from foolsgold.provenance import NEGATIVES_FILE
from foolsgold.review.pair_to_decide import PairToDecide
from foolsgold.sample import GIVEN, NEGATIVES_SCHEMA

_NUMBERS = ("score", "rank", "false_negative_probability")
_COLUMNS = ("query_id", "doc_id", "source", *_NUMBERS)
_MOST_POSITIVES = 3


def chosen_pairs(
    folder: Path, collection: Collection, *, most: int, decided: Container[tuple[str, str]] = ()
) -> Iterator[PairToDecide]:
    """Chosen negatives, each once, the most probable false negatives first; texts are read one by one.

    Args:
        folder: the output folder.
        collection: of it.
        most: pairs at most.
        decided: (query_id, doc_id) of those that are left out.

    Raises:
        CollectionError: the negatives cannot be read.
    """
    first = pa.schema([NEGATIVES_SCHEMA.field(name) for name in _COLUMNS]).empty_table()
    for batch in ChosenNegatives(folder / NEGATIVES_FILE).batches(_COLUMNS):
        rows = pa.Table.from_batches([*first.to_batches(), batch.filter(_is_open(batch, decided))])
        by_probability = rows.sort_by([("false_negative_probability", "descending")])
        first = _each_once(by_probability).slice(0, most).combine_chunks()
    queries = rows_of(first["query_id"], collection.query_ids).to_pylist()
    docs = rows_of(first["doc_id"], collection.doc_ids).to_pylist()
    for row, query, doc in zip(first.to_pylist(), queries, docs, strict=True):
        yield _pair(row, collection, query, doc)


def _is_open(batch: pa.RecordBatch, decided: Container[tuple[str, str]]) -> pa.Array:
    columns = (batch[name].to_pylist() for name in ("query_id", "doc_id", "source"))
    is_open = [(query, doc) not in decided and source != GIVEN for query, doc, source in zip(*columns, strict=True)]
    return pa.array(is_open, pa.bool_())


def _each_once(rows: pa.Table) -> pa.Table:
    """The first row of each pair: a query's positives may have the same negatives."""
    queries, docs = (
        rows[name].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
        for name in ("query_id", "doc_id")
    )
    _, first = np.unique(queries * len(docs) + docs, return_index=True)
    return rows.take(pa.array(np.sort(first)))


def _pair(row: dict[str, Any], collection: Collection, query: int, doc: int) -> PairToDecide:
    positives = collection.positives.of(query)[:_MOST_POSITIVES].tolist()
    return PairToDecide(
        row["query_id"], row["doc_id"], collection.query_texts([query])[0], collection.document_text(doc),
        [collection.document_text(positive) for positive in positives], row["score"], row["rank"],
        row["false_negative_probability"], chosen=True, reason="chosen",
    )  # fmt: skip
