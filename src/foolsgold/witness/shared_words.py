"""How many words documents share with a query, and with its known positives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from foolsgold.search import Stems, WeighedWords

_TABLE_VALUES = 2**19  # what is asked of all tokens, for a few queries at once: it stays in the cache
_MOST_COLUMNS = 16


class Shared(NamedTuple):
    """Of R documents, asked about by their queries.

    Attributes:
        scores: shape (R,), BM25 of query and document.
        likeness: shape (R,), how much of what a known positive says the document says too, from 0 to about 1, which is
            the positive itself: the document's BM25 score for the distinct tokens of the positive, divided by the
            positive's own; the highest for any positive, 0 where there is none.
    """

    scores: NDArray[np.float64]
    likeness: NDArray[np.float64]


class Index(Protocol):
    """Of the words of some documents: a `Bm25Index`, or `WordsOfSome`."""

    @property
    def matrix(self) -> Any:
        """As `WeighedWords.matrix`."""
        ...

    def weights(self, query_texts: Sequence[str]) -> list[Counter[int]]:
        """As `WeighedWords.weights`."""
        ...


class WordsOfSome(NamedTuple):
    """Documents of a corpus with the language whose stems they were read by."""

    words: WeighedWords
    stems: Stems

    @property
    def matrix(self) -> Any:
        """As `WeighedWords.matrix`."""
        return self.words.matrix

    def weights(self, query_texts: Sequence[str]) -> list[Counter[int]]:
        """As `WeighedWords.weights`."""
        return self.words.weights(query_texts, self.stems)


class SharedWords:
    """Asks the documents of a few queries at once, so that their words are gathered once for all that is asked.

    Each score is summed by itself, in float64 and in the order of the hashes of the document's tokens: neither blocks
    nor threads show, nor which other documents the index holds.

    Args:
        index: of the corpus.
        table_values: how much is asked at once; changes memory and speed, never the result.
    """

    def __init__(self, index: Index, *, table_values: int = _TABLE_VALUES) -> None:
        self._index, self._matrix = index, index.matrix
        self._table_values = table_values

    @classmethod
    def of_words(cls, words: WeighedWords, language: str | None) -> SharedWords:
        """Of some documents of a corpus: their rows are those that they have among `words`.

        Args:
            words: of all documents that will be named.
            language: whose stems they were read by.
        """
        return cls(WordsOfSome(words, Stems(language)))

    def of(
        self,
        query_texts: Sequence[str],
        doc_rows: NDArray[np.integer],
        doc_offsets: NDArray[np.integer],
        positive_rows: NDArray[np.integer],
        positive_offsets: NDArray[np.integer],
    ) -> Shared:
        """What is shared.

        Args:
            query_texts: B queries.
            doc_rows: shape (R,), the documents of query b are `doc_rows[offsets[b]:offsets[b + 1]]`.
            doc_offsets: shape (B + 1,).
            positive_rows: shape (P,), known positives, likewise.
            positive_offsets: shape (B + 1,).
        """
        found = Shared(np.zeros(len(doc_rows)), np.zeros(len(doc_rows)))
        n_columns = min(_MOST_COLUMNS, 1 + -(-len(positive_rows) // max(len(query_texts), 1)))
        rounds = [
            _Round(query, place == 0, asked[place : place + n_columns])
            for query, asked in enumerate(self._asked(query_texts, positive_rows, positive_offsets))
            for place in range(0, len(asked), n_columns)
        ]
        n_tokens = max(self._matrix.shape[1], 1)  # none where no document holds a word
        at_once = max(1, self._table_values // (n_tokens * n_columns))
        table = np.zeros((at_once * self._matrix.shape[1], n_columns))  # all 0 between answers
        for first in range(0, len(rounds), at_once):
            some = rounds[first : first + at_once]
            places = [np.arange(doc_offsets[one.query], doc_offsets[one.query + 1]) for one in some]
            answers = self._answers([doc_rows[place] for place in places], some, table)
            for one, place, answer in zip(some, places, answers, strict=True):
                if one.is_first:
                    found.scores[place] = answer[:, 0]
                likeness = answer[:, int(one.is_first) :].max(axis=1, initial=0)
                found.likeness[place] = np.maximum(found.likeness[place], likeness)
        return found

    def _asked(
        self,
        query_texts: Sequence[str],
        positive_rows: NDArray[np.integer],
        positive_offsets: NDArray[np.integer],
    ) -> Iterator[list[_Asked]]:
        """What each query asks: its own words, then those of each known positive."""
        for text, start, stop in zip(query_texts, positive_offsets[:-1], positive_offsets[1:], strict=True):
            yield [self._of_query(text), *map(self._of_positive, positive_rows[start:stop].tolist())]

    def _of_query(self, text: str) -> _Asked:
        (weights,) = self._index.weights([text])
        return _Asked(np.array(list(weights), np.int64), np.array(list(weights.values()), np.float64))

    def _of_positive(self, doc_row: int) -> _Asked:
        start, stop = self._matrix.indptr[doc_row : doc_row + 2]
        own = self._matrix.data[start:stop].sum(dtype=np.float64)
        return _Asked(self._matrix.indices[start:stop], 1 / own if own else 0.0)

    def _answers(
        self, doc_rows: list[NDArray[np.integer]], rounds: list[_Round], table: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """For each query the scores of its documents for what it asks, shape (its documents, columns)."""
        from scipy.sparse import csr_array

        n_tokens = self._matrix.shape[1]
        words = self._matrix[np.concatenate(doc_rows)]
        ends = np.cumsum([len(rows) for rows in doc_rows])
        n_entries = np.diff(words.indptr[np.concatenate([[0], ends])])
        shift = np.arange(len(rounds), dtype=words.indices.dtype) * n_tokens  # each query has columns of its own
        columns = words.indices + np.repeat(shift, n_entries)
        by_query = csr_array((words.data.astype(np.float64), columns, words.indptr), shape=(words.shape[0], len(table)))
        for query, one in enumerate(rounds):
            for column, (tokens, weights) in enumerate(one.asked):
                table[tokens + query * n_tokens, column] = weights
        answers = by_query @ table
        for query, one in enumerate(rounds):
            for tokens, _ in one.asked:
                table[tokens + query * n_tokens] = 0
        return np.split(answers, ends[:-1])


class _Round(NamedTuple):
    """Some of what one query asks of its documents."""

    query: int
    is_first: bool  # then it begins with the query's own words
    asked: list[_Asked]


class _Asked(NamedTuple):
    """What a query, or a known positive, asks of each token: how much a document's score for it counts."""

    tokens: NDArray[np.integer]
    weights: NDArray[np.float64] | float
