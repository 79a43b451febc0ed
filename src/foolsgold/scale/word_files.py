"""Words of the corpus in files of a stretch each: counted by whoever is free, mapped by whoever holds the documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.cache_folder import write_whole
from foolsgold.collection.collection import joined_texts
from foolsgold.scale.corpus import Corpus
from foolsgold.scale.mapped import arrays_in
from foolsgold.search.shard_words import ShardWords

_MOST_ROWS = 65_536  # of a stretch
_BYTES = 24 * 2**20  # of its texts, about; counting takes several times as many
_SAMPLED = 256  # documents, for their mean length
_FIELDS = tuple(field.name for field in fields(ShardWords))


class WordFile(NamedTuple):
    """Documents from `start` up to `stop`, and the file of their words."""

    start: int
    stop: int
    path: Path

    def words(self, *, in_place: bool) -> ShardWords:
        """Of its documents, mapped, or read."""
        arrays = arrays_in(self.path, len(_FIELDS))
        return ShardWords(*(arrays if in_place else map(np.copy, arrays)))


def word_files_of(corpus: Corpus, starts: NDArray[np.int64], folder: Path) -> list[tuple[WordFile, ...]]:
    """Those of each share, which begin at `starts` but for the last, where all end; shorter where texts are long."""
    return [
        tuple(_files_of_share(start, stop, _rows_at_once(corpus, start, stop), folder))
        for start, stop in zip(starts.tolist(), starts[1:].tolist(), strict=False)
    ]


def _files_of_share(start: int, stop: int, n_rows: int, folder: Path) -> Iterator[WordFile]:
    for at in range(start, stop, n_rows):
        yield WordFile(at, min(at + n_rows, stop), folder / f"words-{at}.npy")


def _rows_at_once(corpus: Corpus, start: int, stop: int) -> int:
    sample = np.unique(np.linspace(start, stop - 1, _SAMPLED).astype(np.int64))
    mean = corpus.take(sample, ("title", "text")).nbytes / len(sample)
    return int(min(_MOST_ROWS, max(1, _BYTES / max(mean, 1))))


@dataclass(frozen=True)
class CountWords:
    """Counts the words of some documents.

    Attributes:
        corpus: the texts.
        language: of the words; None is no stemming.
    """

    corpus: Corpus
    language: str | None

    def __call__(self, file: WordFile) -> int:
        """Write it; the number of documents.

        Raises:
            CollectionError: a piece of the corpus is gone or damaged.
            OutputError: the file cannot be written.
        """
        texts = joined_texts(self.corpus.read(file.start, file.stop, ("title", "text")))
        words = ShardWords.of(texts, self.language)
        arrays = [getattr(words, name) for name in _FIELDS]  # those of 8 bytes a value first: none lies across words
        write_whole(file.path, partial(_save, arrays))
        return file.stop - file.start


def _save(arrays: Sequence[NDArray[Any]], file: BinaryIO) -> None:
    for array in arrays:
        np.save(file, array, allow_pickle=False)
