"""What holders found, as a source for the local search stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.search.weighed_words import WeighedWords
from foolsgold.sources import BM25


@dataclass(frozen=True, eq=False)
class FoundSource:
    """Answers with what was found for the queries of a block.

    Attributes:
        name: of the source.
        doc_rows: shape (B, K), rows in the part, -1 where there are fewer.
        scores: shape (B, K).
        query_texts: of the B queries.
        words: of the part's documents.
        language: of these.
    """

    name: str
    doc_rows: NDArray[np.int32]
    scores: NDArray[np.floating]
    query_texts: Sequence[str]
    words: WeighedWords | None
    language: str | None

    def search(self, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.floating]]:
        """As they were found."""
        return self.doc_rows[rows, :k], self.scores[rows, :k]

    def pair_scores(self, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]) -> NDArray[np.floating]:
        """BM25 of pairs; other sources score by vectors."""
        assert self.name == BM25 and self.words is not None
        texts = [self.query_texts[row] for row in query_rows.tolist()]
        return self.words.pair_scores(texts, self.language, doc_rows[:, None])[:, 0]

    def describe(self) -> dict[str, Any]:
        """Said by the driver."""
        return {}
