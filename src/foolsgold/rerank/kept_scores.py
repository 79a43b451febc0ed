"""Cross-encoder scores in candidates.parquet, so that a pair is scored once however often is chosen again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.errors import CollectionError
from foolsgold.search import ROWS_PER_GROUP, Candidates, CandidateStore
from foolsgold.shard_writer import QueryTableWriter
from foolsgold.shards import replace_table

QUERIES_PER_GROUP = ROWS_PER_GROUP  # scored together: fixed, since a logit depends on those in the same batch
_OF_CANDIDATES, _OF_POSITIVES = "cross_encoder_scores", "positive_cross_encoder_scores"
_MADE_BY = b"foolsgold.cross_encoder"  # in the schema's metadata: the fingerprint of the model


@dataclass(frozen=True)
class PairScores:
    """Logits of a group of queries, NaN where a pair was not scored; filled in place.

    Attributes:
        candidates: shape (B, K), float32.
        positives: shape (number of positives,), float32; as `Candidates.positive_rows`.
    """

    candidates: NDArray[np.float32]
    positives: NDArray[np.float32]


class KeptScores:
    """Reads candidates with the scores that they have, and writes them again with those that they get.

    Args:
        candidates: where they are; columns that are not known here are kept.
        target: where candidates.parquet is to be; may be where it is. None keeps no scores.
        fingerprint: of the cross-encoder. Scores of another one are left out; None: of any.
    """

    def __init__(self, candidates: CandidateStore, target: Path | None, fingerprint: str | None) -> None:
        self._candidates = candidates
        self._target = target
        self._fingerprint = fingerprint

    def groups(self) -> Iterator[tuple[Candidates, PairScores]]:
        """`QUERIES_PER_GROUP` queries at a time; the scores are written when the next group is asked for."""
        unfinished = None if self._target is None else self._target.with_name(f"{self._target.name}.unfinished")
        with ExitStack() as files:
            writer: QueryTableWriter | None = None
            for batch, block in self._candidates.batches(QUERIES_PER_GROUP):
                scores = self._known(batch, block)
                yield block, scores
                if unfinished is not None:
                    table = self._with_scores(batch, block, scores)
                    if writer is None:
                        writer = files.enter_context(self._writer(unfinished, table.schema))
                    writer.write(table, block.query_rows)
        if unfinished is not None and self._target is not None and writer is not None:
            replace_table(unfinished, self._target)

    def _writer(self, path: Path, schema: pa.Schema) -> QueryTableWriter:
        kept = self._candidates
        return QueryTableWriter(path, schema, ROWS_PER_GROUP, n_queries=kept.n_queries, shards=kept.shards)

    def _known(self, batch: pa.RecordBatch, block: Candidates) -> PairScores:
        scores = PairScores(
            np.full(block.doc_rows.shape, np.nan, np.float32), np.full(len(block.positive_rows), np.nan, np.float32)
        )
        if self._fingerprint is not None and _made_by(batch.schema) == self._fingerprint:
            scores.candidates[block.doc_rows >= 0] = _column(batch, _OF_CANDIDATES, "doc_ids")
            scores.positives[:] = _column(batch, _OF_POSITIVES, "positive_ids")
        return scores

    def _with_scores(self, batch: pa.RecordBatch, block: Candidates, scores: PairScores) -> pa.Table:
        table = pa.Table.from_batches([batch])
        present = block.doc_rows >= 0
        table = _with_column(table, _OF_CANDIDATES, present.sum(axis=1), scores.candidates[present])
        table = _with_column(table, _OF_POSITIVES, np.diff(block.positive_offsets), scores.positives)
        metadata = {key: value for key, value in (table.schema.metadata or {}).items() if key != _MADE_BY}
        if self._fingerprint is not None:
            metadata[_MADE_BY] = self._fingerprint.encode()
        return table.replace_schema_metadata(metadata)


def _made_by(schema: pa.Schema) -> str | None:
    fingerprint = (schema.metadata or {}).get(_MADE_BY)
    return None if fingerprint is None else str(fingerprint.decode())


def _column(batch: pa.RecordBatch, name: str, beside: str) -> NDArray[np.float32]:
    """All numbers of a column of lists, NaN for null."""
    lengths = [np.diff(batch[column].offsets.to_numpy()) for column in (name, beside)]
    if not np.array_equal(*lengths):
        raise CollectionError(f"candidates.parquet: {name} and {beside} differ in length. Mine again.")
    return np.asarray(batch[name].flatten().to_numpy(zero_copy_only=False), np.float32)


def _with_column(table: pa.Table, name: str, lengths: NDArray[np.int64], values: NDArray[np.float32]) -> pa.Table:
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    column = pa.ListArray.from_arrays(offsets, pa.array(values, pa.float32(), mask=np.isnan(values)))
    position = table.schema.get_field_index(name)
    return table.append_column(name, column) if position < 0 else table.set_column(position, name, column)
