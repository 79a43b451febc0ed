"""Records of any format, checked one by one, into documents, queries and judgements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.collection.collection import ANSWERS_FIELD, CORPUS_SCHEMA, QUERIES_SCHEMA
from foolsgold.collection.fields import Problem, answers_of, check_encoding, field_in, id_in, shown, text_in
from foolsgold.collection.rows import BadLines, BadRow, Rows
from foolsgold.collection.table_writer import TableWriter
from foolsgold.collection.unique_ids import UniqueIds

DOC_ID_FIELDS = ("_id", "doc_id", "docid", "id", "pid", "corpus-id", "corpus_id")
QUERY_ID_FIELDS = ("_id", "query_id", "query-id", "qid", "id")
DOC_TEXT_FIELDS = ("text", "document", "passage", "contents")
QUERY_TEXT_FIELDS = ("text", "query", "question")
JUDGED_QUERY_FIELDS = ("query-id", "query_id", "qid")
JUDGED_DOC_FIELDS = ("corpus-id", "corpus_id", "doc_id", "docid", "pid")
SCORE_FIELDS = ("score", "relevance", "label")
LABEL_FIELDS = ("label",)
NUMBER_FIELD = "decision"  # what numbers the rows of a log
LABELS = ("positive", "negative", "drop")

Parsed = TypeVar("Parsed")


class JudgementRows(NamedTuple):
    """Judgements by id, as they stand in a qrels file; `numbers` are their line numbers."""

    query_ids: list[str]
    doc_ids: list[str]
    scores: NDArray[np.float64]
    numbers: NDArray[np.int64]


class LabelRow(NamedTuple):
    """A label of a pair by id.

    Attributes:
        query_id: of the pair.
        doc_id: of the pair.
        label: a position in LABELS; None where the pair is undecided.
        is_logged: whether the row has a number, so that a later one of the same pair takes its place.
        number: the line that it stands on.
        stands: False for what a log says first and takes back later.
    """

    query_id: str
    doc_id: str
    label: int | None
    is_logged: bool
    number: int = -1
    stands: bool = True


class LabelRows(NamedTuple):
    """Rows with a label, each with one, in order; and how many pairs or rows have none."""

    rows: list[LabelRow]
    n_undecided: int


def read_documents(rows: Rows, bad_lines: BadLines) -> pa.Table:
    """A corpus table: doc_id, title, text; ids are unique."""
    return _table(rows, parse_document, CORPUS_SCHEMA, bad_lines)


def parse_document(record: Mapping[str, Any]) -> tuple[str, str, str]:
    """Id, title and text.

    Raises:
        Problem: why the record is no document.
    """
    doc_id = id_in(record, DOC_ID_FIELDS, "a document")
    return doc_id, *title_and_text(record, f'document "{doc_id}"')


def title_and_text(record: Mapping[str, Any], what: str) -> tuple[str, str]:
    """Of a document, which may have either without the other; `what` names it in messages."""
    title = record.get("title")
    if title is not None and not isinstance(title, str):
        raise Problem(f"the title of {what} is {shown(title)}; it takes a string.")
    text = text_in(record, DOC_TEXT_FIELDS, what, may_be_empty=bool(title and title.strip()))
    check_encoding(title or "", f"the title of {what}")
    return title or "", text


def read_queries(rows: Rows, bad_lines: BadLines) -> pa.Table:
    """A query table: query_id, text, and answers where any query has some; ids are unique."""

    def parse(record: Mapping[str, Any]) -> tuple[str, str, list[str]]:
        query_id = id_in(record, QUERY_ID_FIELDS, "a query")
        text = text_in(record, QUERY_TEXT_FIELDS, f'query "{query_id}"')
        return query_id, text, answers_of(record.get(ANSWERS_FIELD.name), f'query "{query_id}"')

    return with_answers_if_any(_table(rows, parse, QUERIES_SCHEMA.append(ANSWERS_FIELD), bad_lines))


def with_answers_if_any(queries: pa.Table) -> pa.Table:
    """A query table without its column of answers, where no query has one."""
    n_answers = pc.sum(pc.list_value_length(queries[ANSWERS_FIELD.name])).as_py()
    return queries if n_answers else queries.drop_columns([ANSWERS_FIELD.name])


def read_judgements(rows: Rows, bad_lines: BadLines) -> JudgementRows:
    """Judgements with their scores; a score above 0 is a positive, any other is judged not relevant."""
    return _judgement_rows(rows, _parse_judgement, bad_lines)


def read_pair_ids(rows: Rows, bad_lines: BadLines) -> JudgementRows:
    """Pairs of a query and a document without a score, which is 0."""
    return _judgement_rows(rows, lambda record: (*_pair_ids(record, "a pair"), 0.0), bad_lines)


def _judgement_rows(
    rows: Rows, parse: Callable[[Mapping[str, Any]], tuple[str, str, float]], bad_lines: BadLines
) -> JudgementRows:
    query_ids: list[str] = []
    doc_ids: list[str] = []
    scores: list[float] = []
    numbers: list[int] = []
    for number, record in parsed_rows(rows, parse, bad_lines):
        query_ids.append(record[0])
        doc_ids.append(record[1])
        scores.append(record[2])
        numbers.append(number)
    return JudgementRows(query_ids, doc_ids, np.array(scores, np.float64), np.array(numbers, np.int64))


def read_labels(rows: Rows, bad_lines: BadLines) -> LabelRows:
    """Labels of pairs; those whose label is null or empty are counted as undecided.

    Rows with a number under `decision` are a log: of a pair the last one holds, and where that has no label, all that
    the log said of the pair before is taken back.
    """
    found: list[LabelRow] = []
    logged: dict[tuple[str, str], list[LabelRow]] = {}
    for number, parsed in parsed_rows(rows, _parse_label, bad_lines):
        row = parsed._replace(number=number)
        if row.is_logged:
            logged.setdefault((row.query_id, row.doc_id), []).append(row)
        else:
            found.append(row)
    found += [row for said in logged.values() for row in _that_hold(said)]
    labelled = [row for row in found if row.label is not None]
    return LabelRows(sorted(labelled, key=lambda row: row.number), len(found) - len(labelled))


def _that_hold(said: Sequence[LabelRow]) -> Iterator[LabelRow]:
    """The last that a log says of a pair; and, where that is nothing, what it takes back."""
    yield said[-1]
    if said[-1].label is None:
        yield from (row._replace(stands=False) for row in said if row.label is not None)


def _parse_label(record: Mapping[str, Any]) -> LabelRow:
    query_id, doc_id = _pair_ids(record, "a decision")
    value = record[field_in(record, LABEL_FIELDS, "a decision")]
    is_logged = is_numbered(record)
    name = value.strip().lower() if isinstance(value, str) else value
    if name is None or name == "" or (isinstance(name, float) and name != name):  # NaN is pandas' null
        return LabelRow(query_id, doc_id, None, is_logged)
    if name not in LABELS:
        raise Problem(f"the label is {shown(value)}; it takes {', '.join(LABELS)}, or nothing where it is undecided.")
    return LabelRow(query_id, doc_id, LABELS.index(name), is_logged)


def is_numbered(record: Mapping[str, Any]) -> bool:
    """Whether a row has the number that makes it one of a log; csv has it as text, pandas beside nulls as a float."""
    number = record.get(NUMBER_FIELD)
    if isinstance(number, str):
        return number.strip().isdecimal()
    return isinstance(number, Real) and not isinstance(number, bool) and float(number).is_integer()


def _pair_ids(record: Mapping[str, Any], what: str) -> tuple[str, str]:
    return id_in(record, JUDGED_QUERY_FIELDS, what), id_in(record, JUDGED_DOC_FIELDS, what)


def _parse_judgement(record: Mapping[str, Any]) -> tuple[str, str, float]:
    query_id, doc_id = _pair_ids(record, "a judgement")
    name = field_in(record, SCORE_FIELDS, "a judgement")
    try:
        score = float(record[name])
    except (TypeError, ValueError):
        raise Problem(f'the field "{name}" is {shown(record[name])}; it takes a whole number.') from None
    if score != score:
        raise Problem(f'the field "{name}" is NaN; it takes a whole number.')
    return query_id, doc_id, score


def _table(
    rows: Rows, parse: Callable[[Mapping[str, Any]], Sequence[Any]], schema: pa.Schema, bad_lines: BadLines
) -> pa.Table:
    table = TableWriter(schema)
    ids = UniqueIds(table.id_at)
    for number, values in parsed_rows(rows, parse, bad_lines):
        first = ids.line_of(values[0], number)
        if first is None:
            table.add(values)
        else:
            bad_lines.add(rows.place(number), repeated_id(values[0], rows.place(first)))
    return table.table()


def parsed_rows(
    rows: Rows, parse: Callable[[Mapping[str, Any]], Parsed], bad_lines: BadLines
) -> Iterator[tuple[int, Parsed]]:
    """What `parse` makes of each row, with its number; rows of which it makes nothing go to `bad_lines`."""
    for number, record in rows:
        parsed = parsed_or_bad(record, parse)
        if isinstance(parsed, BadRow):
            bad_lines.add(rows.place(number), parsed.problem)
        else:
            yield number, parsed


def parsed_or_bad(record: Mapping[str, Any] | BadRow, parse: Callable[[Mapping[str, Any]], Parsed]) -> Parsed | BadRow:
    """What `parse` makes of a record, or why it makes nothing of it."""
    try:
        return record if isinstance(record, BadRow) else parse(record)
    except Problem as problem:
        return BadRow(str(problem))


def repeated_id(value: str, place: str) -> str:
    """Why a row is bad whose id stands at an earlier place too."""
    return f'the id "{value}" stands already at {place}.'
