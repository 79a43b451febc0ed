"""What each word adds to the score of its document, for some documents of a corpus: light to send, quick to search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.search.postings import Postings
from foolsgold.search.stems import Stems
from foolsgold.search.word_statistics import places_in


@dataclass(frozen=True, eq=False)
class WeighedWords:
    """The weighed words of n documents, in any order, whose rows here are from 0 to n - 1.

    All of it that is asked for a document is the same, bit for bit, among whatever other documents it is. `language`
    is the one whose stems the documents were read by (or its `Stems`, which remember words between calls).

    Attributes:
        hashes: shape (T,), uint64, ascending: `stem_hash` of each stem that any of the documents holds.
        indptr: shape (n + 1,), int64: document d has the entries from `indptr[d]` to `indptr[d + 1]`.
        columns: shape (E,), int32, ascending within a document: the stems' places in `hashes`.
        values: shape (E,), float32: what the stem adds to the document's score, by the statistics of the whole corpus.
    """

    hashes: NDArray[np.uint64]
    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float32]

    @classmethod
    def concatenated(cls, parts: Sequence[WeighedWords]) -> WeighedWords:
        """The documents of one part after those of another; all weighed by the same statistics."""
        hashes = np.sort(np.concatenate([np.empty(0, np.uint64), *(part.hashes for part in parts)]), kind="stable")
        hashes = np.delete(hashes, 1 + np.flatnonzero(hashes[1:] == hashes[:-1]))
        columns = [np.searchsorted(hashes, part.hashes).astype(np.int32)[part.columns] for part in parts]
        lengths = [np.diff(part.indptr) for part in parts]
        return cls(
            hashes,
            np.cumsum(np.concatenate([np.zeros(1, np.int64), *lengths])),
            np.concatenate([np.empty(0, np.int32), *columns]),
            np.concatenate([np.empty(0, np.float32), *(part.values for part in parts)]),
        )

    def take(self, rows: NDArray[np.integer] | Sequence[int]) -> WeighedWords:
        """Some of the documents, in the order of the given rows, with the stems that they hold."""
        taken = self.matrix[np.asarray(rows, np.int64)]
        return WeighedWords(self.hashes, taken.indptr.astype(np.int64), taken.indices, taken.data).with_own_stems()

    def with_own_stems(self) -> WeighedWords:
        """The same without stems that none of the documents holds."""
        used = np.zeros(len(self.hashes), np.bool_)
        used[self.columns] = True
        columns = (np.cumsum(used, dtype=np.int32) - 1)[self.columns]
        return WeighedWords(self.hashes[used], self.indptr, columns, self.values)

    @property
    def n_documents(self) -> int:
        """How many documents there are."""
        return len(self.indptr) - 1

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays; as much again once it has been searched."""
        return self.hashes.nbytes + self.indptr.nbytes + self.columns.nbytes + self.values.nbytes

    @cached_property
    def matrix(self) -> Any:
        """The values as a `scipy.sparse.csr_array` (n, T), which shares the memory."""
        from scipy.sparse import csr_array

        fits = len(self.columns) <= np.iinfo(np.int32).max  # else SciPy makes 64-bit columns too
        indptr = self.indptr.astype(np.int32) if fits else self.indptr
        return csr_array((self.values, self.columns, indptr), shape=(self.n_documents, len(self.hashes)))

    def weights(self, query_texts: Sequence[str], language: str | Stems | None) -> list[Counter[int]]:
        """How often each token that any of the documents holds is in each query, by its column."""
        counts = list(map(Stems.of(language).counts, query_texts))
        asked = np.fromiter(chain.from_iterable(counts), np.uint64)
        columns = iter(places_in(self.hashes, asked).tolist())
        return [
            Counter({column: n for n, column in zip(one.values(), columns, strict=False) if column >= 0})
            for one in counts
        ]

    def search(
        self, query_texts: Sequence[str], language: str | Stems | None, k: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The k best documents of each query, equal scores by row.

        Returns:
            doc_rows (B, k), -1 where fewer than k documents share a token with the query; scores (B, k), there 0.
        """
        doc_rows = np.full((len(query_texts), k), -1, np.int32)
        scores = np.zeros((len(query_texts), k), np.float32)
        for row, weights in enumerate(self.weights(query_texts, language)):
            found, best = self._postings.best(weights, k)
            doc_rows[row, : len(found)], scores[row, : len(found)] = found, best
        return doc_rows, scores

    def pair_scores(
        self, query_texts: Sequence[str], language: str | Stems | None, doc_rows: NDArray[np.integer]
    ) -> NDArray[np.float32]:
        """The scores of the given documents, shape (B, K); 0 where no token is shared, and where a row is -1.

        Args:
            query_texts: B queries.
            language: of the stems.
            doc_rows: shape (B, K).
        """
        scores = np.zeros(doc_rows.shape, np.float32)
        for row, weights in enumerate(self.weights(query_texts, language)):
            scores[row] = self._postings.scores_of(weights, doc_rows[row])
        return scores

    @cached_property
    def _postings(self) -> Postings:
        return Postings(self.matrix)

    def __reduce__(self) -> tuple[Any, ...]:
        return WeighedWords, (self.hashes, self.indptr, self.columns, self.values)  # without what is made of them
