"""Candidates: what a search found for a block of queries, and the table that keeps them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection, Judgements
from foolsgold.errors import CollectionError
from foolsgold.gather import gathered
from foolsgold.row_groups import RowGroupWriter

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
_IDS = ("positive_ids", "doc_ids", "given_ids")  # for readers of the file; rows in the collection say it faster
ROWS_PER_GROUP = 1024  # fixed, so that the file does not depend on how many queries were searched at once
_GROUPS_SAMPLED = 32  # as many places in a collection are enough to know it, and of a large file little is read


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


def to_batch(candidates: Candidates, collection: Collection) -> pa.RecordBatch:
    """The rows of candidates.parquet for a block of queries."""
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
        pa.ListArray.from_arrays(positive_offsets, pa.array(candidates.positive_rows, pa.int32())),
        pa.ListArray.from_arrays(offsets, pa.array(candidates.doc_rows[present], pa.int32())),
        *_given_columns(candidates.given, collection),
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


def _given_columns(given: Given | None, collection: Collection) -> list[pa.Array]:
    if given is None:
        return []
    offsets, doc_rows = pa.array(given.judgements.offsets, pa.int32()), given.judgements.doc_rows
    columns = (gathered(collection.doc_ids, doc_rows), _null_for_nan(given.scores), pa.array(doc_rows, pa.int32()))
    return [pa.ListArray.from_arrays(offsets, column) for column in columns]


def _given(batch: pa.RecordBatch) -> Given | None:
    if "given_rows" not in batch.schema.names:
        return None
    offsets = _offsets(np.diff(batch["given_rows"].offsets.to_numpy())).to_numpy().astype(np.int64)
    scores = batch["given_scores"].flatten().to_numpy(zero_copy_only=False)
    return Given(Judgements(offsets, batch["given_rows"].flatten().to_numpy()), scores)


def sampled_queries(total: int, n_wanted: int) -> NDArray[np.int64]:
    """Rows of about as many of all queries, spread evenly over row groups that are spread evenly over the file."""
    n_groups = -(-total // ROWS_PER_GROUP)
    groups = np.unique(np.linspace(0, n_groups - 1, min(n_groups, _GROUPS_SAMPLED)).astype(np.int64))
    rows = (groups[:, None] * ROWS_PER_GROUP + np.arange(ROWS_PER_GROUP)).ravel()
    rows = rows[rows < total]
    spread: NDArray[np.int64] = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), n_wanted)).astype(int))]
    return spread


class CandidateStore:
    """All scored candidates, in candidates.parquet or in memory, so that choosing again encodes nothing."""

    def __init__(self, collection: Collection, path: Path | None = None) -> None:
        self._collection = collection
        self._schema = schema_for(collection)
        self._path = path
        self._kept = pa.py_buffer(b"")  # the file's content, where nothing is kept on disk

    def write(self, blocks: Iterator[Candidates]) -> None:
        """Keep the blocks, regrouped so that the file does not depend on their size."""
        kept = pa.BufferOutputStream()
        with RowGroupWriter(self._path or kept, self._schema, ROWS_PER_GROUP) as writer:
            for block in blocks:
                writer.write(to_batch(block, self._collection))
        self._kept = kept.getvalue()

    def rewrite(self, blocks: Iterator[Candidates]) -> None:
        """Keep these blocks instead; they may be made of the old ones as they are read."""
        if self._path is None:
            self.write(blocks)
            return
        new = self._path.with_name(f"new.{self._path.name}")
        CandidateStore(self._collection, new).write(blocks)
        os.replace(new, self._path)

    def blocks(self, n_queries: int, query_rows: NDArray[np.int64] | None = None) -> Iterator[Candidates]:
        """The candidates again, in the collection's order.

        Args:
            n_queries: at most so many at a time.
            query_rows: of these queries alone, ascending; None: of all.
        """
        columns = [name for name in self._schema.names if name not in _IDS]
        for start, batch in self._portions(n_queries, columns=columns, query_rows=query_rows):
            rows = np.arange(start, start + len(batch))
            if query_rows is not None:
                rows = rows[np.isin(rows, query_rows)]
                batch = batch.take(pa.array(rows - start))
            if len(rows):
                yield from_batch(batch, rows)

    def sample(self, n_queries: int) -> NDArray[np.int64]:
        """As `sampled_queries`."""
        return sampled_queries(self._collection.n_queries, n_queries)

    def batches(self, n_queries: int) -> Iterator[tuple[pa.RecordBatch, Candidates]]:
        """The rows of the table with all its columns, at most `n_queries` at a time, and what they say."""
        for start, batch in self._portions(n_queries, columns=None, query_rows=None):
            yield batch, from_batch(batch, np.arange(start, start + len(batch)))

    def _portions(
        self, n_queries: int, *, columns: list[str] | None, query_rows: NDArray[np.int64] | None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Each with the row of its first query; row groups without any of `query_rows` are not read."""
        groups = None if query_rows is None else np.unique(query_rows // ROWS_PER_GROUP)
        for first, batch in self._row_groups(columns, groups):
            if not batch["query_id"].equals(_joined(self._collection.query_ids.slice(first, len(batch)))):
                raise CollectionError("candidates.parquet has other queries than the collection. Mine again.")
            for start in range(0, len(batch), n_queries):
                yield first + start, batch.slice(start, n_queries)

    def _row_groups(
        self, columns: list[str] | None, groups: NDArray[np.int64] | None
    ) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Some or all with their first row, one by one: Arrow cannot read lists of dictionary values across them."""
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self._path or pa.BufferReader(self._kept)) as file:
                missing = set(self._schema.names) - set(file.schema_arrow.names)
                if missing or file.metadata.num_rows != self._collection.n_queries:
                    raise CollectionError(
                        f"{self._path}: {file.metadata.num_rows:,} rows for {self._collection.n_queries:,} queries, "
                        f"{len(missing)} columns missing. Mine again."
                    )
                for group in range(file.num_row_groups) if groups is None else groups.tolist():
                    for batch in file.read_row_group(group, columns=columns).combine_chunks().to_batches():
                        yield group * ROWS_PER_GROUP, batch
        except (pa.ArrowInvalid, OSError) as error:
            raise CollectionError(f"{self._path}: not a readable candidates file ({error}). Mine again.") from error


def _null_for_nan(scores: NDArray[np.float32]) -> pa.Array:
    return pa.array(scores, pa.float32(), mask=np.isnan(scores))


def _offsets(counts: NDArray[np.integer]) -> pa.Array:
    return pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())


def _joined(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
