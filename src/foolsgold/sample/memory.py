"""Logits that a cross-encoder gave for some queries, kept for the leak test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.rerank import PairScores
from foolsgold.search import Candidates


class Memory:
    """Logits of some queries, so that what was scored of them is not scored again.

    Args:
        query_rows: which queries, ascending.
    """

    def __init__(self, query_rows: NDArray[np.int64]) -> None:
        self._query_rows = query_rows
        self._of_pair: dict[tuple[int, int], float] = {}

    def numbered_anew(self, query_rows: NDArray[np.int64]) -> Memory:
        """The same where the i-th of these queries is called i."""
        memory = Memory(np.arange(len(query_rows)))
        name = {int(row): place for place, row in enumerate(query_rows.tolist())}
        memory._of_pair = {(name[query], doc): logit for (query, doc), logit in self._of_pair.items() if query in name}
        return memory

    def note(self, block: Candidates, scores: PairScores) -> None:
        """Remember what a group of queries has."""
        for query, doc, values, place in self._places(block, scores):
            if not np.isnan(values[place]):
                self._of_pair[query, doc] = float(values[place])

    def recall(self, block: Candidates, scores: PairScores) -> None:
        """Give a group of queries what is remembered."""
        for query, doc, values, place in self._places(block, scores) if self._of_pair else ():
            values[place] = self._of_pair.get((query, doc), values[place])

    def _places(self, block: Candidates, scores: PairScores) -> Iterator[tuple[int, int, NDArray[np.float32], Any]]:
        for row in np.flatnonzero(np.isin(block.query_rows, self._query_rows)).tolist():
            query = int(block.query_rows[row])
            for column, doc in enumerate(block.doc_rows[row].tolist()):
                yield query, doc, scores.candidates, (row, column)
            for place in range(int(block.positive_offsets[row]), int(block.positive_offsets[row + 1])):
                yield query, int(block.positive_rows[place]), scores.positives, place
