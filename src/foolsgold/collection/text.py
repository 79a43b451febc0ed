"""Texts compared as a reader would: by what they say, not by their bytes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

HASH_BYTES = 16
_KEYS_AT_ONCE = 262_144


def fold(text: str) -> str:
    """The text after Unicode NFKC, case folding, and folding of white space.

    >>> fold("Ｆool’s   GOLD ")
    'fool’s gold'
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).casefold()
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.lower().split())


def words(text: str) -> str:
    """The words of the folded text, in order, with a space between two; empty where it has none.

    A word is a run of letters, digits and marks; in a script that is written without spaces each character is a word by
    itself, so that a phrase can be found there too.

    >>> words("Jean-Luc  Picard, NCC-1701?")
    'jean luc picard ncc 1701'
    >>> words("iPhone手机")
    'iphone 手 机'
    """
    return " ".join(fold(text).translate(_WORD_CHARACTERS).split())


def is_written_without_spaces(character: str) -> bool:
    """Whether a character is of a script without spaces: Han, kana, Thai, Lao, Burmese, Khmer."""
    return any(first <= character <= last for first, last in _SCRIPTS_WITHOUT_SPACES)


_SCRIPTS_WITHOUT_SPACES = (
    ("\u0e00", "\u0eff"),  # Thai, Lao
    ("\u1000", "\u109f"),  # Burmese, and its extensions
    ("\ua9e0", "\ua9ff"),
    ("\uaa60", "\uaa7f"),
    ("\u1780", "\u17ff"),  # Khmer
    ("\u2e80", "\u2fdf"),  # Han radicals
    ("\u3005", "\u3007"),  # Han repetition mark, and zero
    ("\u3041", "\u30ff"),  # Hiragana, Katakana
    ("\u31f0", "\u31ff"),
    ("\u3400", "\u4dbf"),  # Han
    ("\u4e00", "\u9fff"),
    ("\uf900", "\ufaff"),
    ("\U0001aff0", "\U0001b16f"),  # kana of other periods
    ("\U00020000", "\U0003ffff"),  # rare Han
)


class _WordCharacters(dict[int, str]):
    """For `str.translate`: what becomes of a character; each is looked at once."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Cf":  # a soft hyphen or joiner is no break
            new = ""
        elif category[0] not in "LNM":
            new = " "
        else:
            new = f" {character} " if is_written_without_spaces(character) else character
        self[code] = new
        return new


_WORD_CHARACTERS = _WordCharacters()


def text_hashes(texts: Iterable[str]) -> bytes:
    """Hashes of HASH_BYTES each, one after the other: equal for equal texts alone."""
    return b"".join(blake2b(text.encode(), digest_size=HASH_BYTES).digest() for text in texts)


def text_keys(texts: Iterable[str]) -> NDArray[np.uint64]:
    """One 64-bit hash per text, shape (n,); equal exactly where the folded texts are equal.

    Among ten million different texts the chance that any two share a key is below one in 100,000.
    """
    keys = (int.from_bytes(blake2b(fold(text).encode(), digest_size=8).digest(), "little") for text in texts)
    return np.fromiter(keys, dtype=np.uint64)


def same_keys(
    texts: NDArray[np.uint64], joined: NDArray[np.uint64], queries: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Keys that are equal for documents which share either of their two hashes, and for queries that share one.

    Args:
        texts: shape (N,), hashes of the texts.
        joined: shape (N,), hashes of titles and texts together.
        queries: shape (Q,), hashes of the queries.

    Returns:
        Keys of documents (N,), from 0; of queries (Q,), -1 where no document says the same; and groups of queries (Q,),
        from 0, equal only for queries of the same text.
    """
    keys = np.arange(len(texts))
    query_keys = np.full(len(queries), -1)
    shared = _shared(texts, joined, queries)  # most documents share nothing, and need no look
    rows = np.flatnonzero(_among(texts, shared) | _among(joined, shared))
    if len(rows):
        keys[rows], known, smallest = _connected(rows, texts[rows], joined[rows])
        found = np.minimum(np.searchsorted(known, queries), len(known) - 1)
        query_keys = np.where(known[found] == queries, smallest[found], -1)
    _, groups = np.unique(queries, return_inverse=True)
    return keys, query_keys, groups


def _connected(
    rows: NDArray[np.int64], texts: NDArray[np.uint64], joined: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
    """The smallest row among those connected with each, however long the chain; all hashes, and that row of each."""
    known, where = np.unique(np.concatenate([texts, joined]), return_inverse=True)
    keys, n = rows, len(rows)
    while True:
        smallest = np.full(len(known), rows[-1])
        np.minimum.at(smallest, where, np.tile(keys, 2))
        connected = np.minimum(smallest[where[:n]], smallest[where[n:]])
        if np.array_equal(connected, keys):
            return keys, known, smallest
        keys = connected


def _shared(texts: NDArray[np.uint64], joined: NDArray[np.uint64], queries: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes that several documents have, or a document and a query, ascending."""
    ordered = np.concatenate([texts, joined[joined != texts]])
    ordered.sort()
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    return np.unique(np.concatenate([repeated, queries[_among(queries, ordered)]]))


def _among(values: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which values are among those known, which ascend; some at a time."""
    found = np.zeros(len(values), np.bool_)
    for start in range(0, len(values) if len(known) else 0, _KEYS_AT_ONCE):
        some = values[start : start + _KEYS_AT_ONCE]
        places = np.minimum(np.searchsorted(known, some), len(known) - 1)
        found[start : start + len(some)] = known[places] == some
    return found
