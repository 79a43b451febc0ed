"""The words of a share of the corpus, a stretch at a time: what does not fit into memory is mapped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foolsgold.scale.lists import Lists, merged
from foolsgold.scale.mapped import mapped_arrays
from foolsgold.scale.word_files import WordFile
from foolsgold.search.weighed_words import WeighedWords
from foolsgold.search.word_statistics import WordStatistics


class ShareWords:
    """Words that were counted, and are weighed when the statistics of the whole corpus are known.

    Args:
        files: of the share's words, in order.
        language: of the words; None is no stemming.
        scratch: a folder for what does not stay in memory; None: all does, unless it lies in files already.
        in_place: whether the files stay mapped; else they are read, as those of another machine are best.
    """

    def __init__(
        self, files: Sequence[WordFile], language: str | None, scratch: Path | None, *, in_place: bool
    ) -> None:
        self._language, self._scratch = language, scratch
        self._starts = np.array([file.start - files[0].start for file in files])
        words = (file.words(in_place=in_place) for file in files)
        self._counted = [mapped_arrays(each, scratch) for each in words]
        self._weighed: list[WeighedWords] = []
        self._places: list[NDArray[np.int32]] = []  # of the stems of each stretch among those of the share

    @cached_property
    def statistics(self) -> WordStatistics:
        """Of the share alone."""
        return WordStatistics.merged([part.statistics for part in self._counted])

    def weigh(self, whole: WordStatistics) -> None:
        """Weigh the words by the statistics of the whole corpus, once."""
        if self._counted:
            hashes = self.statistics.hashes
            self._places = [np.searchsorted(hashes, part.hashes).astype(np.int32) for part in self._counted]
        while self._counted:
            part = self._counted.pop(0)
            self._weighed.append(mapped_arrays(part.weigh(whole), self._scratch))

    def take(self, rows: NDArray[np.int64]) -> WeighedWords:
        """Those of some documents, by rows of the share, ascending."""
        cuts = np.searchsorted(rows, [*self._starts, np.iinfo(np.int64).max])
        parts = [
            (places, words.matrix[rows[start:stop] - first])
            for places, words, first, start, stop in zip(
                self._places, self._weighed, self._starts.tolist(), cuts[:-1], cuts[1:], strict=True
            )
            if start < stop
        ]
        lengths = [np.diff(matrix.indptr) for _, matrix in parts]
        return WeighedWords(
            self.statistics.hashes,
            np.cumsum(np.concatenate([np.zeros(1, np.int64), *lengths])),
            np.concatenate([np.empty(0, np.int32), *(places[matrix.indices] for places, matrix in parts)]),
            np.concatenate([np.empty(0, np.float32), *(matrix.data for _, matrix in parts)]),
        ).with_own_stems()

    def search(self, query_texts: Sequence[str], k: int) -> Lists:
        """The k best documents by BM25, by rows of the share; -1 where fewer share a word with the query."""
        parts = []
        for start, words in zip(self._starts.tolist(), self._weighed, strict=True):
            doc_rows, scores = words.search(query_texts, self._language, min(k, words.n_documents))
            parts.append(Lists(np.where(doc_rows >= 0, doc_rows + np.int32(start), np.int32(-1)), scores))
        return merged(k, *parts)
