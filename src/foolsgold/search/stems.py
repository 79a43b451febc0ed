"""Stems by number, the same in every process: parts of a corpus need no vocabulary in common."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b

from foolsgold.search.tokens import stemmer, tokenize


def stem_hash(stem: str) -> int:
    """64 bits of BLAKE2b.

    Among ten million different stems the chance that any two share a hash is below one in 100,000; two that do count as
    one stem, wherever they are met.
    """
    return int.from_bytes(blake2b(stem.encode(), digest_size=8).digest(), "little")


class Stems(dict[str, int]):
    """The hash of each word's stem, made when it is first asked for.

    Args:
        language: an ISO 639-1 code, which decides the stemmer; None is no stemmer.
    """

    def __init__(self, language: str | None) -> None:
        self._language = language
        self._stem = stemmer(language)

    @classmethod
    def of(cls, language: str | Stems | None) -> Stems:
        """Those of a language, or the given ones, which know some words already."""
        return language if isinstance(language, Stems) else cls(language)

    def counts(self, text: str) -> Counter[int]:
        """How often each stem is in a text, by hash, in the order in which they are met."""
        return Counter(map(self.__getitem__, tokenize(text)))

    def __missing__(self, word: str) -> int:
        self[word] = number = stem_hash(self._stem(word))
        return number

    def __reduce__(self) -> tuple[type[Stems], tuple[str | None]]:
        return Stems, (self._language,)
