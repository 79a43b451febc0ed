"""Records of any format, checked one by one, into documents, queries and judgements."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.collection.collection import ANSWERS_FIELD, CORPUS_SCHEMA, QUERIES_SCHEMA
from foolsgold.collection.rows import BadLines, BadRow, Rows
from foolsgold.collection.table_writer import TableWriter
from foolsgold.collection.unique_ids import UniqueIds
from foolsgold.errors import BadRowError

DOC_ID_FIELDS = ("_id", "doc_id", "docid", "id", "pid", "corpus-id", "corpus_id")
QUERY_ID_FIELDS = ("_id", "query_id", "query-id", "qid", "id")
DOC_TEXT_FIELDS = ("text", "document", "passage", "contents")
QUERY_TEXT_FIELDS = ("text", "query", "question")
JUDGED_QUERY_FIELDS = ("query-id", "query_id", "qid")
JUDGED_DOC_FIELDS = ("corpus-id", "corpus_id", "doc_id", "docid", "pid")
SCORE_FIELDS = ("score", "relevance", "label")
LABEL_FIELDS = ("label",)
LABELS = ("positive", "negative", "drop")

MAX_TEXT_BYTES = 5_000_000  # no encoder reads on so far: a longer text is a file that was not split


class _Problem(Exception):
    """Why a record cannot be taken."""


class JudgementRows(NamedTuple):
    """Judgements by id, as they stand in a qrels file; `numbers` are their line numbers."""

    query_ids: list[str]
    doc_ids: list[str]
    scores: NDArray[np.float64]
    numbers: NDArray[np.int64]


class LabelRows(NamedTuple):
    """Labels of (query, document) pairs by id, positions in LABELS; `numbers` are the lines they stand on."""

    query_ids: list[str]
    doc_ids: list[str]
    labels: list[int]
    numbers: list[int]
    n_undecided: int


def read_documents(rows: Rows, bad_lines: BadLines) -> pa.Table:
    """A corpus table: doc_id, title, text; ids are unique."""

    def parse(record: Mapping[str, Any]) -> tuple[str, str, str]:
        doc_id = _id(record, DOC_ID_FIELDS, "a document")
        title = record.get("title")
        if title is not None and not isinstance(title, str):
            raise _Problem(f'the title of document "{doc_id}" is {_shown(title)}; it takes a string.')
        text = _text(record, DOC_TEXT_FIELDS, f'document "{doc_id}"', may_be_empty=bool(title and title.strip()))
        _check_text(title or "", f'the title of document "{doc_id}"')
        return doc_id, title or "", text

    return _table(rows, parse, CORPUS_SCHEMA, bad_lines)


def read_queries(rows: Rows, bad_lines: BadLines) -> pa.Table:
    """A query table: query_id, text, and answers where any query has some; ids are unique."""

    def parse(record: Mapping[str, Any]) -> tuple[str, str, list[str]]:
        query_id = _id(record, QUERY_ID_FIELDS, "a query")
        text = _text(record, QUERY_TEXT_FIELDS, f'query "{query_id}"')
        return query_id, text, _answers(record.get(ANSWERS_FIELD.name), f'query "{query_id}"')

    return with_answers_if_any(_table(rows, parse, QUERIES_SCHEMA.append(ANSWERS_FIELD), bad_lines))


def with_answers_if_any(queries: pa.Table) -> pa.Table:
    """A query table without its column of answers, where no query has one."""
    n_answers = pc.sum(pc.list_value_length(queries[ANSWERS_FIELD.name])).as_py()
    return queries if n_answers else queries.drop_columns([ANSWERS_FIELD.name])


def read_judgements(rows: Rows, bad_lines: BadLines) -> JudgementRows:
    """Judgements with their scores; a score above 0 is a positive, any other is judged not relevant."""
    query_ids: list[str] = []
    doc_ids: list[str] = []
    scores: list[float] = []
    numbers: list[int] = []
    for number, record in _good(rows, _parse_judgement, bad_lines):
        query_ids.append(record[0])
        doc_ids.append(record[1])
        scores.append(record[2])
        numbers.append(number)
    return JudgementRows(query_ids, doc_ids, np.array(scores, np.float64), np.array(numbers, np.int64))


def read_labels(rows: Rows, bad_lines: BadLines) -> LabelRows:
    """Labels of pairs; rows whose label is null or empty are counted as undecided."""
    parsed = list(_good(rows, _parse_label, bad_lines))
    decided = [(number, *record) for number, record in parsed if record[2] is not None]
    return LabelRows(
        query_ids=[query_id for _, query_id, _, _ in decided],
        doc_ids=[doc_id for _, _, doc_id, _ in decided],
        labels=[label for _, _, _, label in decided],
        numbers=[number for number, _, _, _ in decided],
        n_undecided=len(parsed) - len(decided),
    )


def _parse_label(record: Mapping[str, Any]) -> tuple[str, str, int | None]:
    query_id = _id(record, JUDGED_QUERY_FIELDS, "a decision")
    doc_id = _id(record, JUDGED_DOC_FIELDS, "a decision")
    value = record[_field(record, LABEL_FIELDS, "a decision")]
    name = value.strip().lower() if isinstance(value, str) else value
    if name is None or name == "" or (isinstance(name, float) and name != name):  # NaN is pandas' null
        return query_id, doc_id, None
    if name not in LABELS:
        raise _Problem(f"the label is {_shown(value)}; it takes {', '.join(LABELS)}, or nothing where it is undecided.")
    return query_id, doc_id, LABELS.index(name)


def _parse_judgement(record: Mapping[str, Any]) -> tuple[str, str, float]:
    query_id = _id(record, JUDGED_QUERY_FIELDS, "a judgement")
    doc_id = _id(record, JUDGED_DOC_FIELDS, "a judgement")
    name = _field(record, SCORE_FIELDS, "a judgement")
    try:
        score = float(record[name])
    except (TypeError, ValueError):
        raise _Problem(f'the field "{name}" is {_shown(record[name])}; it takes a whole number.') from None
    if score != score:
        raise _Problem(f'the field "{name}" is NaN; it takes a whole number.')
    return query_id, doc_id, score


def _table(
    rows: Rows, parse: Callable[[Mapping[str, Any]], Sequence[Any]], schema: pa.Schema, bad_lines: BadLines
) -> pa.Table:
    table = TableWriter(schema)
    ids = UniqueIds(table.id_at)
    for number, values in _good(rows, parse, bad_lines):
        first = ids.line_of(values[0], number)
        if first is None:
            table.add(values)
        else:
            bad_lines.add(rows.place(number), f'the id "{values[0]}" stands already at {rows.place(first)}.')
    return table.table()


def _good(rows: Rows, parse: Callable[[Mapping[str, Any]], Any], bad_lines: BadLines) -> Iterator[tuple[int, Any]]:
    for number, record in rows:
        try:
            if isinstance(record, BadRow):
                raise _Problem(record.problem)
            parsed = parse(record)
        except _Problem as problem:
            bad_lines.add(rows.place(number), str(problem))
        else:
            yield number, parsed


def _field(record: Mapping[str, Any], names: Sequence[str], what: str) -> str:
    for name in names:
        if name in record:
            return name
    there = ", ".join(f'"{name}"' for name in record) or "none"
    wanted = f'"{names[0]}"' + (f" (or {', '.join(names[1:])})" if names[1:] else "")
    raise _Problem(f"{what} needs a field {wanted}; the fields there are: {there}.")


def _id(record: Mapping[str, Any], names: Sequence[str], what: str) -> str:
    name = _field(record, names, what)
    value = record[name]
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise _Problem(f'the id in the field "{name}" is {_shown(value)}; it takes a string that is not empty.')
    _check_text(value, "the id")
    return value


def _text(record: Mapping[str, Any], names: Sequence[str], what: str, *, may_be_empty: bool = False) -> str:
    return _checked_text(record[_field(record, names, what)], f"the text of {what}", may_be_empty=may_be_empty)


def _checked_text(value: Any, what: str, *, may_be_empty: bool = False) -> str:
    if not isinstance(value, str):
        raise _Problem(f"{what} is {_shown(value)}; it takes a string.")
    if not may_be_empty and not value.strip():
        raise _Problem(f"{what} is empty.")
    _check_text(value, what)
    return value


def _answers(value: Any, what: str) -> list[str]:
    """A list of answers; one text is a list of one, and nothing or an empty text is none."""
    answers = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(answers, (list, tuple)) or not all(isinstance(answer, str) for answer in answers):
        raise _Problem(f"the answers of {what} are {_shown(value)}; a list of strings is taken, or one string.")
    for answer in answers:
        _check_text(answer, f"an answer of {what}")
    return [answer for answer in answers if answer.strip()]


def _check_text(value: str, what: str) -> None:
    try:
        n_bytes = len(value) if value.isascii() else len(value.encode())
    except UnicodeEncodeError as error:
        raise _Problem(f"{what} is not valid Unicode (character {error.start + 1}).") from None
    if n_bytes > MAX_TEXT_BYTES:
        raise _Problem(f"{what} is {n_bytes:,} bytes long; the most is {MAX_TEXT_BYTES:,}. Split it into passages.")


def check_text(value: Any, place: str) -> str:
    """The text itself, for texts that stand in Python values.

    Raises:
        BadRowError: it is no string, is empty, is not valid Unicode or is too long; `place` says where it stands.
    """
    try:
        return _checked_text(value, place)
    except _Problem as problem:
        raise BadRowError(str(problem)) from None


def check_answers(value: Any, place: str) -> list[str]:
    """Answers that stand in Python values, as a list.

    Raises:
        BadRowError: they are neither texts nor one text; `place` says where they stand.
    """
    try:
        return _answers(value, place)
    except _Problem as problem:
        raise BadRowError(str(problem)) from None


def _shown(value: Any) -> str:
    shown = repr(value)
    return f"{shown[:40]}… ({type(value).__name__})" if len(shown) > 40 else f"{shown} ({type(value).__name__})"
