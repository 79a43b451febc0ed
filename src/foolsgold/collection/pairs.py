"""A collection from Python values: pairs, triplets or labelled pairs, and an optional corpus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from foolsgold.collection.collection import Collection
from foolsgold.collection.columns import items_of, records_of
from foolsgold.collection.examples import read_examples
from foolsgold.collection.fields import is_list
from foolsgold.collection.pair_columns import (
    LABEL_COLUMNS,
    POSITIVE_COLUMNS,
    QUERY_COLUMNS,
    ColumnNames,
    is_usual_name,
    pair_parser,
)
from foolsgold.collection.rows import BadLines, BadRow, Rows
from foolsgold.errors import CollectionError

MEND = "Mend it, or leave it out."


def read_pairs(
    pairs: Any,
    corpus: Any = None,
    *,
    query_column: str | None = None,
    positive_column: str | None = None,
    negative_columns: str | Iterable[str] | None = None,
    label_column: str | None = None,
) -> Collection:
    """Make a collection of training data that is in memory: pairs, also with negatives or labels.

    Equal query texts become one query with several positives, equal document texts one document. Negatives are kept as
    `given_negatives`: they are chosen before any that are mined.

    Args:
        pairs: a list of (query, positive) tuples, of (query, positive, negatives) or (query, text, label) ones, or of
            dicts; a dict of columns, a dict query → positive(s), a pandas or polars frame, an Arrow table, or a Hugging
            Face dataset, also a streaming one. Positives and negatives may be lists of texts. Dicts and tables may have
            a field `answers`, a text or a list: documents that contain one are no negatives.
        corpus: more documents to mine from: texts, a dict id → text, or records with `text` and optionally an id
            and a `title`. None: the documents of the pairs are the corpus.
        query_column: which column holds the query (default: query, anchor or question; or the first of two).
        positive_column: which column holds the positive (default: positive, answer, document, passage, pos; or the
            second of two).
        negative_columns: which columns hold negatives (default: negative, neg, negative_1, negative_2 …).
        label_column: which column says 1 for a positive, 0 for a negative (default: label or labels, where no column
            holds negatives).

    Raises:
        CollectionError: a value that is no text (says which), no pairs, or columns that cannot be told apart.

    >>> collection = read_pairs([("capital of France?", "Paris is the capital of France.")], ["Rome is in Italy."])
    >>> collection.n_queries, collection.n_documents
    (1, 2)
    """
    names = ColumnNames.of(query_column, positive_column, negative_columns, label_column)
    return read_examples(
        pair_rows(pairs, names, "pairs"),
        pair_parser(names, "pairs"),
        corpus=None if corpus is None else given_corpus(corpus),
        bad_lines=BadLines(mend=MEND),
    )


def pair_rows(pairs: Any, names: ColumnNames, argument: str) -> Rows:
    """What `read_pairs` takes, as rows of records.

    Raises:
        CollectionError: something else, or a dict that may be meant in two ways.
    """
    return Rows(argument, lambda number: f"{argument}[{number}]", _numbered(pairs, names, argument))


def given_corpus(corpus: Any) -> Rows:
    """Documents in Python values, as rows of records."""
    records: Iterable[Mapping[str, Any]] | None = None if isinstance(corpus, Mapping) else records_of(corpus, "corpus")
    if isinstance(corpus, Mapping):
        records = (
            {"_id": doc_id, **(value if isinstance(value, Mapping) else {"text": value})}
            for doc_id, value in corpus.items()
        )
    elif records is None:
        items = items_of(corpus, "corpus", "a list of texts or records, a dict id → text, or a table")
        records = (item if isinstance(item, Mapping) else {"text": item} for item in items)
    return Rows("corpus", lambda number: f"corpus[{number}]", enumerate(records))


def _numbered(pairs: Any, names: ColumnNames, argument: str) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    """A record for each pair."""
    if isinstance(pairs, Mapping) and not names and not _is_columns(pairs, argument):
        yield from enumerate({"query": query, "positive": positive} for query, positive in pairs.items())
        return
    records = records_of(pairs, argument)
    if records is not None:
        yield from enumerate(records)
        return
    takes = "(query, positive) pairs: list, dict, table or dataset"
    for number, item in enumerate(items_of(pairs, argument, takes)):
        yield number, item if isinstance(item, Mapping) else _record_of(item)


def _record_of(item: Any) -> Mapping[str, Any] | BadRow:
    if isinstance(item, (tuple, list)) and len(item) in (2, 3):
        is_label = len(item) == 3 and isinstance(item[2], (bool, int, float))
        fields = ("query", "text", "label") if is_label else ("query", "positive", "negatives")
        return dict(zip(fields, item, strict=False))
    return BadRow(
        f"{item!r:.60} is no pair; it takes (query, positive), (query, positive, negatives), (query, text, label), or "
        "a dict of these."
    )


def _is_columns(pairs: Mapping[Any, Any], argument: str) -> bool:
    """Whether a dict holds columns, rather than a query's positives under each query."""
    if any(hasattr(value, "column_names") for value in pairs.values()):
        raise CollectionError(
            f"{argument} holds several datasets; pass one of them: {argument}[{next(iter(pairs))!r}]."
        )
    if not all(is_list(value) and hasattr(value, "__len__") for value in pairs.values()):
        return False
    if set(pairs) & set(QUERY_COLUMNS) and set(pairs) & set(chain(POSITIVE_COLUMNS, LABEL_COLUMNS)):
        return True
    lengths = {len(value) for value in pairs.values()}
    if len(lengths) == 1 and any(map(is_usual_name, pairs)):
        return True
    if len(pairs) == 2 and len(lengths) == 1 and lengths != {1}:
        raise CollectionError(
            f"{argument}: a dict of two equally long lists, {' and '.join(f'{key!r:.40}' for key in pairs)}, may hold "
            "two columns or two queries. Name the columns with query_column= and positive_column=, or pass a list of "
            "pairs."
        )
    return False
