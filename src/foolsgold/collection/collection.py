"""Collection: queries, documents, and which of them are known to belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.collection.given import given_fates
from foolsgold.collection.text import same_keys, text_hashes, text_keys
from foolsgold.gather import gathered_table

CORPUS_SCHEMA = pa.schema([("doc_id", pa.large_string()), ("title", pa.large_string()), ("text", pa.large_string())])
QUERIES_SCHEMA = pa.schema([("query_id", pa.large_string()), ("text", pa.large_string())])
ANSWERS_FIELD = pa.field("answers", pa.list_(pa.large_string()))  # a third column, where any query has answers
NOTHING_MET: Mapping[str, Any] = {
    "bad_lines_skipped": 0,
    "bad_line_examples": (),
    "unknown_ids": 0,
    "unknown_id_examples": (),
    "contradicting_judgements": 0,
}
_BATCH_ROWS = 8192
_FEW = 0.01  # of the known ids: those that are looked up without a table of all


@dataclass(frozen=True)
class Judgements:
    """For each query a list of document rows, in compressed form.

    The rows of query `q` are `doc_rows[offsets[q]:offsets[q + 1]]`, in the order in which they were judged.

    Attributes:
        offsets: shape (Q + 1,), int64.
        doc_rows: shape (number of judgements,), int32.
    """

    offsets: NDArray[np.int64]
    doc_rows: NDArray[np.int32]

    @classmethod
    def from_pairs(cls, query_rows: NDArray[np.int64], doc_rows: NDArray[np.int64], *, n_queries: int) -> Judgements:
        """Group (query, document) pairs by query, keeping their order."""
        order = np.argsort(query_rows, kind="stable")
        counts = np.bincount(query_rows, minlength=n_queries)
        return cls(np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), doc_rows[order].astype(np.int32))

    @classmethod
    def none(cls, n_queries: int) -> Judgements:
        """No document for any query."""
        return cls(np.zeros(n_queries + 1, np.int64), np.empty(0, np.int32))

    def of(self, query_row: int) -> NDArray[np.int32]:
        """The document rows judged for one query."""
        return self.doc_rows[self.offsets[query_row] : self.offsets[query_row + 1]]

    def of_queries(self, rows: NDArray[np.int64]) -> Judgements:
        """Those of some queries, which are numbered anew."""
        offsets = np.concatenate([[0], np.cumsum(self.counts[rows])]).astype(np.int64)
        return Judgements(offsets, self.doc_rows[self.places_of(rows)])

    def places_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where in `doc_rows` the judgements of some queries stand, query by query."""
        counts = self.counts[rows]
        ends = np.cumsum(counts)
        places: NDArray[np.int64] = np.arange(counts.sum()) + np.repeat(self.offsets[rows] - (ends - counts), counts)
        return places

    @property
    def counts(self) -> NDArray[np.int64]:
        """Judgements per query, shape (Q,)."""
        return np.diff(self.offsets)

    @property
    def query_rows(self) -> NDArray[np.int64]:
        """The query row of each judgement."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.counts)


@dataclass(frozen=True, eq=False)
class Collection:
    """Queries, a corpus, and positives; made by `read_beir`, `read_files` or `read_pairs`.

    Attributes:
        corpus: N rows of doc_id, title (may be empty) and text.
        queries: Q rows of query_id and text, and answers (a list of texts) where any query has some.
        positives: documents known to be relevant.
        judged_negatives: documents judged not relevant: never positives, always admissible as negatives.
        held_out_positives: positives of other splits: nothing is mined for them, and they are never negatives.
        set_aside: documents that a person would neither call relevant nor not: never positives, never negatives. None
            for a collection as it was read, without relabelling.
        given_negatives: negatives that the training data has already, in the order given; None where it has none. They
            are chosen first, and nothing but a known positive speaks against them.
        reading: what reading met: skipped lines, unknown ids, contradictions.
        source: where the files lie, so that they can be read again; None for one made in Python.
    """

    corpus: pa.Table
    queries: pa.Table
    positives: Judgements
    judged_negatives: Judgements
    held_out_positives: Judgements
    reading: Mapping[str, Any] = field(default_factory=lambda: dict(NOTHING_MET))
    source: Mapping[str, Any] | None = None
    set_aside: Judgements | None = None
    given_negatives: Judgements | None = None

    @property
    def n_documents(self) -> int:
        """Documents in the corpus (N)."""
        return int(self.corpus.num_rows)

    @property
    def n_queries(self) -> int:
        """Queries (Q)."""
        return int(self.queries.num_rows)

    @property
    def doc_ids(self) -> pa.ChunkedArray:
        """Document ids by row, shape (N,)."""
        return self.corpus["doc_id"]

    @property
    def query_ids(self) -> pa.ChunkedArray:
        """Query ids by row, shape (Q,)."""
        return self.queries["query_id"]

    @property
    def has_given_negatives(self) -> bool:
        """Whether the training data has any negative already."""
        return self.given_negatives is not None and len(self.given_negatives.doc_rows) > 0

    @cached_property
    def given_fates(self) -> NDArray[np.int8]:
        """What becomes of each given negative, shape (n,); see `collection/given.py`."""
        return np.empty(0, np.int8) if self.given_negatives is None else given_fates(self, self.given_negatives)

    def query_texts(self, rows: Sequence[int] | NDArray[Any] | None = None) -> list[str]:
        """Texts of the given query rows, or of all."""
        table = self.queries.select(["text"])
        texts: list[str] = (table if rows is None else gathered_table(table, rows))["text"].to_pylist()
        return texts

    @property
    def has_answers(self) -> bool:
        """Whether answers are known for any query."""
        return ANSWERS_FIELD.name in self.queries.column_names

    def answers(self, query_row: int) -> list[str]:
        """The answers known for one query."""
        found: list[str] = self.queries[ANSWERS_FIELD.name][query_row].as_py() if self.has_answers else []
        return found

    @property
    def texts(self) -> Sequence[str]:
        """Title and text of all documents, as `document_texts`, but made as they are asked for, some at a time."""
        return _Texts(self)

    def document_tables(self) -> Iterator[pa.Table]:
        """All documents with all that is known of them, in order, some rows at a time."""
        yield self.corpus

    @property
    def texts_table(self) -> pa.Table:
        """Titles and texts of all documents, N rows."""
        return self.corpus.select(["title", "text"])

    def document_text(self, row: int) -> str:
        """As `document_texts`, of one row: faster for rows here and there, where a table is large."""
        return " ".join(filter(None, (self.corpus["title"][row].as_py(), self.corpus["text"][row].as_py())))

    def document_texts(self, rows: Sequence[int] | NDArray[Any] | None = None) -> list[str]:
        """Title and text joined by a space, as BEIR does, of the given rows or of all."""
        return joined_texts(
            self.corpus if rows is None else gathered_table(self.corpus.select(["title", "text"]), rows)
        )

    @property
    def document_keys(self) -> NDArray[np.int64]:
        """A key per document, shape (N,), from 0 to N - 1.

        Equal where documents say the same: where the folded text, or title and text together, of one is that of the
        other. A document without text says its title.
        """
        return self._keys[0]

    @property
    def n_keys(self) -> int:
        """Above all keys of documents, and all their rows."""
        return self.n_documents

    @property
    def query_keys(self) -> NDArray[np.int64]:
        """A key per query, shape (Q,): that of the documents which say the same, -1 where none does."""
        return self._keys[1]

    @property
    def query_groups(self) -> NDArray[np.int64]:
        """A number per query, shape (Q,), from 0: equal where the folded texts of queries are equal."""
        return self._keys[2]

    def with_queries(self, rows: NDArray[np.int64], positives: Judgements) -> Collection:
        """The same corpus with some of the queries, of which other positives are known.

        Args:
            rows: shape (H,), ascending.
            positives: of those H queries.
        """
        aside = None if self.set_aside is None else self.set_aside.of_queries(rows)
        given = self.given_negatives
        part = replace(
            self,
            queries=gathered_table(self.queries, rows),
            positives=positives,
            judged_negatives=self.judged_negatives.of_queries(rows),
            held_out_positives=self.held_out_positives.of_queries(rows),
            set_aside=aside,
            given_negatives=None if given is None else given.of_queries(rows),
        )
        doc_keys, query_keys, groups = self._keys  # not made again: that reads the whole corpus
        part.__dict__["_keys"] = doc_keys, query_keys[rows], groups[rows]
        if "documents_fingerprint" in self.__dict__:
            part.__dict__["documents_fingerprint"] = self.documents_fingerprint
        if given is not None:  # a negative that is a positive of the whole is none of the part
            part.__dict__["given_fates"] = self.given_fates[given.places_of(rows)]
        return part

    @cached_property
    def _keys(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        texts, joined = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)]
        for batch in self.corpus.select(["title", "text"]).to_batches(max_chunksize=_BATCH_ROWS):
            pairs = list(zip(batch["title"].to_pylist(), batch["text"].to_pylist(), strict=True))
            for keys, of_batch in zip((texts, joined), document_text_keys(pairs), strict=True):
                keys.append(of_batch)
        return same_keys(np.concatenate(texts), np.concatenate(joined), text_keys(self.query_texts()))

    @cached_property
    def documents_fingerprint(self) -> str:
        """A hash of the ids and texts of all documents, whatever is asked and judged."""
        hashes, lengths = blake2b(digest_size=16), blake2b(digest_size=16)
        for of_texts, of_titles in self._document_hashes():
            hashes.update(of_texts)
            lengths.update(of_titles.tobytes())
        content = _column_digest(self.doc_ids) + hashes.digest() + lengths.digest()
        return blake2b(content, digest_size=16).hexdigest()

    def _document_hashes(self) -> Iterator[tuple[bytes, NDArray[np.int32]]]:
        """Hashes of title and text together, and lengths of titles, some rows at a time.

        The two of a document decide its title and its text: where the one ends, the other begins.
        """
        for batch in self.corpus.select(["title", "text"]).to_batches(max_chunksize=_BATCH_ROWS):
            yield text_hashes(joined_texts(batch)), title_lengths(batch["title"])

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all ids, texts and judgements: equal for equal content, however it was read."""
        digest = blake2b(bytes.fromhex(self.documents_fingerprint), digest_size=16)
        for column in self.queries.select(QUERIES_SCHEMA.names).columns:
            digest.update(_column_digest(column))
        if self.has_answers:
            answers = self.queries[ANSWERS_FIELD.name]
            counts = pc.list_value_length(answers).to_numpy().astype(np.int64)
            if counts.any():
                digest.update(counts.tobytes() + _column_digest(pc.list_flatten(answers)))
        judged = [self.positives, self.judged_negatives, self.held_out_positives]
        if self.set_aside is not None:
            judged.append(self.set_aside)
        for judgements in judged:
            digest.update(judgements.offsets.tobytes() + judgements.doc_rows.tobytes())
        if self.given_negatives is not None and self.has_given_negatives:
            digest.update(b"given" + self.given_negatives.offsets.tobytes() + self.given_negatives.doc_rows.tobytes())
        return digest.hexdigest()


class _Texts(Sequence[str]):
    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def __len__(self) -> int:
        return self._collection.n_documents

    @overload
    def __getitem__(self, rows: int) -> str: ...
    @overload
    def __getitem__(self, rows: slice) -> list[str]: ...
    def __getitem__(self, rows: int | slice) -> str | list[str]:
        places = range(len(self))[rows]
        if isinstance(places, int):
            return self._collection.document_text(places)
        return self._collection.document_texts(places)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _BATCH_ROWS):
            yield from self[start : start + _BATCH_ROWS]


def joined_texts(table: pa.Table | pa.RecordBatch) -> list[str]:
    """Title and text of each row, joined by a space where there are both."""
    pairs = zip(table["title"].to_pylist(), table["text"].to_pylist(), strict=True)
    return [" ".join(filter(None, pair)) for pair in pairs]


def document_text_keys(pairs: Sequence[tuple[str, str]]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The two keys of each document (title, text): of what it says, and of all of it, for `same_keys`."""
    says = text_keys(text if text.strip() else title for title, text in pairs)
    joined = says.copy()  # which is all of it where there is no title
    titled = [row for row, (title, _) in enumerate(pairs) if title]
    joined[titled] = text_keys(f"{pairs[row][0]} {pairs[row][1]}" for row in titled)
    return says, joined


def title_lengths(titles: pa.Array) -> NDArray[np.int32]:
    """In bytes."""
    lengths: NDArray[np.int32] = pc.binary_length(titles).to_numpy(zero_copy_only=False).astype(np.int32)
    return lengths


def rows_of(ids: pa.Array | pa.ChunkedArray, known: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The row of each id among the known ones, int32; null where it is unknown."""
    wanted = pc.cast(ids, pa.large_string())
    if len(wanted) < _FEW * len(known):
        return _rows_of_few(wanted, known)
    found = pc.index_in(wanted, value_set=known)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _rows_of_few(ids: pa.Array | pa.ChunkedArray, known: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Likewise, in memory for these alone: they are put into a table, and the known ones looked up there."""
    distinct = pc.unique(ids)
    rows, first = np.full(len(distinct), -1, np.int32), 0
    for chunk in known.chunks if isinstance(known, pa.ChunkedArray) else [known]:
        places = pc.index_in(chunk, value_set=distinct)
        here = np.flatnonzero(places.is_valid().to_numpy(zero_copy_only=False))
        rows[places.take(pa.array(here)).to_numpy()] = first + here
        first += len(chunk)
    of_id = pc.index_in(ids, value_set=distinct)
    of_id = of_id.combine_chunks() if isinstance(of_id, pa.ChunkedArray) else of_id
    return pa.array(rows, mask=rows < 0).take(of_id)


def _column_digest(column: pa.ChunkedArray) -> bytes:
    """Of lengths and contents, whatever the batches that the texts lie in."""
    lengths, content = blake2b(digest_size=16), blake2b(digest_size=16)
    for texts in column.cast(pa.large_string()).chunks:
        _, offsets, characters = texts.buffers()
        if not len(texts):
            continue
        places = np.frombuffer(offsets, np.int64, len(texts) + 1, texts.offset * 8)
        lengths.update(np.diff(places).tobytes())
        if characters is not None:
            content.update(memoryview(characters)[places[0] : places[-1]])
    return lengths.digest() + content.digest()
