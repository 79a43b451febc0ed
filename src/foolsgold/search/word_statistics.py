"""What BM25 must know of a whole corpus to weigh the words of any document, put together from its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foolsgold.errors import CollectionError


@dataclass(frozen=True, eq=False)
class WordStatistics:
    """How many documents there are, how long they are, and in how many each stem is.

    Attributes:
        n_documents: in the corpus, or in a part of it.
        total_length: of all of them, in tokens.
        hashes: shape (T,), uint64, ascending, of the stems (`stem_hash`).
        counts: shape (T,), int32, in how many documents each of them is.
    """

    n_documents: int
    total_length: int
    hashes: NDArray[np.uint64]
    counts: NDArray[np.int32]

    @classmethod
    def merged(cls, parts: Sequence[WordStatistics]) -> WordStatistics:
        """Of parts that have no document in common. Merging some first changes nothing, nor does their order."""
        hashes = np.concatenate([np.empty(0, np.uint64), *(part.hashes for part in parts)])
        counts = np.concatenate([np.empty(0, np.int32), *(part.counts for part in parts)])
        known, places = np.unique(hashes, return_inverse=True)
        total = np.bincount(places, counts, len(known)).astype(np.int32)
        n_documents, length = (sum(part.n_documents for part in parts), sum(part.total_length for part in parts))
        return cls(n_documents, length, known, total)

    @property
    def mean_length(self) -> float:
        """Of the documents, in tokens."""
        return self.total_length / self.n_documents

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays."""
        return self.hashes.nbytes + self.counts.nbytes

    def check(self) -> None:
        """See that there is something to search.

        Raises:
            CollectionError: no document has a single token.
        """
        if not len(self.hashes):
            raise CollectionError(
                f"BM25 has nothing to search: none of the {self.n_documents:,} documents holds a letter or a digit. "
                "Search with source='dense' instead (--source dense)."
            )

    def only(self, hashes: NDArray[np.uint64]) -> WordStatistics:
        """The same of some stems alone: all that the words of one part need, and far less to send.

        Args:
            hashes: shape (S,), ascending, each among those known.
        """
        return WordStatistics(self.n_documents, self.total_length, hashes, self.counts_of(hashes))

    def counts_of(self, hashes: NDArray[np.uint64]) -> NDArray[np.int32]:
        """In how many documents each of some stems is, shape (S,).

        Raises:
            ValueError: a stem is not known: these are not the statistics of the corpus that it is from.
        """
        places = places_in(self.hashes, hashes)
        if (places < 0).any():
            raise ValueError(
                f"{int((places < 0).sum()):,} of {len(hashes):,} stems are in no document of these statistics"
            )
        return self.counts[places]


def places_in(known: NDArray[np.uint64], asked: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Where each asked number is among the known ones, which ascend; -1 where it is not. Shape as `asked`."""
    if not len(known):
        return np.full(len(asked), -1, np.int64)
    places = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.where(known[places] == asked, places, -1)
