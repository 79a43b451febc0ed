"""Documents by row, fetched from those who hold them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.scale.pool import Actor, Ref
from foolsgold.search.weighed_words import WeighedWords
from foolsgold.witness import Hubs

IDS = ("doc_id",)
TEXTS = ("doc_id", "title", "text")


class Documents(NamedTuple):
    """Some documents of the corpus.

    Attributes:
        rows: shape (M,), ascending.
        table: doc_id; title and text where those were asked for.
        vectors: shape (M, D), as they are stored; None where they were not asked for, and so below.
        hubs: of the documents, with rows of all queries.
        words: what each token adds to their BM25 scores.
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
        hubs = [part.hubs for part in parts if part.hubs is not None]
        words = [part.words for part in parts if part.words is not None]
        return cls(
            np.concatenate([part.rows for part in parts]),
            pa.concat_tables([part.table for part in parts]),
            np.concatenate(vectors) if vectors else None,
            Hubs(*(np.concatenate(column) for column in zip(*hubs, strict=True))) if hubs else None,
            WeighedWords.concatenated(words) if words else None,
        )


class Shares(NamedTuple):
    """The holders of the corpus, in its order.

    Attributes:
        holders: each holds a share, see `Holder`.
        starts: shape (holders + 1,): the first row of each, and the number of documents.
        known: what is known of the whole corpus and all queries, see `Known`; None before it is.
    """

    holders: tuple[Actor[Any], ...]
    starts: NDArray[np.int64]
    known: Ref[Any] | None = None

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
        cuts = np.searchsorted(rows, self.starts)
        asked = [
            (holder, rows[start:stop].astype(np.int64))
            for holder, start, stop in zip(self.holders, cuts, cuts[1:], strict=False)
            if start < stop
        ]

        def fetch(holder: Actor[Any], some: NDArray[np.int64]) -> Documents:
            found: Documents = holder.result("documents", some, tuple(columns), self.known if heard else None)
            return found

        if len(asked) == 1:
            return fetch(*asked[0])
        with ThreadPoolExecutor(len(asked)) as threads:
            return Documents.concatenated(list(threads.map(lambda one: fetch(*one), asked)))
