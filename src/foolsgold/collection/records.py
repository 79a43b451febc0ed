"""Records of any format, checked one by one, into documents, queries and judgements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
LABELS = ("positive", "negative", "drop")

Parsed = TypeVar("Parsed")


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
        doc_id = id_in(record, DOC_ID_FIELDS, "a document")
        return doc_id, *title_and_text(record, f'document "{doc_id}"')

    return _table(rows, parse, CORPUS_SCHEMA, bad_lines)


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
    """Labels of pairs; rows whose label is null or empty are counted as undecided."""
    parsed: list[tuple[int, tuple[str, str, Any]]] = list(parsed_rows(rows, _parse_label, bad_lines))
    decided = [(number, *record) for number, record in parsed if record[2] is not None]
    return LabelRows(
        query_ids=[query_id for _, query_id, _, _ in decided],
        doc_ids=[doc_id for _, _, doc_id, _ in decided],
        labels=[label for _, _, _, label in decided],
        numbers=[number for number, _, _, _ in decided],
        n_undecided=len(parsed) - len(decided),
    )


def _parse_label(record: Mapping[str, Any]) -> tuple[str, str, int | None]:
    query_id, doc_id = _pair_ids(record, "a decision")
    value = record[field_in(record, LABEL_FIELDS, "a decision")]
    name = value.strip().lower() if isinstance(value, str) else value
    if name is None or name == "" or (isinstance(name, float) and name != name):  # NaN is pandas' null
        return query_id, doc_id, None
    if name not in LABELS:
        raise Problem(f"the label is {shown(value)}; it takes {', '.join(LABELS)}, or nothing where it is undecided.")
    return query_id, doc_id, LABELS.index(name)


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
            bad_lines.add(rows.place(number), f'the id "{values[0]}" stands already at {rows.place(first)}.')
    return table.table()


def parsed_rows(
    rows: Rows, parse: Callable[[Mapping[str, Any]], Parsed], bad_lines: BadLines
) -> Iterator[tuple[int, Parsed]]:
    """What `parse` makes of each row, with its number; rows of which it makes nothing go to `bad_lines`."""
    for number, record in rows:
        try:
            if isinstance(record, BadRow):
                raise Problem(record.problem)
            parsed = parse(record)
        except Problem as problem:
            bad_lines.add(rows.place(number), str(problem))
        else:
            yield number, parsed
