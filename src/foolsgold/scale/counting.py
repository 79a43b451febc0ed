"""The words of the corpus, counted on all cores as soon as its texts are there: while a model is loaded, too."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection.collection import joined_texts
from foolsgold.scale.corpus import Corpus
from foolsgold.scale.pool import InProcessPool, Pool, Ref
from foolsgold.scale.progress import RunProgress
from foolsgold.scale.word_files import CountWords, WordFile, word_files_of
from foolsgold.search.tokens import language_of, language_sample
from foolsgold.settings import MiningSettings

_FILES_AHEAD = 2  # of each core


class Counting(NamedTuple):
    """Words that are being counted.

    Attributes:
        starts: shape (shares + 1,): the first document of each share, and the number of documents.
        files: those of the words of each share.
        language: of the words; None is no stemming.
        counter: counts one file, where workers find it.
        begun: files that are under way, by their first document.
    """

    starts: NDArray[np.int64]
    files: list[tuple[WordFile, ...]]
    language: str | None
    counter: Ref[CountWords]
    begun: dict[int, Ref[int]]

    @classmethod
    def begin(cls, pool: Pool, corpus: Corpus, settings: MiningSettings, store: Path) -> Counting:
        """Begin with all files; a pool that is this process begins when they are waited for.

        Args:
            pool: a worker holds a share, and all count.
            corpus: ids and texts.
            settings: may name the language.
            store: a folder of this run, which workers share.
        """
        starts = starts_of_shares(pool, corpus)
        files, language = word_files_of(corpus, starts, store), _language(corpus, settings)
        found = cls(starts, files, language, pool.put(CountWords(corpus, language)), {})
        if not isinstance(pool, InProcessPool):
            found.begun.update({file.start: found._begin(pool, file) for file in found._every()})
        return found

    def finish(self, pool: Pool, *, quiet: bool) -> None:
        """Wait for all files.

        Raises:
            CollectionError: a piece of the corpus is gone or damaged.
            OutputError: a file cannot be written.
        """
        every = list(self._every())
        ahead = _FILES_AHEAD * pool.n_workers * pool.threads_per_worker
        counted = pool.ordered((partial(self._under_way, pool, file) for file in every), ahead=ahead)
        stage = RunProgress(pool, quiet=quiet).stage(
            "words", total=int(self.starts[-1]), unit="document", n_shards=len(every)
        )
        with stage as line:
            for n_documents in counted:
                line.done(n_documents)

    def _every(self) -> Iterator[WordFile]:
        return (file for files in self.files for file in files)

    def _under_way(self, pool: Pool, file: WordFile) -> Ref[int]:
        """What was begun; begun again where its result was lost."""
        return self.begun.pop(file.start, None) or self._begin(pool, file)

    def _begin(self, pool: Pool, file: WordFile) -> Ref[int]:
        return pool.submit(_count, self.counter, file)


def starts_of_shares(pool: Pool, corpus: Corpus) -> NDArray[np.int64]:
    """A share for each worker, shape (shares + 1,): the first document of each, and the number of documents."""
    n_shares = max(1, min(pool.n_workers, corpus.n_documents))
    return np.linspace(0, corpus.n_documents, n_shares + 1).astype(np.int64)


def _count(counter: CountWords, file: WordFile) -> int:
    return counter(file)


def _language(corpus: Corpus, settings: MiningSettings) -> str | None:
    """The language that the settings name, or in which the documents seem to be written."""
    if settings.language is not None:
        return settings.language
    return language_of(joined_texts(corpus.take(language_sample(corpus.n_documents), ("title", "text"))))
