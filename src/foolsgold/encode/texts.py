"""Texts to be encoded, read from Arrow block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.collection.text import HASH_BYTES, text_hashes

KEY_BYTES = HASH_BYTES
_BLOCK_ROWS = 8192


@dataclass(frozen=True)
class Texts:
    """The texts of one side of a collection; only a block of them at a time is made into Python's own.

    Attributes:
        table: one column of texts, or titles and texts, which are joined by a space.
    """

    table: pa.Table

    @classmethod
    def of_documents(cls, collection: Collection) -> Texts:
        """As `Collection.document_texts`."""
        return cls(collection.corpus.select(["title", "text"]))

    @classmethod
    def of_queries(cls, collection: Collection) -> Texts:
        """As `Collection.query_texts`."""
        return cls(collection.queries.select(["text"]))

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """Of a list."""
        return cls(pa.table({"text": pa.array(texts, pa.large_string())}))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def keys(self) -> pa.FixedSizeBinaryArray:
        """A hash of each text, shape (n,): equal for equal texts alone."""
        hashes = bytearray()
        for batch in self.table.to_batches(max_chunksize=_BLOCK_ROWS):
            hashes += text_hashes(_joined(batch))
        return as_keys(hashes)

    def at(self, rows: NDArray[np.int64]) -> list[str]:
        """The texts of some rows.

        Args:
            rows: ascending, at least one.
        """
        first, last = int(rows[0]), int(rows[-1])
        return [text for block in self._blocks(rows, first, last + 1) for text in block]

    def _blocks(self, rows: NDArray[np.int64], start: int, stop: int) -> Iterator[list[str]]:
        for batch in self.table.slice(start, stop - start).to_batches(max_chunksize=_BLOCK_ROWS):
            inside = rows[slice(*np.searchsorted(rows, [start, start + len(batch)]))] - start
            yield _joined(batch.take(pa.array(inside)))
            start += len(batch)


def as_keys(hashes: bytes | bytearray) -> pa.FixedSizeBinaryArray:
    """Hashes that lie one after the other, as an array."""
    n_keys = len(hashes) // KEY_BYTES
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(KEY_BYTES), n_keys, [None, pa.py_buffer(bytes(hashes))])


def _joined(batch: pa.RecordBatch) -> list[str]:
    columns = [column.to_pylist() for column in batch.columns]
    return [" ".join(filter(None, parts)) for parts in zip(*columns, strict=True)]
