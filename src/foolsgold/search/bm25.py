"""BM25: documents scored by the words that they share with a query.

The score of a query and a document is the sum, over the tokens of the query, each as often as it is there, of what the
token adds to the document (`word_values`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.search.shard_words import ShardWords
from foolsgold.search.stems import Stems
from foolsgold.search.tokens import guess_language
from foolsgold.search.word_values import K1, B
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
        words: what each token adds to the score of each document, as a shard that is the whole corpus.

    Raises:
        CollectionError: no document has a single token.

    >>> index = Bm25Index(["two eggs", "an egg and two more", "wine"], language="en", quiet=True)
    >>> index.search(["eggs"], 2)[0].tolist()
    [[0, 1]]
    """

    def __init__(self, document_texts: Sequence[str], *, language: str | None, quiet: bool) -> None:
        self.language = guess_language(document_texts) if language is None else language
        self._stems = Stems(self.language)
        with tqdm(document_texts, "index words", unit="document", delay=1, disable=quiet) as texts:
            shard = ShardWords.of(texts, self.language)
        whole = shard.statistics
        whole.check()
        self.words = shard.weigh(whole)

    @property
    def matrix(self) -> Any:
        """The same as a `scipy.sparse.csr_array` (N, tokens), float32; tokens are in the order of `stem_hash`."""
        return self.words.matrix

    def search(self, query_texts: Sequence[str], k: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The k best documents of each query, equal scores by document order.

        Returns:
            doc_rows (B, k), -1 where fewer than k documents share a token with the query; scores (B, k), there 0.
        """
        return self.words.search(query_texts, self._stems, k)

    def pair_scores(self, query_texts: Sequence[str], doc_rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The scores of the given documents, shape (B, K); 0 where no token is shared, and where a row is -1.

        Args:
            query_texts: B queries.
            doc_rows: shape (B, K).
        """
        return self.words.pair_scores(query_texts, self._stems, doc_rows)

    def weights(self, query_texts: Sequence[str]) -> list[Counter[int]]:
        """How often each token that any document holds is in each query, a dict by its column in `matrix`."""
        return self.words.weights(query_texts, self._stems)


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
        return describe_words(self._index.language, guessed=self._guessed)


def describe_words(language: str | None, *, guessed: bool) -> dict[str, Any]:
    """BM25's variant and parameters, and the language of the stemmer."""
    about = {"language": language, "language_guessed": guessed}
    return {BM25: {"method": "lucene", "k1": K1, "b": B, **about}}
