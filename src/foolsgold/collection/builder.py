"""A collection put together from training data, example by example, as it is read."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foolsgold.collection.assemble import once_each
from foolsgold.collection.collection import (
    ANSWERS_FIELD,
    CORPUS_SCHEMA,
    NOTHING_MET,
    QUERIES_SCHEMA,
    Collection,
    Judgements,
)
from foolsgold.collection.fields import Problem
from foolsgold.collection.rows import BadLines, Place, Rows
from foolsgold.collection.table_writer import TableWriter


class Passage(NamedTuple):
    """A document as training data has it, mostly without a title or an id."""

    text: str
    title: str = ""
    doc_id: str | None = None


class Example(NamedTuple):
    """One record of training data: a query, what is relevant to it, and what is not."""

    query: str
    positives: Sequence[Passage]
    negatives: Sequence[Passage] = ()
    query_id: str | None = None
    answers: Sequence[str] = ()


class CollectionBuilder:
    """Takes documents and examples; equal texts become one query, or one document, unless they have ids of their own.

    Args:
        keep_negatives: False takes the negatives of examples for documents like any other.
    """

    def __init__(self, *, keep_negatives: bool = True) -> None:
        self._documents = _DistinctTexts(CORPUS_SCHEMA, "document", "d")
        self._queries = _DistinctTexts(QUERIES_SCHEMA, "query", "q")
        self._answers: dict[int, dict[str, None]] = {}
        self._keep_negatives = keep_negatives
        self._positives = _Pairs()
        self._negatives = _Pairs()

    def add_document(self, passage: Passage, place: Place) -> None:
        """Add a document of the corpus, also one whose text is there already: rows may have vectors made elsewhere.

        Raises:
            Problem: its id stands already.
        """
        self._documents.add(passage.doc_id, (passage.title, passage.text), place)

    def add(self, example: Example, place: Place) -> None:
        """Add an example.

        Raises:
            Problem: an id that stands already, with another text.
        """
        positives, negatives = (
            [self._documents.row(passage.doc_id, (passage.title, passage.text), place) for passage in side]
            for side in (example.positives, example.negatives)
        )
        query = self._queries.row(example.query_id, (example.query,), place)
        if example.answers:
            self._answers.setdefault(query, {}).update(dict.fromkeys(example.answers))
        self._positives.add(query, positives)
        if self._keep_negatives:
            self._negatives.add(query, negatives)

    @property
    def has_positives(self) -> bool:
        """Whether any example had one."""
        return bool(self._positives.doc_rows)

    def collection(self, source: Mapping[str, Any] | None, bad_lines: BadLines) -> Collection:
        """All that was added.

        Args:
            source: where it lies; None for what was made in Python.
            bad_lines: what was skipped.
        """
        queries = self._queries.table()
        n_queries = int(queries.num_rows)
        return Collection(
            corpus=self._documents.table(),
            queries=self._with_answers(queries),
            positives=self._positives.judgements(n_queries),
            judged_negatives=Judgements.none(n_queries),
            held_out_positives=Judgements.none(n_queries),
            reading={**NOTHING_MET, "bad_lines_skipped": bad_lines.count, "bad_line_examples": bad_lines.examples},
            source=source,
            given_negatives=self._negatives.judgements(n_queries) if self._negatives.doc_rows else None,
        )

    def _with_answers(self, queries: pa.Table) -> pa.Table:
        if not self._answers:
            return queries
        lists = [list(self._answers.get(row, ())) for row in range(queries.num_rows)]
        return queries.append_column(ANSWERS_FIELD, pa.array(lists, ANSWERS_FIELD.type))


class _Pairs:
    """(query, document) pairs by row."""

    def __init__(self) -> None:
        self.query_rows = array("i")
        self.doc_rows = array("i")

    def add(self, query_row: int, doc_rows: Sequence[int]) -> None:
        self.query_rows.extend([query_row] * len(doc_rows))
        self.doc_rows.extend(doc_rows)

    def judgements(self, n_queries: int) -> Judgements:
        columns = (np.array(rows, np.int64) for rows in (self.query_rows, self.doc_rows))
        return Judgements.from_pairs(*once_each(*columns), n_queries=n_queries)


class _DistinctTexts:
    """Rows of a table, found again by id, or by text where there is no id; only hashes are kept in memory.

    Args:
        schema: of the table, whose first column are the ids.
        what: a row is called in messages.
        prefix: of the ids of rows that have none.
    """

    def __init__(self, schema: pa.Schema, what: str, prefix: str) -> None:
        self._table = TableWriter(schema)
        self._what = what
        self._prefix = prefix
        self._row_of: dict[bytes, int] = {}  # 16 bytes of hash: that two texts share one is out of the question
        self._text_hashes = array("Q")  # by row
        self._numbers = array("q")  # by row, where it was met first
        self._streams = array("b")  # and in which of these
        self._known_streams: list[Rows] = []

    def row(self, given_id: str | None, texts: tuple[str, ...], place: Place) -> int:
        """The row of what has the id, or of what says the same; a new one where nothing does."""
        of_text = _hash("text", *texts)
        row = self._row_of.get(of_text if given_id is None else _hash("id", given_id))
        if row is None:
            return self._new(given_id, texts, of_text, place)
        if given_id is not None and self._text_hashes[row] != _first_bytes(of_text):
            raise Problem(f'the {self._what} with id "{given_id}" has another text at {self._place(row)}.')
        return row

    def add(self, given_id: str | None, texts: tuple[str, ...], place: Place) -> int:
        """A new row, whether the text is there or not; what has neither id nor title is found by its text alone."""
        row = None if given_id is None else self._row_of.get(_hash("id", given_id))
        if row is not None:
            raise Problem(f'the id "{given_id}" stands already at {self._place(row)}.')
        *titles, text = texts
        self._row_of.setdefault(_hash("text", *("" for _ in titles), text), len(self._text_hashes))
        return self._new(given_id, texts, _hash("text", *texts), place)

    def _new(self, given_id: str | None, texts: tuple[str, ...], of_text: bytes, place: Place) -> int:
        row = len(self._text_hashes)
        self._text_hashes.append(_first_bytes(of_text))
        self._row_of.setdefault(of_text, row)
        if given_id is not None:
            self._row_of[_hash("id", given_id)] = row
        if place.rows not in self._known_streams:
            self._known_streams.append(place.rows)
        self._numbers.append(place.number)
        self._streams.append(self._known_streams.index(place.rows))
        self._table.add((given_id, *texts))
        return row

    def _place(self, row: int) -> Place:
        return Place(self._known_streams[self._streams[row]], self._numbers[row])

    def table(self) -> pa.Table:
        """All rows; those without an id have one made of the prefix and their number."""
        table = self._table.table()
        ids = table.column(0)
        if not ids.null_count:
            return table
        kind, prefix = pa.large_string(), self._prefix
        numbers = pa.array(np.arange(len(ids))).cast(kind)
        while True:
            made = pc.binary_join_element_wise(pa.scalar(prefix, kind), numbers, pa.scalar("", kind))
            if not pc.any(pc.is_in(made.filter(pc.is_null(ids)), ids)).as_py():
                return table.set_column(0, table.schema.field(0), pc.coalesce(ids, made))
            prefix += "_"


def _hash(kind: str, *texts: str) -> bytes:
    content = "\0".join([kind, *(str(len(text)) for text in texts), *texts])
    return blake2b(content.encode(), digest_size=16).digest()


def _first_bytes(of_text: bytes) -> int:
    return int.from_bytes(of_text[:8], "little")
