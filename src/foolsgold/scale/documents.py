"""Documents by row, fetched from those who hold them, or from files of this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.scale.corpus import Corpus
from foolsgold.scale.pool import Actor, Ref
from foolsgold.scale.stored_vectors import InFile, StoredVectors
from foolsgold.search.weighed_words import WeighedWords
from foolsgold.witness import Hubs

IDS = ("doc_id",)
TEXTS = ("doc_id", "title", "text")

R = TypeVar("R")


class Learned(NamedTuple):
    """What witnesses ask for of some documents, beside their vectors; None where a run does not have it.

    Attributes:
        hubs: of the documents, with rows of all queries.
        words: what each token adds to their BM25 scores.
    """

    hubs: Hubs | None = None
    words: WeighedWords | None = None

    @classmethod
    def concatenated(cls, parts: Sequence[Learned]) -> Learned:
        """That of several shares, in the order of these."""
        hubs = [part.hubs for part in parts if part.hubs is not None]
        words = [part.words for part in parts if part.words is not None]
        return cls(
            Hubs(*(np.concatenate(column) for column in zip(*hubs, strict=True))) if hubs else None,
            WeighedWords.concatenated(words) if words else None,
        )


class Documents(NamedTuple):
    """Some documents of the corpus.

    Attributes:
        rows: shape (M,), ascending.
        table: doc_id; title and text where those were asked for.
        vectors: shape (M, D), as they are stored; None where they were not asked for, and so below.
        hubs: see `Learned`.
        words: likewise.
    """

    rows: NDArray[np.int64]
    table: pa.Table
    vectors: NDArray[Any] | None = None
    hubs: Hubs | None = None
    words: WeighedWords | None = None

    @classmethod
    def concatenated(cls, parts: Sequence[Documents]) -> Documents:
        """Those of several shares, in the order of these."""
        vectors = [part.vectors for part in parts if part.vectors is not None]
        return cls(
            np.concatenate([part.rows for part in parts]),
            pa.concat_tables([part.table for part in parts]),
            np.concatenate(vectors) if vectors else None,
            *Learned.concatenated([Learned(part.hubs, part.words) for part in parts]),
        )


class Files(NamedTuple):
    """Where texts and vectors lie; None for vectors that a run does not have, or that lie in many files."""

    corpus: Corpus
    vectors: StoredVectors | None

    @classmethod
    def of(cls, corpus: Corpus, vectors: StoredVectors | None) -> Files | None:
        """To be mapped by whoever asks; None where holders have gathered what lies scattered."""
        if vectors is not None and not isinstance(vectors.where, InFile):
            return None
        return cls(corpus, vectors)


class Shares(NamedTuple):
    """The holders of the corpus, in its order.

    Attributes:
        holders: each holds a share, see `Holder`.
        starts: shape (holders + 1,): the first row of each, and the number of documents.
        known: what is known of the whole corpus and all queries, see `Known`; None before it is.
        files: that whoever asks maps himself, on the machine where all are; None: holders send what these hold.
    """

    holders: tuple[Actor[Any], ...]
    starts: NDArray[np.int64]
    known: Ref[Any] | None = None
    files: Files | None = None

    @property
    def n_documents(self) -> int:
        """N."""
        return int(self.starts[-1])

    def documents(self, rows: NDArray[np.integer], columns: Sequence[str] = IDS, *, heard: bool = False) -> Documents:
        """Documents by row.

        Args:
            rows: shape (M,), ascending, no two alike, at least one.
            columns: of the table.
            heard: with vectors, hubs and words, which witnesses ask for.
        """
        wanted = rows.astype(np.int64)
        if self.files is not None:
            return self._mapped(self.files, wanted, columns, heard=heard)
        parts: list[Documents] = self._asked("documents", wanted, tuple(columns), self.known if heard else None)
        return _one(Documents.concatenated, parts)

    def _mapped(self, files: Files, rows: NDArray[np.int64], columns: Sequence[str], *, heard: bool) -> Documents:
        table = files.corpus.take(rows, columns)
        if not heard:
            return Documents(rows, table)
        vectors = None if files.vectors is None else files.vectors.take(rows)
        learned: list[Learned] = self._asked("learned", rows, self.known)
        return Documents(rows, table, vectors, *_one(Learned.concatenated, learned))

    def _asked(self, method: str, rows: NDArray[np.int64], *args: Any) -> list[Any]:
        """The answers of those holders who hold some of the rows."""
        cuts = np.searchsorted(rows, self.starts)
        asked = [
            (holder, rows[start:stop])
            for holder, start, stop in zip(self.holders, cuts, cuts[1:], strict=False)
            if start < stop
        ]
        if len(asked) == 1:
            return [holder.result(method, some, *args) for holder, some in asked]
        with ThreadPoolExecutor(len(asked)) as threads:
            return list(threads.map(lambda one: one[0].result(method, one[1], *args), asked))


def _one(concatenated: Callable[[Sequence[R]], R], parts: Sequence[R]) -> R:
    """All parts as one; a lone one as it is."""
    return parts[0] if len(parts) == 1 else concatenated(parts)
