"""BM25 (Robertson et al., Okapi at TREC-3, 1994) in Lucene's form, over the score matrix of the library bm25s.

The score of a query and a document is `Σ ln(1 + (N - n_t + ½) / (n_t + ½)) · f / (f + k1 (1 - b + b · length / mean))`
over the tokens t of the query, each as often as it is there; f is how often t is in the document, n_t in how many of
the N documents it is. The variants of BM25 hardly differ (Kamphuis et al., ECIR 2020); this one is never negative.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.errors import CollectionError
from foolsgold.search.tokens import guess_language, stemmer, tokenize
from foolsgold.sources import BM25

_K1, _B = 1.5, 0.75


class Bm25Index:
    """Scores documents by the words that they share with a query.

    A query is scored by itself, in float64 and in the order of its tokens, so that nothing depends on blocks or
    threads; memory grows with the corpus alone.

    Args:
        document_texts: shape (N,).
        language: an ISO 639-1 code, which decides the stemmer; None is guessed from the texts, "none" is no stemmer.
        quiet: without a progress bar.

    Attributes:
        language: that was given or guessed; None where none stands out.

    Raises:
        CollectionError: no document has a single token.

    >>> index = Bm25Index(["two eggs", "an egg and two more", "wine"], language="en", quiet=True)
    >>> index.search(["eggs"], 2)[0].tolist()
    [[0, 1]]
    """

    def __init__(self, document_texts: Sequence[str], *, language: str | None, quiet: bool) -> None:
        self.language = guess_language(document_texts) if language is None else language
        self._vocabulary = _Vocabulary(self.language)
        with tqdm(document_texts, "index words", unit="document", delay=1, disable=quiet) as texts:
            documents = [array("i", self._vocabulary.ids(text, grow=True)) for text in texts]
        if not len(self._vocabulary):
            raise CollectionError(
                f"BM25 has nothing to search: none of the {len(document_texts):,} documents holds a letter or a digit. "
                "Search with source='dense' instead (--source dense)."
            )
        self._postings = _Postings(documents, len(self._vocabulary))

    def search(self, query_texts: Sequence[str], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The k best documents of each query, equal scores by document order.

        Returns:
            doc_rows (B, k), -1 where fewer than k documents share a token with the query; scores (B, k), there 0.
        """
        doc_rows = np.full((len(query_texts), k), -1, np.int32)
        scores = np.zeros((len(query_texts), k), np.float32)
        for row, text in enumerate(query_texts):
            all_scores = self._postings.scores(self._weights(text))  # (N,)
            best = _best(all_scores, k)
            doc_rows[row, : len(best)], scores[row, : len(best)] = best, all_scores[best]
        return doc_rows, scores

    def pair_scores(self, query_texts: Sequence[str], doc_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The scores of the given documents, shape (B, K); 0 where no token is shared, and where a row is -1.

        Args:
            query_texts: B queries.
            doc_rows: shape (B, K).
        """
        scores = np.zeros(doc_rows.shape, np.float32)
        for row, text in enumerate(query_texts):
            scores[row] = self._postings.scores_of(self._weights(text), doc_rows[row])
        return scores

    def best_scores(self, query_texts: Sequence[str]) -> NDArray[np.float32]:
        """The highest score that any document has for each query, shape (B,); 0 where none shares a token."""
        weights = (self._weights(text) for text in query_texts)
        return np.array([self._postings.scores(tokens).max() for tokens in weights], np.float32)

    def likeness(self, doc_row: int, doc_rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """How much of what one document says others say too, shape (K,), from 0 to about 1, which is itself.

        Their BM25 scores for the distinct tokens of the document, divided by its own.

        Args:
            doc_row: the document; one without tokens is like none.
            doc_rows: shape (K,); -1 is no document, and like none.
        """
        return self._documents.likeness(doc_row, doc_rows)

    @cached_property
    def _documents(self) -> _Documents:
        return self._postings.by_document(len(self._vocabulary))

    def _weights(self, text: str) -> Counter[int]:
        return Counter(self._vocabulary.ids(text))


class Bm25Source:
    """BM25 over a collection's texts as a source of candidates."""

    name = BM25

    def __init__(self, collection: Collection, *, language: str | None, quiet: bool) -> None:
        self._collection = collection
        self._index = Bm25Index(collection.document_texts(), language=language, quiet=quiet)
        self._guessed = language is None

    def search(self, rows: slice, k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """As `Bm25Index.search`, for a block of the collection's queries."""
        return self._index.search(self._collection.query_texts(range(rows.start, rows.stop)), k)

    def pair_scores(self, query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The score of each (query, document) pair, shape (P,)."""
        return self._index.pair_scores(self._collection.query_texts(query_rows), doc_rows[:, None])[:, 0]

    def describe(self) -> dict[str, Any]:
        """The variant, its parameters, and the language of the stemmer."""
        language = {"language": self._index.language, "language_guessed": self._guessed}
        return {self.name: {"method": "lucene", "k1": _K1, "b": _B, **language}}


class _Vocabulary:
    """Numbers for stems, in the order in which they were met; each word is stemmed once."""

    def __init__(self, language: str | None) -> None:
        self._stem = stemmer(language)
        self._of_stem: dict[str, int] = {}
        self._of_word: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._of_stem)

    def ids(self, text: str, *, grow: bool = False) -> list[int]:
        """The numbers of a text's tokens; new ones are added (`grow`) or left out."""
        known, ids = self._of_word, []
        for word in tokenize(text):
            token = known.get(word)
            if token is None:
                token = self._id_of_stem(word, grow)
            if token is not None:
                ids.append(token)
        return ids

    def _id_of_stem(self, word: str, grow: bool) -> int | None:
        stem = self._stem(word)
        if not grow:
            return self._of_stem.get(stem)
        self._of_word[word] = self._of_stem.setdefault(stem, len(self._of_stem))
        return self._of_word[word]


class _Postings:
    """For each token the documents that hold it, and what it adds to their score.

    Args:
        documents: the tokens of each document.
        n_tokens: how many different ones there are.
    """

    def __init__(self, documents: list[array[int]], n_tokens: int) -> None:
        import bm25s

        library = bm25s.BM25(k1=_K1, b=_B, method="lucene", backend="numpy")
        matrix: dict[str, Any] = library.build_index_from_ids(range(n_tokens), documents, show_progress=False)
        self._n_documents = len(documents)
        self._starts: list[int] = matrix["indptr"].tolist()
        self._doc_rows: NDArray[np.int32] = matrix["indices"]  # ascending within a token
        self._scores: NDArray[np.float32] = matrix["data"]

    def scores(self, weights: Counter[int]) -> NDArray[np.float32]:
        """The scores of all documents, shape (N,)."""
        parts = [(slice(self._starts[token], self._starts[token + 1]), weight) for token, weight in weights.items()]
        if not parts:
            return np.zeros(self._n_documents, np.float32)
        doc_rows = np.concatenate([self._doc_rows[part] for part, _ in parts])
        added = np.concatenate([self._scores[part] * np.float32(weight) for part, weight in parts])
        return np.bincount(doc_rows, added, self._n_documents).astype(np.float32)

    def scores_of(self, weights: Counter[int], doc_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The scores of some documents, shape (K,)."""
        total = np.zeros(len(doc_rows), np.float64)
        for token, weight in weights.items():
            start, stop = self._starts[token], self._starts[token + 1]
            holders = self._doc_rows[start:stop]
            place = np.minimum(np.searchsorted(holders, doc_rows), len(holders) - 1)
            added = self._scores[start:stop][place] * np.float32(weight)
            total += np.where(holders[place] == doc_rows, added, 0)
        return total.astype(np.float32)

    def by_document(self, n_tokens: int) -> _Documents:
        """The same matrix, document by document."""
        tokens = np.repeat(np.arange(n_tokens, dtype=np.int32), np.diff(self._starts))
        order = np.argsort(self._doc_rows, kind="stable")
        counts = np.bincount(self._doc_rows, minlength=self._n_documents)
        starts = np.concatenate([[0], np.cumsum(counts)])
        return _Documents(starts, tokens[order], self._scores[order], n_tokens)


class _Documents:
    """For each document the tokens that it holds, ascending, and what each adds to its score.

    Args:
        starts: shape (N + 1,); those of document d are `tokens[starts[d]:starts[d + 1]]`.
        tokens: numbers of tokens.
        scores: what they add.
        n_tokens: how many different ones there are.
    """

    def __init__(
        self, starts: NDArray[np.int64], tokens: NDArray[np.int32], scores: NDArray[np.float32], n_tokens: int
    ) -> None:
        self._starts, self._tokens, self._scores = starts, tokens, scores
        self._wanted = np.zeros(n_tokens, np.bool_)  # all False between calls

    def likeness(self, doc_row: int, doc_rows: NDArray[np.integer]) -> NDArray[np.float64]:
        """As `Bm25Index.likeness`."""
        own = slice(self._starts[doc_row], self._starts[doc_row + 1])
        itself = self._scores[own].sum(dtype=np.float64)
        if itself == 0:
            return np.zeros(len(doc_rows))
        rows = np.maximum(doc_rows, 0)
        counts = np.where(doc_rows < 0, 0, self._starts[rows + 1] - self._starts[rows])
        ends = np.cumsum(counts)
        places = np.arange(counts.sum()) + np.repeat(self._starts[rows] - (ends - counts), counts)
        self._wanted[self._tokens[own]] = True
        shared = np.where(self._wanted[self._tokens[places]], self._scores[places], 0)
        self._wanted[self._tokens[own]] = False
        found = np.bincount(np.repeat(np.arange(len(rows)), counts), weights=shared, minlength=len(rows))
        ratio: NDArray[np.float64] = found.astype(np.float64) / itself
        return ratio


def _best(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The k highest of the scores above 0, best first, equal scores by position."""
    found = np.flatnonzero(scores)
    if len(found) > k:
        kth = np.partition(scores[found], len(found) - k)[len(found) - k]
        found = found[scores[found] >= kth]
    return found[np.argsort(-scores[found], kind="stable")][:k]
