"""The negatives that (query, positive) pairs have at one time, by row, and as a file beside a checkpoint."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.collection import Collection, rows_of
from foolsgold.errors import CollectionError, OutputError
from foolsgold.export.training_rows import starts_of
from foolsgold.gather import gathered
from foolsgold.result import MiningResult
from foolsgold.sample import NEGATIVES_SCHEMA

_IDS = ("query_id", "positive_id", "doc_id")
_SCHEMA = pa.schema(
    [
        ("query_id", pa.large_string()),
        ("positive_id", pa.large_string()),
        ("doc_ids", pa.list_(pa.large_string())),
    ]
)


@dataclass(frozen=True, eq=False)
class PairNegatives:
    """Negatives of P (query, positive) pairs, N each.

    Attributes:
        query_rows: shape (P,), in the collection.
        positive_rows: shape (P,), in the corpus.
        doc_rows: shape (P, N), in the corpus, of the negatives.
    """

    query_rows: NDArray[np.int64]
    positive_rows: NDArray[np.int64]
    doc_rows: NDArray[np.int64]

    @classmethod
    def of(cls, result: MiningResult) -> PairNegatives:
        """The first of the pairs that got all the negatives asked for, or more, where they were given."""
        collection, n_negatives = result.collection, result.settings.negatives
        schema = pa.schema([NEGATIVES_SCHEMA.field(name) for name in _IDS])
        ids = pa.Table.from_batches(result.stored.batches(_IDS), schema).drop_null()  # null: a query without positives
        query_rows = _rows(ids["query_id"], collection.query_ids)
        positive_rows = _rows(ids["positive_id"], collection.doc_ids)
        starts = starts_of(query_rows, positive_rows)
        complete = starts[np.diff(starts, append=len(query_rows)) >= n_negatives]
        doc_rows = _rows(ids["doc_id"], collection.doc_ids)[complete[:, None] + np.arange(n_negatives)]
        return cls(query_rows[complete], positive_rows[complete], doc_rows)

    @classmethod
    def read(cls, path: Path, collection: Collection) -> PairNegatives:
        """What `write` wrote.

        Raises:
            CollectionError: it is no such file, or of another collection.
        """
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(path, schema=_SCHEMA)
            query_rows = _rows(table["query_id"], collection.query_ids)
            positive_rows = _rows(table["positive_id"], collection.doc_ids)
            doc_rows = _rows(pc.list_flatten(table["doc_ids"]), collection.doc_ids).reshape(table.num_rows, -1)
        except (OSError, pa.ArrowException, ValueError) as error:
            raise CollectionError(
                f"{path} is not what RefreshNegatives writes ({error}). Give another checkpoint."
            ) from error
        if min(rows.min(initial=0) for rows in (query_rows, positive_rows, doc_rows)) < 0:
            raise CollectionError(f"{path} names ids that the collection does not have. Give the collection it is of.")
        return cls(query_rows, positive_rows, doc_rows)

    def write(self, path: Path, collection: Collection) -> None:
        """Write ids as a parquet file, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        import pyarrow.parquet as pq

        offsets = pa.array(np.arange(len(self) + 1) * self.doc_rows.shape[1], pa.int32())
        doc_ids = pa.ListArray.from_arrays(offsets, gathered(collection.doc_ids, self.doc_rows.ravel()))
        ids = [gathered(collection.query_ids, self.query_rows), gathered(collection.doc_ids, self.positive_rows)]
        partial = path.with_name(f".{path.name}.partial")
        try:
            pq.write_table(pa.table([*ids, doc_ids], schema=_SCHEMA), partial, compression="zstd")
            os.replace(partial, path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise OutputError(f"{path} could not be written ({error.strerror or error}).") from error

    def __len__(self) -> int:
        return len(self.query_rows)

    def has_pairs_of(self, other: PairNegatives) -> bool:
        """Whether both are of the same pairs in the same order, with as many negatives."""
        same = self.doc_rows.shape == other.doc_rows.shape
        return same and bool((self._pair_keys == other._pair_keys).all())

    def renewed(self, mined: PairNegatives) -> tuple[PairNegatives, int]:
        """With what was mined since, and the number of pairs that keep what they had, as nothing was mined for them."""
        order = np.argsort(mined._pair_keys)
        sorted_keys = mined._pair_keys[order]
        places = np.searchsorted(sorted_keys, self._pair_keys)
        found = np.zeros(len(self), np.bool_)
        inside = places < len(sorted_keys)
        found[inside] = sorted_keys[places[inside]] == self._pair_keys[inside]
        doc_rows = self.doc_rows.copy()
        doc_rows[found] = mined.doc_rows[order[places[found]]]
        return replace(self, doc_rows=doc_rows), int((~found).sum())

    def changed_ratio(self, earlier: PairNegatives) -> float:
        """Share of the negatives that the same pairs did not have earlier."""
        known = np.zeros(self.doc_rows.shape, np.bool_)
        for column in earlier.doc_rows.T:
            known |= self.doc_rows == column[:, None]
        return float((~known).mean())

    @property
    def _pair_keys(self) -> NDArray[np.int64]:
        """A number for each pair, shape (P,)."""
        return self.query_rows << 32 | self.positive_rows


def _rows(ids: pa.ChunkedArray | pa.Array, known: pa.ChunkedArray) -> NDArray[np.int64]:
    """-1 for an id that is not known."""
    return np.asarray(pc.fill_null(rows_of(ids, known), -1).to_numpy(zero_copy_only=False), np.int64)
