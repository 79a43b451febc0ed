"""Tokens for BM25: words of any script, character bigrams where a script writes no spaces between words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import fold
from foolsgold.languages import STEMMERS

# Han, kana, Thai, Lao, Burmese and Khmer; and Hangul, whose words carry their particles: bigrams find the stem
# (Lee and Ahn, Using n-grams for Korean text retrieval, SIGIR 1996).
_UNSPACED = (
    "\u3005-\u3007\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U0001b000-\U0001b16f\U00020000-\U000323af"
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u109a-\u109d\u1780-\u17d3"
    "\ua9e0-\ua9ef\ua9fa-\ua9fe\uaa60-\uaa7f\uac00-\ud7a3"
)
_UNSPACED_RUN = re.compile(f"([{_UNSPACED}]+)")
_ASCII_WORD = re.compile(r"\w+", re.ASCII)
_SAMPLED_DOCUMENTS, _SAMPLED_CHARACTERS = 1_000, 1_000
# Stopwords are .4 of English, German and Spanish prose (median), .25 of Russian; Romanian read as Spanish has .14.
_PROSE = 0.2
_VOTERS, _MAJORITY = 1 / 4, 2 / 3


def tokenize(text: str) -> list[str]:
    """The tokens of a text, in order, after folding Unicode (NFKC) and case; no word is left out for being common.

    >>> tokenize("BM25 sucht Wörter; 東京タワー")
    ['bm25', 'sucht', 'wörter', '東京', '京タ', 'タワ', 'ワー']
    """
    text = fold(text)
    if text.isascii():
        return _ASCII_WORD.findall(text)
    tokens: list[str] = []
    for word in _word().findall(text):
        if word.isascii():
            tokens.append(word)
            continue
        for place, part in enumerate(_UNSPACED_RUN.split(word)):
            tokens += _bigrams(part) if place % 2 else [part] if part else []
    return tokens


def stemmer(language: str | None) -> Callable[[str], str]:
    """What takes a word to its stem; the word itself where the language has no stemmer."""
    algorithm = None if language is None else STEMMERS[language]
    if algorithm is None:
        return str
    from Stemmer import Stemmer

    stem: Callable[[str], str] = Stemmer(algorithm).stemWord
    return stem


def guess_language(texts: Sequence[str]) -> str | None:
    """The language in which most texts of a collection are written, judged by stopwords; None where none stands out.

    Up to 1,000 texts, evenly spread (`language_sample`), vote (`language_of`).
    """
    return language_of(texts[row] for row in language_sample(len(texts)).tolist())


def language_sample(n_documents: int) -> NDArray[np.int64]:
    """The rows of the documents that vote on the language, ascending."""
    n_sampled = min(n_documents, _SAMPLED_DOCUMENTS)
    return np.unique(np.linspace(0, n_documents - 1, n_sampled).astype(np.int64))


def language_of(texts: Iterable[str]) -> str | None:
    """The language in which most of some texts are written; None where none stands out.

    Each text votes for the language whose stopwords it holds most of, if those are a fifth of its words. A language is
    taken if two thirds of the votes are for it, and a quarter of the texts voted.
    """
    votes = Counter(_vote(tokenize(text[:_SAMPLED_CHARACTERS])) for text in texts)
    n_silent = votes.pop(None, 0)
    n_votes = votes.total()
    if n_votes < _VOTERS * (n_votes + n_silent) or not votes:
        return None
    language, count = votes.most_common(1)[0]
    return language if count >= _MAJORITY * n_votes else None


def _vote(tokens: list[str]) -> str | None:
    counts = Counter(tokens)
    hits = {language: sum(map(counts.__getitem__, words & counts.keys())) for language, words in _stopwords().items()}
    best = max(hits, key=hits.__getitem__)
    clear = sum(count == hits[best] for count in hits.values()) == 1
    return best if clear and hits[best] >= _PROSE * len(tokens) else None


@cache
def _stopwords() -> dict[str, frozenset[str]]:
    """Of the languages that a share of stopwords tells from others; in Turkish prose it is .13."""
    from bm25s import stopwords

    return {
        "da": frozenset(stopwords.STOPWORDS_DANISH), "de": frozenset(stopwords.STOPWORDS_GERMAN),
        "en": frozenset(stopwords.STOPWORDS_EN_PLUS), "es": frozenset(stopwords.STOPWORDS_SPANISH),
        "fr": frozenset(stopwords.STOPWORDS_FRENCH), "it": frozenset(stopwords.STOPWORDS_ITALIAN),
        "nl": frozenset(stopwords.STOPWORDS_DUTCH), "no": frozenset(stopwords.STOPWORDS_NORWEGIAN),
        "pt": frozenset(stopwords.STOPWORDS_PORTUGUESE), "ru": frozenset(stopwords.STOPWORDS_RUSSIAN),
        "sv": frozenset(stopwords.STOPWORDS_SWEDISH),
    }  # fmt: skip


@cache
def _word() -> re.Pattern[str]:
    """Letters, digits and marks: without its marks a word of Hindi or Tamil falls to pieces."""
    ranges: list[tuple[int, int]] = []  # matched five times as fast as characters one by one
    for code in (*range(0x20000), *range(0xE0000, 0xE1000)):  # no other plane has marks
        if unicodedata.category(chr(code))[0] != "M":
            continue
        first = ranges.pop()[0] if ranges and ranges[-1][1] == code - 1 else code
        ranges.append((first, code))
    marks = "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
    return re.compile(rf"[\w{marks}]+")


def _bigrams(run: str) -> list[str]:
    return [run] if len(run) == 1 else [run[i : i + 2] for i in range(len(run) - 1)]
