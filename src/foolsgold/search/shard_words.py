"""The words of a shard, some consecutive documents of a corpus; weighed once the statistics of the whole are known."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foolsgold.search.stems import stem_hash
from foolsgold.search.tokens import stemmer, tokenize
from foolsgold.search.weighed_words import WeighedWords
from foolsgold.search.word_statistics import WordStatistics
from foolsgold.search.word_values import inverse_frequencies, word_values

_DOCUMENTS_AT_ONCE = 4_096  # weighed: what is worked out in float64 stays small


@dataclass(frozen=True, eq=False)
class ShardWords:
    """Which stems the documents of a shard hold, and how often.

    Attributes:
        hashes: shape (T,), uint64, ascending: `stem_hash` of each stem that a document of the shard holds.
        indptr: shape (n + 1,), int64: document d has the entries from `indptr[d]` to `indptr[d + 1]`.
        columns: shape (E,), int32, ascending within a document: the stems' places in `hashes`.
        frequencies: shape (E,), int32: how often each is in the document.
        lengths: shape (n,), int32: of the documents, in tokens.
    """

    hashes: NDArray[np.uint64]
    indptr: NDArray[np.int64]
    columns: NDArray[np.int32]
    frequencies: NDArray[np.int32]
    lengths: NDArray[np.int32]

    @classmethod
    def of(cls, texts: Iterable[str], language: str | None) -> ShardWords:
        """The words of n texts.

        Args:
            texts: of the documents, in order; read once.
            language: an ISO 639-1 code, which decides the stemmer; None is no stemmer. All shards take the same one.
        """
        from scipy.sparse import csr_array

        numbers, tokens, lengths = _Numbers(), array("i"), array("i")
        for text in texts:
            found = tokenize(text)
            tokens.extend(map(numbers.__getitem__, found))
            lengths.append(len(found))
        hashes, column_of = _columns(numbers, language)
        n_tokens = np.frombuffer(lengths, np.int32) if lengths else np.empty(0, np.int32)
        columns = column_of[np.frombuffer(tokens, np.int32)] if tokens else np.empty(0, np.int32)
        ends = _ends(n_tokens)
        if len(columns) <= np.iinfo(np.int32).max:
            ends = ends.astype(np.int32)  # else SciPy makes 64-bit columns too
        counted = csr_array((np.ones(len(columns), np.int32), columns, ends), shape=(len(n_tokens), len(hashes)))
        counted.sum_duplicates()
        return cls(
            hashes,
            counted.indptr.astype(np.int64),
            counted.indices.astype(np.int32, copy=False),
            counted.data,
            n_tokens,
        )

    @property
    def n_documents(self) -> int:
        """How many documents the shard has."""
        return len(self.lengths)

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays."""
        arrays = self.hashes, self.indptr, self.columns, self.frequencies, self.lengths
        return sum(values.nbytes for values in arrays)

    @property
    def statistics(self) -> WordStatistics:
        """Of this shard alone, to be merged with those of the others."""
        counts = np.bincount(self.columns, minlength=len(self.hashes)).astype(np.int32)
        return WordStatistics(self.n_documents, int(self.lengths.sum(dtype=np.int64)), self.hashes, counts)

    def weigh(self, whole: WordStatistics) -> WeighedWords:
        """What each word adds to the score of its document, the same number in whatever shard the document is.

        Args:
            whole: statistics of the whole corpus, or as much of them as this shard asks (`WordStatistics.only`).

        Raises:
            ValueError: the statistics are not of a corpus with these documents.
        """
        inverse = inverse_frequencies(whole.counts_of(self.hashes), whole.n_documents)  # (T,)
        values = np.empty(len(self.columns), np.float32)
        for start in range(0, self.n_documents, _DOCUMENTS_AT_ONCE):
            ends = self.indptr[start : start + _DOCUMENTS_AT_ONCE + 1]
            some = slice(ends[0], ends[-1])
            lengths = np.repeat(self.lengths[start : start + _DOCUMENTS_AT_ONCE], np.diff(ends))
            of_entries = inverse[self.columns[some]]
            if len(lengths):  # else there may be no mean
                values[some] = word_values(self.frequencies[some], lengths, of_entries, mean_length=whole.mean_length)
        return WeighedWords(self.hashes, self.indptr, self.columns, values)


class _Numbers(dict[str, int]):
    """Of words, in the order in which they are met."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


def _columns(words: Iterable[str], language: str | None) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """The hashes of the words' stems (T,), ascending, and the place among them of each word (W,)."""
    stem = stemmer(language)
    hashes, columns = np.unique(np.fromiter((stem_hash(stem(word)) for word in words), np.uint64), return_inverse=True)
    return hashes, columns.astype(np.int32)


def _ends(lengths: NDArray[np.int32]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
