"""What finds candidates: the setting `source`, taken apart."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from foolsgold.errors import SettingsError

DENSE = "dense"  # vectors
BM25 = "bm25"
RUN = "run:"  # and the path of a TREC run
_TAKES = "'dense', 'bm25', 'both' (= dense,bm25), 'run:FILE', or several of them with commas between"
_MOST = 7  # all their combinations are numbered in int8


class SourceName(NamedTuple):
    """One source.

    Attributes:
        name: as it is called in files and reports: dense, bm25, or `run:` and a file's name.
        path: of a run.
    """

    name: str
    path: str | None = None

    def __str__(self) -> str:
        return self.name if self.path is None else f"{RUN}{self.path}"


def parse_sources(text: str) -> tuple[SourceName, ...]:
    """The sources that a setting names, in its order; paths become absolute.

    Raises:
        SettingsError: a word that is no source, one that is there twice, or more than 7.

    >>> [str(source) for source in parse_sources("both")]
    ['dense', 'bm25']
    """
    words = [word.strip() for word in text.split(",")]
    words = [one for word in words for one in ((DENSE, BM25) if word == "both" else (word,))]
    sources = tuple(_parse(word, text) for word in words)
    names = [source.name for source in sources]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(
            f"source is {text!r}, which names {', '.join(twice)} twice. Name each once; of two runs whose files have "
            "the same name, rename one."
        )
    if len(sources) > _MOST:
        raise SettingsError(f"source names {len(sources)} sources; it takes at most {_MOST}.")
    return sources


def needs_vectors(sources: tuple[SourceName, ...]) -> bool:
    """Whether there must be an encoder: to search, or to give one kind of score to what several sources found."""
    return len(sources) > 1 or sources[0].name == DENSE


def _parse(word: str, text: str) -> SourceName:
    if word in (DENSE, BM25):
        return SourceName(word)
    path = word.removeprefix(RUN)
    if not word.startswith(RUN) or not path:
        raise SettingsError(f"source is {text!r}; it takes {_TAKES}.")
    return SourceName(f"{RUN}{Path(path).name}", str(Path(path).expanduser().absolute()))
