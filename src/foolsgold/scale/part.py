"""A few queries and the documents that they name, as a small collection on which local code works unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection, Judgements
from foolsgold.collection.collection import joined_texts
from foolsgold.collection.part_of import PartOf, in_whole
from foolsgold.gather import gathered_table
from foolsgold.scale.documents import Documents
from foolsgold.search import Candidates
from foolsgold.search.run_file import RunSource

FetchTexts = Callable[[NDArray[np.int64]], pa.Table]
_JUDGED = ("positives", "judged_negatives", "held_out_positives", "set_aside", "given_negatives")
_NOBODY = np.empty(0, np.int64)


class QuerySlice(NamedTuple):
    """Some queries of a collection with all that is known of them; documents are named by rows of the whole corpus.

    Queries of the same text share what is known of any, so that those stand behind the ones that are meant.

    Attributes:
        rows: shape (B,), ascending: the queries that are meant, as rows of their collection.
        vector_rows: shape (B,): the same among all queries that were encoded.
        queries: their rows, then those of others with the same text.
        judged: by name of the collection's field; None for what it does not have.
        given_fates: of the given negatives.
        query_keys: of all of them, comparable with keys of documents.
        groups: of all of them, from 0.
        run: the lines of these queries in the run whose scores are taken; None where others are.
    """

    rows: NDArray[np.int64]
    vector_rows: NDArray[np.int64]
    queries: pa.Table
    judged: dict[str, Judgements | None]
    given_fates: NDArray[np.int8]
    query_keys: NDArray[np.int64]
    groups: NDArray[np.int64]
    run: RunSource | None = None

    @property
    def named_rows(self) -> NDArray[np.int64]:
        """All documents that something is known of."""
        judged = (judgements.doc_rows for judgements in self.judged.values() if judgements is not None)
        return np.unique(np.concatenate([_NOBODY, *judged]))


class Slices:
    """Slices of one collection's queries.

    Args:
        collection: whose documents may be elsewhere.
        vector_rows: shape (Q,), its queries among all that were encoded; None: it has all of them.
        run: whose scores are taken; None: those of vectors or words.
    """

    def __init__(
        self, collection: Collection, vector_rows: NDArray[np.int64] | None = None, run: RunSource | None = None
    ) -> None:
        self._collection, self._run = collection, run
        self._vector_rows = vector_rows
        groups = collection.query_groups
        self._by_group = np.argsort(groups, kind="stable")
        self._starts = np.searchsorted(groups[self._by_group], np.arange(int(groups.max(initial=-1)) + 2))

    @property
    def n_queries(self) -> int:
        """Of the collection."""
        return self._collection.n_queries

    def of(self, rows: NDArray[np.int64]) -> QuerySlice:
        """Of some queries, ascending."""
        collection = self._collection
        every = np.concatenate([rows, self._others(rows)])
        judged: dict[str, Judgements | None] = {}
        for name in _JUDGED:
            judgements: Judgements | None = getattr(collection, name)
            judged[name] = None if judgements is None else judgements.of_queries(every)
        given = collection.given_negatives
        fates = collection.given_fates if given is None else collection.given_fates[given.places_of(every)]
        return QuerySlice(
            rows, rows if self._vector_rows is None else self._vector_rows[rows],
            gathered_table(collection.queries, every), judged, fates, collection.query_keys[every],
            np.unique(collection.query_groups[every], return_inverse=True)[1],
            None if self._run is None else self._run.of_queries(rows),
        )  # fmt: skip

    def _others(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Queries with the text of one of these."""
        groups = np.unique(self._collection.query_groups[rows])
        starts, counts = self._starts[groups], self._starts[groups + 1] - self._starts[groups]
        ends = np.cumsum(counts)
        places = np.arange(counts.sum()) + np.repeat(starts - (ends - counts), counts)
        return np.setdiff1d(self._by_group[places], rows)


@dataclass(frozen=True, eq=False)
class Part(Collection):
    """Queries of a slice and the documents that they name, numbered anew in the same order.

    Attributes:
        slice: of the queries.
        doc_rows: shape (M,), ascending: its documents in the whole corpus.
        n_whole: documents of the whole corpus (N).
        fetch_texts: titles and texts of documents by rows of the whole corpus, where the part has only their ids.
    """

    slice: QuerySlice = field(kw_only=True)
    doc_rows: NDArray[np.int64] = field(kw_only=True)
    n_whole: int = field(kw_only=True)
    fetch_texts: FetchTexts | None = field(default=None, kw_only=True)

    @classmethod
    def of(
        cls,
        queries: QuerySlice,
        documents: Documents,
        doc_keys: NDArray[np.int64],
        fetch_texts: FetchTexts | None = None,
    ) -> Part:
        """A part.

        Args:
            queries: the slice.
            documents: at least those that it names.
            doc_keys: shape (N,), of the whole corpus.
            fetch_texts: see there.
        """
        rows = documents.rows
        judged = {name: _renumbered(judgements, rows) for name, judgements in queries.judged.items()}
        part = cls(
            corpus=documents.table, queries=queries.queries, **judged,  # type: ignore[arg-type]
            slice=queries, doc_rows=rows, n_whole=len(doc_keys), fetch_texts=fetch_texts,
        )  # fmt: skip
        part.__dict__["_keys"] = doc_keys[rows], queries.query_keys, queries.groups
        part.__dict__["given_fates"] = queries.given_fates
        return part

    def with_own_keys(self) -> Part:
        """The same with keys of documents that are below their number, in the same order."""
        part = replace(self)
        doc_keys, query_keys, groups = self._keys
        known, own = np.unique(doc_keys, return_inverse=True)
        part.__dict__["_keys"] = own, renumbered(query_keys, known), groups
        part.__dict__["given_fates"] = self.given_fates
        return part

    @property
    def n_keys(self) -> int:
        """Keys are those of the whole corpus."""
        return self.n_whole

    @property
    def n_meant(self) -> int:
        """Queries that are meant: the first (B)."""
        return len(self.slice.rows)

    def document_text(self, row: int) -> str:
        """As `Collection.document_text`."""
        return self.document_texts([row])[0]

    def document_texts(self, rows: Sequence[int] | NDArray[Any] | None = None) -> list[str]:
        """As `Collection.document_texts`; fetched where they are not here."""
        if self.fetch_texts is None:
            return super().document_texts(rows)
        wanted = np.arange(self.n_documents) if rows is None else np.asarray(rows, np.int64)
        distinct, places = np.unique(wanted, return_inverse=True)
        if not len(distinct):
            return []
        table = self.fetch_texts(self.doc_rows[distinct])
        texts = joined_texts(table)
        return [texts[place] for place in places.tolist()]

    def places(self, doc_rows: NDArray[np.integer]) -> NDArray[np.int32]:
        """Rows in the part of documents by rows of the whole corpus, any shape; -1 stays."""
        return renumbered(doc_rows, self.doc_rows).astype(np.int32)

    def part_of(self, fingerprint: str) -> PartOf:
        """Where it is in a whole with this fingerprint."""
        return PartOf(self.slice.rows, self.doc_rows, fingerprint)

    def query_places(self, query_rows: NDArray[np.integer]) -> NDArray[np.int32]:
        """Numbers in the part of queries by rows of all, any shape; -1 for those that are not meant."""
        return renumbered(query_rows, self.slice.vector_rows).astype(np.int32)

    def inside(self, candidates: Candidates) -> Candidates:
        """Candidates as the whole numbers them, in the part's own numbers."""
        rows = np.searchsorted(self.slice.rows, candidates.query_rows)
        return _candidates(candidates, rows, self.places)

    def outside(self, candidates: Candidates) -> Candidates:
        """The other way round."""
        return _candidates(candidates, self.slice.rows[candidates.query_rows], self.whole_rows)

    def whole_rows(self, doc_rows: NDArray[np.integer]) -> NDArray[np.int32]:
        """Rows in the whole corpus, any shape; -1 stays."""
        return in_whole(doc_rows, self.doc_rows).astype(np.int32)


def renumbered(rows: NDArray[np.integer], known: NDArray[np.integer]) -> NDArray[np.int64]:
    """The place of each row, any shape, among known ones, which ascend; -1 for those that are not among them."""
    if not len(known):
        return np.full(rows.shape, -1, np.int64)
    places = np.minimum(np.searchsorted(known, rows), len(known) - 1)
    found: NDArray[np.int64] = np.where(known[places] == rows, places, -1)
    return found


def rows_of_all(parts: Iterable[NDArray[np.integer]]) -> NDArray[np.int64]:
    """All rows that are named anywhere, ascending, without -1."""
    rows = np.unique(np.concatenate([_NOBODY, *(part.ravel().astype(np.int64) for part in parts)]))
    return rows[rows >= 0]


def _renumbered(judgements: Judgements | None, rows: NDArray[np.int64]) -> Judgements | None:
    if judgements is None:
        return None
    return Judgements(judgements.offsets, renumbered(judgements.doc_rows, rows).astype(np.int32))


def _candidates(
    candidates: Candidates, query_rows: NDArray[np.int64], number: Callable[[NDArray[np.integer]], NDArray[np.int32]]
) -> Candidates:
    given = candidates.given
    if given is not None:
        judged = Judgements(given.judgements.offsets, number(given.judgements.doc_rows))
        given = given._replace(judgements=judged)
    return replace(
        candidates, query_rows=query_rows, doc_rows=number(candidates.doc_rows),
        positive_rows=number(candidates.positive_rows), given=given,
    )  # fmt: skip
