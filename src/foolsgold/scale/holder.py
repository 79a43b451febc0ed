"""Holds a share of the corpus: finds the best of its documents, and hands out those that are asked for."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode import Vectors
from foolsgold.encode.matrix import Matrix
from foolsgold.memory import give_back
from foolsgold.scale.corpus import Corpus
from foolsgold.scale.documents import Documents, Learned
from foolsgold.scale.lists import Lists
from foolsgold.scale.mapped import room
from foolsgold.scale.share_words import ShareWords
from foolsgold.scale.stored_vectors import InFile, StoredVectors
from foolsgold.scale.word_files import WordFile
from foolsgold.search import ExactIndex, VoyagerIndex
from foolsgold.search.plan import Index, Plan, build_index, plan_index
from foolsgold.search.word_statistics import WordStatistics
from foolsgold.settings import MiningSettings
from foolsgold.witness import Hubs, HubSample

_ROWS_AT_ONCE = 65_536
_CPU = "cpu"


class Share(NamedTuple):
    """What a holder holds, and how: all that it is made from, so that it can be made again.

    Attributes:
        start: its first row.
        stop: the row after its last.
        corpus: ids and texts, of all documents.
        vectors: of all documents; None where the run has none.
        word_files: its words, counted; none where words are not asked for.
        language: of these; None is no stemming.
        settings: of the run.
        device: where it multiplies.
        n_threads: that it may use.
        scratch: a folder for what does not stay in memory, on the only machine that there is; None: there are others,
            and what a holder has stays in its memory, or is mapped from its machine's own files where that is limited.
        memory_bytes: for blocks; None is what makes it fast.
    """

    start: int
    stop: int
    corpus: Corpus
    vectors: StoredVectors | None
    word_files: tuple[WordFile, ...]
    language: str | None
    settings: MiningSettings
    device: str
    n_threads: int
    scratch: Path | None
    memory_bytes: int | None


class Known(NamedTuple):
    """What holders must be told of the whole.

    Attributes:
        sample: of all queries, which documents are compared with; None without vectors.
        words: of the whole corpus; None where no words are asked for.
    """

    sample: HubSample | None
    words: WordStatistics | None


class _Made(NamedTuple):
    """What is known of the documents of a share, by its own rows; None where a run does not ask for it."""

    hubs: Hubs | None
    words: ShareWords | None


class Holder:
    """Answers for a share of the corpus; what it is asked for is made when it is first needed.

    Several threads may ask: one at a time searches, since that takes all of a holder's threads and block memory, while
    others are handed documents.
    """

    def __init__(self, share: Share) -> None:
        self._share = share
        self._making, self._searching = threading.RLock(), threading.Lock()
        self._hubs: Hubs | None = None
        self._index: Index | None = None

    def word_statistics(self) -> WordStatistics | None:
        """Of its words; None where there are none to be counted."""
        with self._making:
            return None if self._words is None else self._words.statistics

    def prepare(self, known: Known) -> int:
        """Make all that documents are handed out with; the number of documents."""
        self._made(known)
        return self._share.stop - self._share.start

    def plan(self, known: Known, n_queries: int, k: int) -> Plan:
        """Which index suits its share."""
        settings, sample = self._share.settings, known.sample
        assert sample is not None
        return plan_index(
            settings.index, sample.query_vecs, self._vectors, k=min(k, len(self._vectors)),
            device=self._share.device, seed=settings.seed, n_queries=n_queries,
        )  # fmt: skip

    def describe_index(self, plan: Plan, known: Known, k: int) -> dict[str, Any]:
        """What an approximate index says of itself."""
        with self._searching:
            index = self._index_for(plan, known, min(k, len(self._vectors)))
        return index.describe() if isinstance(index, VoyagerIndex) else {}

    def search(self, queries: StoredVectors, rows: NDArray[np.int64], k: int, plan: Plan, known: Known) -> Lists:
        """The k best of its documents for some queries, most similar first, equal scores by document order."""
        query_vecs = Vectors.of(queries.take(rows), queries.similarity, "query_vecs")
        self._made(known)
        k = min(k, len(self._vectors))
        with self._searching:
            index = self._index_for(plan, known, k, n_queries=queries.n_rows)
            doc_rows, scores = index.search(query_vecs, slice(0, len(rows)), k)
            self._give_back()
        return Lists(doc_rows + np.int32(self._share.start), scores)

    def search_words(self, texts: Sequence[str], k: int, known: Known) -> Lists:
        """The k best of its documents by BM25, -1 where fewer share a word with the query."""
        words = self._made(known).words
        assert words is not None
        with self._searching:
            doc_rows, scores = words.search(texts, min(k, self._share.stop - self._share.start))
        return Lists(np.where(doc_rows >= 0, doc_rows + np.int32(self._share.start), np.int32(-1)), scores)

    def documents(self, rows: NDArray[np.int64], columns: Sequence[str], known: Known | None) -> Documents:
        """Some of its documents, by rows of the whole corpus; with all that witnesses ask for where `known` is told."""
        table = self._share.corpus.take(rows, columns)
        if known is None:
            return Documents(rows, table)
        vectors = None if self._share.vectors is None else self._vectors.values[rows - self._share.start]
        return Documents(rows, table, vectors, *self.learned(rows, known))

    def learned(self, rows: NDArray[np.int64], known: Known) -> Learned:
        """What no file says of some of its documents."""
        own, made = rows - self._share.start, self._made(known)
        words = None if made.words is None else made.words.take(own)
        hubs = None if made.hubs is None else Hubs(made.hubs.nearest[own], made.hubs.scores[own])
        return Learned(hubs, words)

    def _made(self, known: Known) -> _Made:
        """What documents are handed out with."""
        with self._making:
            words = self._words if known.words is not None else None
            if words is not None and known.words is not None:
                words.weigh(known.words)
            if self._hubs is None and self._share.vectors is not None and known.sample is not None:
                self._hubs = Hubs.of_documents(
                    self._vectors, known.sample, quiet=True, n_threads=self._share.n_threads,
                    memory_bytes=self._share.memory_bytes, room=partial(room, scratch=self._scratch),
                )  # fmt: skip
                self._give_back()
            return _Made(self._hubs, words)

    def _give_back(self) -> None:
        """What blocks took, where memory is limited, goes back to the system before the next stage counts on it."""
        if self._share.memory_bytes is not None:
            give_back()

    def _index_for(self, plan: Plan, known: Known, k: int, *, n_queries: int | None = None) -> Index:
        share = self._share
        if self._index is None and plan.kind == "exact" and share.device == _CPU:
            self._index = ExactIndex(
                self._vectors, memory_bytes=share.memory_bytes, n_threads=share.n_threads, n_queries=n_queries
            )
        elif self._index is None:
            assert known.sample is not None
            self._index = build_index(
                plan, known.sample.query_vecs, self._vectors, k=k, device=share.device, seed=share.settings.seed,
                quiet=True, memory_bytes=share.memory_bytes,
            )  # fmt: skip
        return self._index

    @cached_property
    def _vectors(self) -> Vectors:
        """Its own, mapped from a file where they are many."""
        share = self._share
        assert share.vectors is not None
        if isinstance(share.vectors.where, InFile):
            return Vectors.of(share.vectors.read(share.start, share.stop), share.vectors.similarity, "doc_vecs")
        matrix = Matrix(share.stop - share.start, share.vectors.vector_type, self._scratch)
        for start in range(share.start, share.stop, _ROWS_AT_ONCE):
            stop = min(start + _ROWS_AT_ONCE, share.stop)
            matrix.put(np.arange(start, stop) - share.start, share.vectors.read(start, stop))
        return Vectors.of(matrix.values, share.vectors.similarity, "doc_vecs")

    @cached_property
    def _words(self) -> ShareWords | None:
        share = self._share
        if not share.word_files:
            return None
        return ShareWords(share.word_files, share.language, self._scratch, in_place=share.scratch is not None)

    @property
    def _scratch(self) -> Path | None:
        share = self._share
        return share.scratch or (None if share.memory_bytes is None else Path(tempfile.gettempdir()))
