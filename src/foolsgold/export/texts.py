"""Texts and ids of queries and documents by row, as a training file needs them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.collection import Collection, PartOf
from foolsgold.gather import gathered, gathered_ascending

Render = Callable[[pa.LargeStringArray], pa.LargeStringArray]
_KEPT_BYTES = 2**27  # of all documents, or all queries: up to here they are rendered once, beyond for each portion anew
_ROWS_AT_ONCE = 8_192


class Texts:
    """The texts and ids of a collection, rendered: as they are, as JSON, or so that they fit in a line.

    Attributes:
        collection: whose they are.
        render: how.
    """

    def __init__(self, collection: Collection, render: Render, part_of: PartOf | None = None) -> None:
        self.collection = collection
        self.render = render
        self._part_of = part_of

    @property
    def document_keys(self) -> NDArray[np.int64]:
        """Shape (N,), equal where documents say the same."""
        return self.collection.document_keys

    @property
    def fingerprint(self) -> str:
        """Of the collection; of the whole, where it is a part."""
        return self.collection.fingerprint if self._part_of is None else self._part_of.fingerprint

    def query_numbers(self, rows: NDArray[np.integer]) -> NDArray[np.integer]:
        """Rows of queries in the whole collection."""
        return rows if self._part_of is None else self._part_of.queries(rows)

    def document_numbers(self, rows: NDArray[np.integer]) -> NDArray[np.integer]:
        """Rows of documents in the whole collection."""
        return rows if self._part_of is None else self._part_of.documents(rows)

    @cached_property
    def queries(self) -> _Column:
        """Queries."""
        return _Column([self.collection.queries["text"]], self.render)

    @cached_property
    def query_ids(self) -> _Column:
        """Their ids."""
        return _Column([self.collection.query_ids], self.render)

    @cached_property
    def documents(self) -> _Column:
        """Titles and texts of documents, joined."""
        return _Column([self._table["title"], self._table["text"]], self.render)

    @cached_property
    def titles(self) -> _Column:
        """Titles of documents."""
        return _Column([self._table["title"]], self.render)

    @cached_property
    def bodies(self) -> _Column:
        """Texts of documents, without their titles."""
        return _Column([self._table["text"]], self.render)

    @cached_property
    def doc_ids(self) -> _Column:
        """Ids of documents."""
        return _Column([self.collection.doc_ids], self.render)

    @cached_property
    def _table(self) -> pa.Table:
        return self.collection.texts_table

    def answers(self, query_rows: NDArray[np.integer]) -> pa.ListArray:
        """A list for each query, empty where no answers are known."""
        if not self.collection.has_answers:
            return pa.ListArray.from_arrays(np.zeros(len(query_rows) + 1, np.int32), pa.array([], pa.large_string()))
        lists = gathered(self.collection.queries["answers"], query_rows)
        offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(lists).to_numpy())])
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), self.render(lists.flatten()))

    def same(self, text: str, n: int) -> pa.LargeStringArray:
        """One text in each of n rows."""
        return pa.repeat(self.render(pa.array([text], pa.large_string()))[0], n)


class _Column:
    """Called with rows, in any order, it gives their texts; those of several columns with a space between."""

    def __init__(self, columns: list[pa.ChunkedArray], render: Render) -> None:
        self._columns = columns
        self._render = render
        self._is_kept = sum(column.nbytes for column in columns) <= _KEPT_BYTES

    def __call__(self, rows: NDArray[np.integer]) -> pa.LargeStringArray:
        if self._is_kept:
            return self._all.take(pa.array(rows))
        distinct, places = np.unique(rows, return_inverse=True)
        return self._rendered(distinct).take(pa.array(places))

    @cached_property
    def _all(self) -> pa.LargeStringArray:
        n = len(self._columns[0])
        starts = range(0, n, _ROWS_AT_ONCE)
        parts = [self._rendered(np.arange(start, min(start + _ROWS_AT_ONCE, n))) for start in starts]
        return pa.concat_arrays(parts) if parts else pa.array([], pa.large_string())

    def _rendered(self, rows: NDArray[np.integer]) -> pa.LargeStringArray:
        """Of rows that ascend."""
        *_, texts = accumulate((gathered_ascending(column, rows) for column in self._columns), _joined)
        return self._render(texts)


def _joined(title: pa.LargeStringArray, text: pa.LargeStringArray) -> pa.LargeStringArray:
    """As `Collection.document_texts` joins them."""
    space = pc.if_else(pc.or_(pc.equal(title, ""), pc.equal(text, "")), "", " ").cast(pa.large_string())
    return pc.binary_join_element_wise(title, space, text, pa.scalar("", pa.large_string()))
