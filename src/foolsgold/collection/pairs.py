"""A collection from Python values: (query, positive) pairs and an optional corpus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any

import numpy as np
import pyarrow as pa

from foolsgold.collection.collection import ANSWERS_FIELD, CORPUS_SCHEMA, QUERIES_SCHEMA, Collection, Judgements
from foolsgold.collection.columns import columns_of, items_of
from foolsgold.collection.records import check_answers, check_text, read_documents, with_answers_if_any
from foolsgold.collection.rows import BadLines, Rows
from foolsgold.errors import CollectionError

QUERY_COLUMNS = ("query", "anchor", "question")
POSITIVE_COLUMNS = ("positive", "positives", "answer", "document", "passage", "pos")


def read_pairs(
    pairs: Any,
    corpus: Any = None,
    *,
    query_column: str | None = None,
    positive_column: str | None = None,
) -> Collection:
    """Make a collection of (query, positive) pairs that are in memory.

    Equal query texts become one query with several positives, equal positive texts one document.

    Args:
        pairs: a list of (query, positive) tuples or of dicts, a dict of columns, a dict query → positive(s), a pandas
            or polars frame, an Arrow table, or a Hugging Face dataset. A positive may be a list of texts. Dicts and
            tables may have a third field `answers`, a text or a list: documents that contain one are no negatives.
        corpus: more documents to mine from: texts, a dict id → text, or records with `text` and optionally an id
            and a `title`. None: the positives are the corpus.
        query_column: which column holds the query (default: query, anchor or question; or the first of two).
        positive_column: which column holds the positive (default: positive, answer, document, passage, pos; or the
            second of two).

    Raises:
        CollectionError: a value that is no text (says which), no pairs, or columns that cannot be told apart.

    >>> collection = read_pairs([("capital of France?", "Paris is the capital of France.")], ["Rome is in Italy."])
    >>> collection.n_queries, collection.n_documents
    (1, 2)
    """
    table = _corpus_table(corpus)
    documents = _Numbered(zip(table["text"].to_pylist(), range(table.num_rows), strict=True), table.num_rows)
    queries = _Numbered()
    judged: dict[tuple[int, int], None] = {}
    answers: dict[int, dict[str, None]] = {}
    for number, (query, positives, known) in enumerate(_pairs(pairs, query_column, positive_column)):
        query_row = queries.row(check_text(query, f"pairs[{number}]: the query"))
        answers.setdefault(query_row, {}).update(dict.fromkeys(check_answers(known, f"pairs[{number}]")))
        for positive in positives if _is_list(positives) else [positives]:
            doc_row = documents.row(check_text(positive, f"pairs[{number}]: the positive"))
            judged[query_row, doc_row] = None
    if not judged:
        raise CollectionError("pairs: no positives. Give at least one (query, positive) pair.")
    pair_rows = np.array(list(judged), np.int64).reshape(-1, 2)
    return Collection(
        corpus=_with_new_documents(table, documents.new_texts),
        queries=_with_answers(_numbered_table(QUERIES_SCHEMA, "q", queries.new_texts), answers),
        positives=Judgements.from_pairs(pair_rows[:, 0], pair_rows[:, 1], n_queries=len(queries.new_texts)),
        judged_negatives=Judgements.none(len(queries.new_texts)),
        held_out_positives=Judgements.none(len(queries.new_texts)),
    )


class _Numbered:
    """Gives each different text a row number, in order of first appearance, after those already taken."""

    def __init__(self, known: Iterable[tuple[str, int]] = (), n_known: int = 0) -> None:
        self._rows: dict[str, int] = {}
        for text, row in known:
            self._rows.setdefault(text, row)
        self._n_known = n_known
        self.new_texts: list[str] = []

    def row(self, text: str) -> int:
        row = self._rows.setdefault(text, self._n_known + len(self.new_texts))
        if row == self._n_known + len(self.new_texts):
            self.new_texts.append(text)
        return row


def _pairs(pairs: Any, query_column: str | None, positive_column: str | None) -> Iterator[tuple[Any, Any, Any]]:
    """Query, positive or positives, and answers or None."""
    named = query_column is not None or positive_column is not None
    if isinstance(pairs, Mapping) and not named and not _is_columns(pairs):
        yield from ((query, positive, None) for query, positive in pairs.items())
        return
    columns = columns_of(pairs, "pairs")
    if columns is not None:
        names = _pair_columns(list(columns), query_column, positive_column)
        answers = _answers_of(columns, names) or [None] * len(columns[names[0]])
        yield from zip(columns[names[0]], columns[names[1]], map(_as_list, answers), strict=True)
        return
    for number, item in enumerate(items_of(pairs, "pairs", "(query, positive) pairs: list, dict, table or dataset")):
        if isinstance(item, Mapping):
            names = _pair_columns(list(item), query_column, positive_column)
            yield item[names[0]], item[names[1]], _as_list(_answers_of(item, names))
        elif isinstance(item, (tuple, list)) and len(item) == 2:
            yield item[0], item[1], None
        else:
            raise CollectionError(f"pairs[{number}] is {item!r:.60}; it takes (query, positive) or a dict with both.")


def _is_columns(pairs: Mapping[Any, Any]) -> bool:
    """Whether a dict holds columns, rather than a query's positives under each query."""
    if any(hasattr(value, "column_names") for value in pairs.values()):
        raise CollectionError(f"pairs holds several datasets; pass one of them: pairs[{next(iter(pairs))!r}].")
    if not all(_is_list(value) and hasattr(value, "__len__") for value in pairs.values()):
        return False
    if _first_of(QUERY_COLUMNS, pairs) and _first_of(POSITIVE_COLUMNS, pairs):
        return True
    lengths = {len(value) for value in pairs.values()}
    if len(pairs) == 2 and len(lengths) == 1 and lengths != {1}:
        raise CollectionError(
            f"pairs: a dict of two equally long lists, {' and '.join(f'{key!r:.40}' for key in pairs)}, may hold two "
            "columns or two queries. Name the columns with query_column= and positive_column=, or pass a list of pairs."
        )
    return False


def _pair_columns(names: list[str], query_column: str | None, positive_column: str | None) -> tuple[str, str]:
    for argument, column in (("query_column", query_column), ("positive_column", positive_column)):
        if column is not None and column not in names:
            raise CollectionError(f"{argument} is {column!r}; the columns there are: {', '.join(map(repr, names))}.")
    query = query_column or _first_of(QUERY_COLUMNS, names)
    positive = positive_column or _first_of(POSITIVE_COLUMNS, names)
    if (query is None or positive is None) and len(names) == 2:
        query = query or next(name for name in names if name != positive)
        positive = positive or next(name for name in names if name != query)
    if query is None or positive is None:
        raise CollectionError(
            f"pairs: cannot tell which of the columns {', '.join(map(repr, names))} are the query and the positive. "
            "Name them with query_column= and positive_column=."
        )
    return query, positive


def _answers_of(fields: Mapping[str, Any], pair: tuple[str, str]) -> Any:
    """The field of answers, unless it is the query or the positive."""
    return None if ANSWERS_FIELD.name in pair else fields.get(ANSWERS_FIELD.name)


def _as_list(value: Any) -> Any:
    return list(value) if _is_list(value) and not isinstance(value, Set) else value  # a set has no stable order


def _with_answers(queries: pa.Table, answers: Mapping[int, Iterable[str]]) -> pa.Table:
    column = pa.array([list(answers[row]) for row in range(queries.num_rows)], ANSWERS_FIELD.type)
    return with_answers_if_any(queries.append_column(ANSWERS_FIELD, column))


def _first_of(wanted: Iterable[str], there: Iterable[str]) -> str | None:
    names = set(there)
    return next((name for name in wanted if name in names), None)


def _is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))


def _corpus_table(corpus: Any) -> pa.Table:
    if corpus is None:
        return CORPUS_SCHEMA.empty_table()
    columns = None if isinstance(corpus, Mapping) else columns_of(corpus, "corpus")
    if columns is not None:
        names = list(columns)
        records: Iterable[Any] = (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))
    elif isinstance(corpus, Mapping):
        records = (
            {"_id": doc_id, **(value if isinstance(value, Mapping) else {"text": value})}
            for doc_id, value in corpus.items()
        )
    else:
        records = items_of(corpus, "corpus", "a list of texts or records, a dict id → text, or a table")
    rows = Rows("corpus", lambda number: f"corpus[{number}]", _numbered_records(records))
    return read_documents(rows, BadLines(mend="Mend or leave it out."))


def _numbered_records(records: Iterable[Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, record in enumerate(records):
        if not isinstance(record, Mapping):
            record = {"text": record}
        has_id = _first_of(("_id", "doc_id", "docid", "id", "pid"), record)
        yield number, record if has_id else {"_id": f"d{number}", **record}


def _with_new_documents(table: pa.Table, texts: list[str]) -> pa.Table:
    taken = set(table["doc_id"].to_pylist())
    prefix = "d"
    while any(f"{prefix}{row}" in taken for row in range(table.num_rows, table.num_rows + len(texts))):
        prefix += "_"
    new = _numbered_table(CORPUS_SCHEMA, prefix, texts, first=table.num_rows)
    return pa.concat_tables([table, new])


def _numbered_table(schema: pa.Schema, prefix: str, texts: list[str], first: int = 0) -> pa.Table:
    columns = {
        schema.names[0]: [f"{prefix}{first + row}" for row in range(len(texts))],
        "title": [""] * len(texts),
        "text": texts,
    }
    return pa.table([pa.array(columns[name], pa.large_string()) for name in schema.names], schema=schema)
