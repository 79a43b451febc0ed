"""The four output formats of sentence-transformers' miner, with its columns, its order of rows, and its types."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.compat.asked import Asked
from foolsgold.compat.negatives import Negatives
from foolsgold.errors import SettingsError
from foolsgold.gather import gathered

_TEXTS_AT_ONCE = 8_192  # in one Arrow array, whose offsets are of 32 bits
Number = TypeVar("Number", np.int32, np.float32)
_TEXT, _SCORE, _LABEL = pa.string(), pa.float64(), pa.int64()


class Written(NamedTuple):
    """What the rows of a block say, for statistics: scores of its positives, of its negatives, and their differences.

    Attributes:
        positives: float32, of each positive in the rows.
        negatives: float32, of each negative as often as it stands there.
        differences: float32, the first less the second, of each positive with each negative of its query.
    """

    positives: NDArray[np.float32]
    negatives: NDArray[np.float32]
    differences: NDArray[np.float32]


class _Combined(NamedTuple):
    """Each of some positives with each negative of its query.

    Attributes:
        pairs: shape (p,), which positives, by their place in the block.
        counts: shape (p,), negatives of each.
        pair_of: shape (C,), place in the block of the positive.
        negative_of: shape (C,), place in the block of the negative.
    """

    pairs: NDArray[np.int64]
    counts: NDArray[np.int64]
    pair_of: NDArray[np.int64]
    negative_of: NDArray[np.int64]

    @classmethod
    def of(cls, block: Negatives, at_least: int) -> _Combined:
        """Those positives whose query has so many negatives."""
        pairs = np.flatnonzero(block.counts[block.owners] >= at_least)
        counts = block.counts[block.owners[pairs]]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        first = block.offsets[:-1][block.owners[pairs]]
        return cls(pairs, counts, np.repeat(pairs, counts), np.repeat(first, counts) + within)


class RowTable:
    """Collects rows block by block.

    Args:
        collection: the texts.
        asked: format, number of negatives, and whether scores are wanted.
        anchor: name of the first column.
        positive: name of the second.

    Raises:
        SettingsError: a column of the dataset has the name of one that is added.
    """

    def __init__(self, collection: Collection, asked: Asked, *, anchor: str, positive: str) -> None:
        self._collection = collection
        self._asked = asked
        formats: dict[str, tuple[Callable[[Negatives], pa.Table], list[tuple[str, pa.DataType]]]] = {
            "triplet": (self._triplets, [("negative", _TEXT)]),
            "n-tuple": (self._n_tuples, [(f"negative_{n}", _TEXT) for n in range(1, asked.num_negatives + 1)]),
            "labeled-pair": (self._labeled_pairs, []),
            "labeled-list": (self._labeled_lists, []),
        }
        self._rows, added = formats[asked.output_format]
        text = pa.list_(_TEXT) if asked.output_format == "labeled-list" else _TEXT
        self._schema = pa.schema([(anchor, _TEXT), (positive, text), *added, *_last_column(asked)])
        taken = sorted({anchor, positive} & set(self._schema.names[2:]))
        if taken:
            raise SettingsError(
                f"The dataset has a column {taken[0]!r}, and output_format={asked.output_format!r} adds one of that "
                "name. Rename it with dataset.rename_column."
            )
        self._tables = [self._schema.empty_table()]
        self._written: list[Written] = []

    @property
    def table(self) -> pa.Table:
        """All rows so far."""
        return pa.concat_tables(self._tables)

    @property
    def written(self) -> Written:
        """What they say."""
        nothing = Written(*(np.empty(0, np.float32) for _ in Written._fields))
        return Written(*map(np.concatenate, zip(nothing, *self._written, strict=True)))

    def add(self, block: Negatives) -> None:
        """Add the rows of a block."""
        self._tables.append(self._rows(block))

    def _triplets(self, block: Negatives) -> pa.Table:
        """A row per positive and negative."""
        combined = _Combined.of(block, 1)
        pair_of, negative_of = combined.pair_of, combined.negative_of
        scores = np.stack([block.positive_scores[pair_of], block.scores[negative_of]], axis=1)  # (C, 2)
        self._note(block, combined, block.scores[negative_of])
        return self._as_table([
            self._queries(block, pair_of), self._documents(block.positive_rows[pair_of]),
            self._documents(block.doc_rows[negative_of]), *self._score_lists(scores),
        ])  # fmt: skip

    def _n_tuples(self, block: Negatives) -> pa.Table:
        """A row per positive whose query has all negatives."""
        combined = _Combined.of(block, self._asked.num_negatives)
        negative_of = combined.negative_of.reshape(len(combined.pairs), self._asked.num_negatives)
        positive_scores = block.positive_scores[combined.pairs, None]
        self._note(block, combined, block.scores[combined.negative_of])
        return self._as_table([
            self._queries(block, combined.pairs), self._documents(block.positive_rows[combined.pairs]),
            *(self._documents(doc_rows) for doc_rows in block.doc_rows[negative_of].T),
            *self._score_lists(np.hstack([positive_scores, block.scores[negative_of]])),
        ])  # fmt: skip

    def _labeled_pairs(self, block: Negatives) -> pa.Table:
        """Of each query its positives, then its negatives."""
        n_positives, n_negatives = np.diff(block.positive_offsets), block.counts
        is_positive = np.repeat(
            np.tile([True, False], len(n_positives)), np.stack([n_positives, n_negatives], 1).ravel()
        )
        doc_rows = _merged(is_positive, block.positive_rows, block.doc_rows)
        scores = _merged(is_positive, block.positive_scores, block.scores)
        queries = np.repeat(block.query_rows, n_positives + n_negatives)
        combined = _Combined.of(block, 0)
        self._note(block, combined, block.scores)
        last = pa.array(scores, _SCORE) if self._asked.output_scores else pa.array(is_positive, _LABEL)
        return self._as_table([self._texts("queries", queries), self._documents(doc_rows), last])

    def _labeled_lists(self, block: Negatives) -> pa.Table:
        """A row per positive whose query has any negatives: the positive, then those."""
        combined = _Combined.of(block, 1)
        lengths = combined.counts + 1
        starts = np.cumsum(lengths) - lengths
        is_positive = np.zeros(int(lengths.sum()), np.bool_)
        is_positive[starts] = True
        negative_of = combined.negative_of
        doc_rows = _merged(is_positive, block.positive_rows[combined.pairs], block.doc_rows[negative_of])
        scores = _merged(is_positive, block.positive_scores[combined.pairs], block.scores[negative_of])
        last = pa.array(scores, _SCORE) if self._asked.output_scores else pa.array(is_positive, _LABEL)
        offsets = pa.array(np.append(starts, len(doc_rows)), pa.int32())
        self._note(block, combined, block.scores[negative_of])
        texts = self._documents(doc_rows).combine_chunks()
        return self._as_table([
            self._queries(block, combined.pairs), pa.ListArray.from_arrays(offsets, texts),
            pa.ListArray.from_arrays(offsets, last),
        ])  # fmt: skip

    def _note(self, block: Negatives, combined: _Combined, negatives: NDArray[np.float32]) -> None:
        differences = block.positive_scores[combined.pair_of] - block.scores[combined.negative_of]
        self._written.append(Written(block.positive_scores[combined.pairs], negatives, differences))

    def _as_table(self, columns: list[pa.Array | pa.ChunkedArray]) -> pa.Table:
        return pa.table(columns, schema=self._schema)

    def _queries(self, block: Negatives, pairs: NDArray[np.int64]) -> pa.ChunkedArray:
        return self._texts("queries", block.query_rows[block.owners[pairs]])

    def _documents(self, rows: NDArray[np.integer]) -> pa.ChunkedArray:
        return self._texts("corpus", rows)

    def _texts(self, side: str, rows: NDArray[np.integer]) -> pa.ChunkedArray:
        column = getattr(self._collection, side)["text"]
        starts = range(0, len(rows), _TEXTS_AT_ONCE)
        parts = [gathered(column, rows[start : start + _TEXTS_AT_ONCE]).cast(_TEXT) for start in starts]
        return pa.chunked_array(parts, _TEXT)

    def _score_lists(self, scores: NDArray[np.float32]) -> list[pa.Array]:
        """A column of lists, from a matrix (rows, scores); none where scores are not wanted."""
        if not self._asked.output_scores:
            return []
        offsets = pa.array(np.arange(len(scores) + 1) * scores.shape[1], pa.int32())
        return [pa.ListArray.from_arrays(offsets, pa.array(scores.ravel(), _SCORE))]


def _last_column(asked: Asked) -> list[tuple[str, pa.DataType]]:
    """Labels, scores in their place, scores beside texts, or nothing."""
    if asked.output_format == "labeled-pair":
        return [("score", _SCORE) if asked.output_scores else ("label", _LABEL)]
    if asked.output_scores:
        return [("scores", pa.list_(_SCORE))]
    return [("labels", pa.list_(_LABEL))] if asked.output_format == "labeled-list" else []


def _merged(is_first: NDArray[np.bool_], first: NDArray[Number], second: NDArray[Number]) -> NDArray[Number]:
    """Values of both, each in its own order, the first where `is_first (n,)`."""
    values: NDArray[Number] = np.empty(len(is_first), first.dtype)
    values[is_first], values[~is_first] = first, second
    return values
