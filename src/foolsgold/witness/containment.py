"""Documents of which one contains the other, word for word."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection, words

_FEWEST_WORDS = 4  # fewer are contained by chance
_KEPT_CHARACTERS = 64_000_000
_BITS = 512


class _Folded(NamedTuple):
    """The words of a text with a space before, between and after; empty where they are too few.

    Each word sets a bit of the signature (Bloom, CACM 1970): a text that contains another has all of its bits.
    """

    text: str
    signature: bytes


class FoldedTexts:
    """Texts that were folded, by number, as long as they are not too many."""

    def __init__(self) -> None:
        self._folded: dict[int, _Folded] = {}
        self._n_characters = 0

    def of(self, numbers: Sequence[int], texts_of: Callable[[list[int]], list[str]]) -> list[_Folded]:
        """Of texts with these numbers, no two alike; `texts_of` some places among them reads those that are new."""
        if self._n_characters > _KEPT_CHARACTERS:
            self._folded, self._n_characters = {}, 0
        new = [place for place, number in enumerate(numbers) if number not in self._folded]
        for place, text in zip(new, texts_of(new), strict=True):
            folded = self._folded[numbers[place]] = _folded(text)
            self._n_characters += len(folded.text)
        return [self._folded[number] for number in numbers]


class Containment:
    """Whether of two documents of a collection, folded into words (`words`), one contains the other.

    One of fewer than four words is contained in none.

    Args:
        collection: the documents.
        folded: where folded texts are kept; None: here.
        numbers: shape (N,), of the documents there; None: their rows.
    """

    def __init__(
        self, collection: Collection, folded: FoldedTexts | None = None, numbers: NDArray[np.int64] | None = None
    ) -> None:
        self._collection = collection
        self._folded = FoldedTexts() if folded is None else folded
        self._numbers = numbers

    def of(self, some: NDArray[np.integer], others: NDArray[np.integer]) -> NDArray[np.bool_]:
        """For pairs of documents, shape (n,) both; a pair that is there again is looked at once."""
        if not len(some):
            return np.zeros(0, np.bool_)
        n = self._collection.n_documents
        keys = np.minimum(some, others).astype(np.int64) * n + np.maximum(some, others)
        pairs, of_pair = np.unique(keys, return_inverse=True)
        rows, places = np.unique(np.concatenate(np.divmod(pairs, n)), return_inverse=True)
        folded = self._of_rows(rows)
        lengths = np.array([len(one.text) for one in folded], np.int64)
        short, long = places.reshape(2, -1)
        swapped = lengths[short] > lengths[long]
        short, long = np.where(swapped, long, short), np.where(swapped, short, long)
        signatures = np.frombuffer(b"".join(one.signature for one in folded), np.uint64).reshape(len(rows), -1)
        may_be = np.flatnonzero((lengths[short] > 0) & ~(signatures[short] & ~signatures[long]).any(axis=1))
        found = np.zeros(len(pairs), np.bool_)
        found[may_be] = [
            folded[a].text in folded[b].text for a, b in zip(short[may_be].tolist(), long[may_be].tolist(), strict=True)
        ]
        return found[of_pair]

    def _of_rows(self, doc_rows: NDArray[np.int64]) -> list[_Folded]:
        """Of rows that differ."""
        numbers = doc_rows if self._numbers is None else self._numbers[doc_rows]
        return self._folded.of(numbers.tolist(), lambda places: self._collection.document_texts(doc_rows[places]))


def _folded(text: str) -> _Folded:
    found = words(text).split()
    signature = 0
    for word in set(found):
        signature |= 1 << (hash(word) % _BITS)
    text = f" {' '.join(found)} " if len(found) >= _FEWEST_WORDS else ""
    return _Folded(text, signature.to_bytes(_BITS // 8, "little"))
