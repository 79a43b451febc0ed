"""Every training format by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from foolsgold.collection import Collection
from foolsgold.export import flag_embedding as fe
from foolsgold.export import sentence_transformers as st
from foolsgold.export.training_rows import TrainingRow, rows_by_pair, rows_by_query
from foolsgold.settings import TrainingFormat


class Format(NamedTuple):
    """How rows become columns: the columns for n negatives, the batch of a block, and which rows it takes."""

    schema: Callable[[int], pa.Schema]
    batch: Callable[[Sequence[TrainingRow], pa.Schema], pa.RecordBatch]
    rows: Callable[[pa.Table, Collection], Iterator[list[TrainingRow]]]


FORMATS: dict[TrainingFormat, Format] = {
    "triplet": Format(st.triplet_schema, st.triplets, rows_by_pair),
    "n-tuple": Format(st.n_tuple_schema, st.n_tuples, rows_by_pair),
    "labeled-pair": Format(st.labeled_pair_schema, st.labeled_pairs, rows_by_query),
    "labeled-list": Format(st.labeled_list_schema, st.labeled_lists, rows_by_query),
    "flagembedding": Format(fe.flag_embedding_schema, fe.flag_embedding_rows, rows_by_query),
}


def training_schema(name: TrainingFormat, n_negatives: int) -> pa.Schema:
    """The columns of a format."""
    return FORMATS[name].schema(n_negatives)


def training_batches(
    name: TrainingFormat, negatives: pa.Table, collection: Collection, n_negatives: int
) -> Iterator[pa.RecordBatch]:
    """The training rows of a format, in blocks."""
    chosen = FORMATS[name]
    schema = chosen.schema(n_negatives)
    for rows in chosen.rows(negatives, collection):
        yield chosen.batch(rows, schema)
