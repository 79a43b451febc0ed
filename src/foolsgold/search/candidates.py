"""Candidates: what a search found for a block of queries, and the rows of the table that keeps them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection, Judgements, PartOf
from foolsgold.gather import gathered
from foolsgold.shards import QUERIES_STEP

CANDIDATES_SCHEMA = pa.schema(
    [
        ("query_id", pa.large_string()),
        ("positive_ids", pa.list_(pa.large_string())),
        ("positive_scores", pa.list_(pa.float32())),
        ("doc_ids", pa.list_(pa.large_string())),
        ("scores", pa.list_(pa.float32())),
        ("sources", pa.list_(pa.dictionary(pa.int8(), pa.large_string()))),
        ("false_negative_probabilities", pa.list_(pa.float32())),
        ("positive_similarities", pa.list_(pa.float32())),
        ("contains_positive", pa.list_(pa.bool_())),
        ("duplicate_of", pa.list_(pa.int16())),
        ("positive_rows", pa.list_(pa.int32())),
        ("doc_rows", pa.list_(pa.int32())),
    ]
)
GIVEN_FIELDS = (
    pa.field("given_ids", pa.list_(pa.large_string())),
    pa.field("given_scores", pa.list_(pa.float32())),
    pa.field("given_rows", pa.list_(pa.int32())),
)  # further columns, where the training data has negatives already
ROWS_PER_GROUP = QUERIES_STEP  # fixed, so that the file does not depend on how many queries were searched at once


def schema_for(collection: Collection) -> pa.Schema:
    """The columns of candidates.parquet."""
    given = GIVEN_FIELDS if collection.has_given_negatives else ()
    return pa.schema([*CANDIDATES_SCHEMA, *given])


class Given(NamedTuple):
    """Negatives that the training data has already, of the queries of a block, whether they stand or not.

    Attributes:
        judgements: of B queries.
        scores: shape (number of given negatives,), float32; NaN where a run does not have the document.
    """

    judgements: Judgements
    scores: NDArray[np.float32]

    def of_queries(self, rows: NDArray[np.int64]) -> Given:
        """Those of some queries of the block."""
        return Given(self.judgements.of_queries(rows), self.scores[self.judgements.places_of(rows)])


class Estimates(NamedTuple):
    """What witnesses say of candidates, each of shape (B, K).

    Attributes:
        false_negative_probabilities: float32, of being an unlabelled positive; NaN where there is no candidate.
        positive_similarities: float32, cosine with the nearest known positive; NaN where there is none.
        contains_positive: bool, whether the text of candidate or positive contains that of the other.
        duplicate_of: int16, rank of the first candidate that this one nearly repeats, its own where it repeats none.
    """

    false_negative_probabilities: NDArray[np.float32]
    positive_similarities: NDArray[np.float32]
    contains_positive: NDArray[np.bool_]
    duplicate_of: NDArray[np.int16]

    def knowing(self, judged_negative: NDArray[np.bool_]) -> Estimates:
        """The same with a probability of 0 for what was judged not relevant, as far as probabilities are known."""
        known = judged_negative & ~np.isnan(self.false_negative_probabilities)
        return self._replace(
            false_negative_probabilities=np.where(known, np.float32(0), self.false_negative_probabilities)
        )

    def of_queries(self, chosen: NDArray[np.bool_]) -> Estimates:
        """Those of some queries of the block, chosen (B,)."""
        return Estimates(
            self.false_negative_probabilities[chosen],
            self.positive_similarities[chosen],
            self.contains_positive[chosen],
            self.duplicate_of[chosen],
        )

    @classmethod
    def nothing(cls, shape: tuple[int, ...]) -> Estimates:
        """For candidates of which nothing is known but their scores."""
        unknown = np.full(shape, np.nan, np.float32)
        own = np.broadcast_to(np.arange(shape[1], dtype=np.int16), shape)
        return cls(unknown, unknown, np.zeros(shape, np.bool_), own)


@dataclass(frozen=True)
class Candidates:
    """The candidates of B queries, by rank: most similar first, unless several sources were fused.

    Attributes:
        query_rows: shape (B,), rows in the collection.
        doc_rows: shape (B, K), int32; -1 where a query has fewer than K candidates.
        scores: shape (B, K), float32.
        positive_offsets: shape (B + 1,); the positives of query b are `positive_rows[offsets[b]:offsets[b + 1]]`.
        positive_rows: shape (P,), int32.
        positive_scores: shape (P,), float32; NaN where a run does not have the positive.
        sources: shape (B, K), int8: what found each, as a place in `source_names`; -1 where there is none.
        source_names: such as "dense" and "bm25+dense".
        estimates: what witnesses say; None before they were heard, and where there are no vectors.
        given: negatives that the training data has already; None where it has none.
    """

    query_rows: NDArray[np.int64]
    doc_rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    positive_offsets: NDArray[np.int64]
    positive_rows: NDArray[np.int32]
    positive_scores: NDArray[np.float32]
    sources: NDArray[np.int8]
    source_names: tuple[str, ...]
    estimates: Estimates | None = None
    given: Given | None = None

    def __len__(self) -> int:
        return len(self.query_rows)

    @property
    def owners(self) -> NDArray[np.int64]:
        """The query of each positive, by its place in the block, shape (P,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.positive_offsets))

    def of_queries(self, chosen: NDArray[np.bool_]) -> Candidates:
        """Those of some queries of the block, chosen (B,)."""
        of_chosen = chosen[self.owners]
        counts = np.diff(self.positive_offsets)[chosen]
        return replace(
            self,
            query_rows=self.query_rows[chosen],
            doc_rows=self.doc_rows[chosen],
            scores=self.scores[chosen],
            positive_offsets=np.concatenate([[0], np.cumsum(counts)]),
            positive_rows=self.positive_rows[of_chosen],
            positive_scores=self.positive_scores[of_chosen],
            sources=self.sources[chosen],
            estimates=None if self.estimates is None else self.estimates.of_queries(chosen),
            given=None if self.given is None else self.given.of_queries(np.flatnonzero(chosen)),
        )


def to_batch(candidates: Candidates, collection: Collection, part_of: PartOf | None = None) -> pa.RecordBatch:
    """The rows of candidates.parquet for a block of queries.

    Args:
        candidates: of the queries.
        collection: whose ids they get.
        part_of: the whole that the collection is a part of, whose rows of documents they get; None: it is the whole.
    """
    present = candidates.doc_rows >= 0
    offsets = _offsets(present.sum(axis=1))
    doc_ids = gathered(collection.doc_ids, candidates.doc_rows[present])
    positive_offsets = pa.array(candidates.positive_offsets, pa.int32())
    sources = pa.DictionaryArray.from_arrays(
        pa.array(candidates.sources[present]), pa.array(candidates.source_names, pa.large_string())
    )
    columns = [
        gathered(collection.query_ids, candidates.query_rows),
        pa.ListArray.from_arrays(positive_offsets, gathered(collection.doc_ids, candidates.positive_rows)),
        pa.ListArray.from_arrays(positive_offsets, _null_for_nan(candidates.positive_scores)),
        pa.ListArray.from_arrays(offsets, doc_ids),
        pa.ListArray.from_arrays(offsets, pa.array(candidates.scores[present], pa.float32())),
        pa.ListArray.from_arrays(offsets, sources),
        *_estimate_columns(candidates.estimates, present, offsets),
        pa.ListArray.from_arrays(positive_offsets, _rows(candidates.positive_rows, part_of)),
        pa.ListArray.from_arrays(offsets, _rows(candidates.doc_rows[present], part_of)),
        *_given_columns(candidates.given, collection, part_of),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema_for(collection))


def from_batch(batch: pa.RecordBatch, query_rows: NDArray[np.int64]) -> Candidates:
    """The block of candidates of some queries that `to_batch` wrote; columns of ids are not needed."""
    lengths = np.diff(batch["doc_rows"].offsets.to_numpy())
    present = np.arange(int(lengths.max(initial=0))) < lengths[:, None]
    found_by = batch["sources"].flatten()
    return Candidates(
        query_rows=query_rows,
        doc_rows=_grid(batch["doc_rows"].flatten(), present, np.int32(-1)),
        scores=_grid(batch["scores"].flatten(), present, np.float32(np.nan)),
        positive_offsets=_offsets(np.diff(batch["positive_rows"].offsets.to_numpy())).to_numpy().astype(np.int64),
        positive_rows=batch["positive_rows"].flatten().to_numpy(),
        positive_scores=batch["positive_scores"].flatten().to_numpy(zero_copy_only=False),
        sources=_grid(found_by.indices, present, np.int8(-1)),
        source_names=tuple(found_by.dictionary.to_pylist()),
        estimates=_estimates(batch, present),
        given=_given(batch),
    )


def _grid(values: pa.Array, present: NDArray[np.bool_], missing: np.generic) -> NDArray[Any]:
    """Values of a column of lists as shape (B, K); nulls become NaN."""
    flat = values.to_numpy(zero_copy_only=False)
    if present.all():
        return np.asarray(flat.reshape(present.shape))
    grid = np.full(present.shape, missing)
    grid[present] = flat
    return grid


def _estimate_columns(estimates: Estimates | None, present: NDArray[np.bool_], offsets: pa.Array) -> list[pa.Array]:
    types = [CANDIDATES_SCHEMA.field(name).type for name in Estimates._fields]
    if estimates is None:
        return [pa.nulls(len(present), kind) for kind in types]
    flat: list[Any] = [values[present] for values in estimates]
    arrays = [
        _null_for_nan(values) if kind.value_type == pa.float32() else pa.array(values, kind.value_type)
        for values, kind in zip(flat, types, strict=True)
    ]
    return [pa.ListArray.from_arrays(offsets, array) for array in arrays]


def _estimates(batch: pa.RecordBatch, present: NDArray[np.bool_]) -> Estimates | None:
    if batch[Estimates._fields[0]].null_count:
        return None
    nothing = Estimates.nothing((1, present.shape[1]))._asdict()
    columns = {name: _grid(batch[name].flatten(), present, values[0, 0]) for name, values in nothing.items()}
    return Estimates(**columns)


def _given_columns(given: Given | None, collection: Collection, part_of: PartOf | None) -> list[pa.Array]:
    if given is None:
        return []
    offsets, doc_rows = pa.array(given.judgements.offsets, pa.int32()), given.judgements.doc_rows
    columns = (gathered(collection.doc_ids, doc_rows), _null_for_nan(given.scores), _rows(doc_rows, part_of))
    return [pa.ListArray.from_arrays(offsets, column) for column in columns]


def _given(batch: pa.RecordBatch) -> Given | None:
    if "given_rows" not in batch.schema.names:
        return None
    offsets = _offsets(np.diff(batch["given_rows"].offsets.to_numpy())).to_numpy().astype(np.int64)
    scores = batch["given_scores"].flatten().to_numpy(zero_copy_only=False)
    return Given(Judgements(offsets, batch["given_rows"].flatten().to_numpy()), scores)


def _rows(doc_rows: NDArray[np.int32], part_of: PartOf | None) -> pa.Array:
    return pa.array(doc_rows if part_of is None else part_of.documents(doc_rows), pa.int32())


def _null_for_nan(scores: NDArray[np.float32]) -> pa.Array:
    return pa.array(scores, pa.float32(), mask=np.isnan(scores))


def _offsets(counts: NDArray[np.integer]) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
