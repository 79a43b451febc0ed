"""BM25: documents scored by the words that they share with a query.

The score of a query and a document is the sum, over the tokens of the query, each as often as it is there, of what the
token adds to the document (`word_matrix`).
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.errors import CollectionError
from foolsgold.search.tokens import guess_language, stemmer, tokenize
from foolsgold.search.word_matrix import K1, B, word_matrix
from foolsgold.sources import BM25


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
        matrix: what each token adds to the score of each document, a `scipy.sparse.csr_array` (N, tokens), float32.

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
            documents = [array("i", self._vocabulary.add(text)) for text in texts]
        if not len(self._vocabulary):
            raise CollectionError(
                f"BM25 has nothing to search: none of the {len(document_texts):,} documents holds a letter or a digit. "
                "Search with source='dense' instead (--source dense)."
            )
        self.matrix = word_matrix(documents, len(self._vocabulary))

    def search(self, query_texts: Sequence[str], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The k best documents of each query, equal scores by document order.

        Returns:
            doc_rows (B, k), -1 where fewer than k documents share a token with the query; scores (B, k), there 0.
        """
        doc_rows = np.full((len(query_texts), k), -1, np.int32)
        scores = np.zeros((len(query_texts), k), np.float32)
        for row, text in enumerate(query_texts):
            all_scores = self._postings.scores(self._vocabulary.weights(text))  # (N,)
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
            scores[row] = self._postings.scores_of(self._vocabulary.weights(text), doc_rows[row])
        return scores

    def weights(self, query_texts: Sequence[str]) -> list[Counter[int]]:
        """How often each token that any document holds is in each query, a dict by its column in `matrix`."""
        return list(map(self._vocabulary.weights, query_texts))

    @cached_property
    def _postings(self) -> _Postings:
        return _Postings(self.matrix)


class Bm25Source:
    """BM25 over a collection's texts as a source of candidates."""

    name = BM25

    def __init__(self, collection: Collection, *, language: str | None, quiet: bool) -> None:
        self._collection = collection
        self._index = Bm25Index(collection.texts, language=language, quiet=quiet)
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
        return {self.name: {"method": "lucene", "k1": K1, "b": B, **language}}


class _Vocabulary:
    """Numbers for stems, in the order in which they were met; each word is stemmed once."""

    def __init__(self, language: str | None) -> None:
        self._stem = stemmer(language)
        self._of_stem: dict[str, int] = {}
        self._of_word = _Numbers(self._added)

    def __len__(self) -> int:
        return len(self._of_stem)

    def add(self, text: str) -> list[int]:
        """The numbers of a text's tokens, new ones too."""
        return list(map(self._of_word.__getitem__, tokenize(text)))

    def weights(self, text: str) -> Counter[int]:
        """How often each known token is in a text."""
        known = (self._of_word[word] if word in self._of_word else self._of_stem.get(self._stem(word))
                 for word in tokenize(text))  # fmt: skip
        return Counter(token for token in known if token is not None)

    def _added(self, word: str) -> int:
        return self._of_stem.setdefault(self._stem(word), len(self._of_stem))


class _Numbers(dict[str, int]):
    """Of words; a new one gets its number as it is asked for."""

    def __init__(self, number: Callable[[str], int]) -> None:
        self._number = number

    def __missing__(self, word: str) -> int:
        self[word] = number = self._number(word)
        return number


class _Postings:
    """For each token the documents that hold it, ascending, and what it adds to their score.

    Args:
        matrix: documents and tokens.
    """

    def __init__(self, matrix: Any) -> None:
        by_token = matrix.tocsc()
        self._n_documents: int = by_token.shape[0]
        self._starts: list[int] = by_token.indptr.tolist()
        self._doc_rows: NDArray[np.int32] = by_token.indices
        self._scores: NDArray[np.float32] = by_token.data

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


def _best(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The k highest of the scores above 0, best first, equal scores by position."""
    found = np.flatnonzero(scores)
    if len(found) > k:
        kth = np.partition(scores[found], len(found) - k)[len(found) - k]
        found = found[scores[found] >= kth]
    return found[np.argsort(-scores[found], kind="stable")][:k]
