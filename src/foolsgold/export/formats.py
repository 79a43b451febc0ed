"""Every training format by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pyarrow as pa

from foolsgold.export import flag_embedding as fe
from foolsgold.export import sentence_transformers as st
from foolsgold.export.texts import Texts
from foolsgold.export.training_rows import TrainingRows
from foolsgold.settings import TrainingFormat


class Format(NamedTuple):
    """How negatives become columns: the columns for n negatives, and the batch of a portion."""

    schema: Callable[[int], pa.Schema]
    batch: Callable[[TrainingRows, Texts, pa.Schema], pa.RecordBatch]


FORMATS: dict[TrainingFormat, Format] = {
    "triplet": Format(st.triplet_schema, st.triplets),
    "n-tuple": Format(st.n_tuple_schema, st.n_tuples),
    "labeled-pair": Format(st.labeled_pair_schema, st.labeled_pairs),
    "labeled-list": Format(st.labeled_list_schema, st.labeled_lists),
    "flagembedding": Format(fe.flag_embedding_schema, fe.flag_embedding_rows),
}
