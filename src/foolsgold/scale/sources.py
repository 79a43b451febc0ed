"""What holders found, as a source for the local search stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.search.run_file import RunSource
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
        run: the lines of these queries, by rows of the whole corpus, where scores are those of a run.
        whole_rows: shape (M,), of the part's documents.
    """

    name: str
    doc_rows: NDArray[np.int32]
    scores: NDArray[np.floating]
    query_texts: Sequence[str]
    words: WeighedWords | None
    language: str | None
    run: RunSource | None
    whole_rows: NDArray[np.int64]

    def search(self, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.floating]]:
        """As they were found."""
        return self.doc_rows[rows, :k], self.scores[rows, :k]

    def pair_scores(self, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]) -> NDArray[np.floating]:
        """The score of each pair, (P,), by the run or BM25; other sources score by vectors."""
        if self.run is not None:
            return self.run.pair_scores(query_rows, self.whole_rows[doc_rows])
        assert self.name == BM25 and self.words is not None
        texts = [self.query_texts[row] for row in query_rows.tolist()]
        return self.words.pair_scores(texts, self.language, doc_rows[:, None])[:, 0]

    def describe(self) -> dict[str, Any]:
        """Said by the driver."""
        return {}
