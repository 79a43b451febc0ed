"""Datasets of (query, positive) pairs, and a corpus in any form, as a Collection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from foolsgold.collection import Collection, Judgements
from foolsgold.collection.collection import CORPUS_SCHEMA, QUERIES_SCHEMA
from foolsgold.collection.columns import items_of
from foolsgold.errors import BadRowError, CollectionError, SettingsError

_BATCH_ROWS = 1_000
_EMPTY = "The dataset is empty. Please provide a non-empty dataset."


@dataclass(frozen=True)
class Pairs:
    """The rows of a dataset, and what its two columns are called.

    Attributes:
        anchor: the column of queries.
        positive: that of positives.
        queries: one a row; equal ones are one query.
        positives: one a row.
    """

    anchor: str
    positive: str
    queries: list[str]
    positives: list[str]

    @cached_property
    def positives_per_query(self) -> list[int]:
        """Rows of each query, in order of first appearance."""
        return list(Counter(self.queries).values())

    def collection(self, corpus: Any) -> Collection:
        """Queries and documents by exact text, in order of first appearance: the corpus, then positives it lacks.

        Args:
            corpus: texts: a list, a tuple, a column, a generator; None: there are only the positives.

        Raises:
            CollectionError: it is something else, or holds something else.
        """
        documents = {} if corpus is None else _numbered(_texts(corpus))
        for positive in self.positives:
            documents.setdefault(positive, len(documents))
        queries = _numbered(self.queries)
        judged = {(queries[query], documents[text]): None for query, text in self._rows()}
        query_rows, doc_rows = np.array(list(judged), np.int64).reshape(-1, 2).T
        return Collection(
            corpus=_table(CORPUS_SCHEMA, documents, "corpus"),
            queries=_table(QUERIES_SCHEMA, queries, "dataset"),
            positives=Judgements.from_pairs(query_rows, doc_rows, n_queries=len(queries)),
            judged_negatives=Judgements.none(len(queries)),
            held_out_positives=Judgements.none(len(queries)),
        )

    def _rows(self) -> Iterator[tuple[str, str]]:
        return zip(self.queries, self.positives, strict=True)


def read_dataset(dataset: Any, anchor: str | None, positive: str | None) -> Pairs:
    """The two columns of a dataset.

    Args:
        dataset: a Dataset or an IterableDataset, which is read to its end.
        anchor: the column of queries; None is the first.
        positive: that of positives; None is the second.

    Raises:
        SettingsError: it is no dataset, or is empty, or has no such columns, or its transform renames them.
        BadRowError: a value that is no text; says which.
    """
    _check_kind(dataset)
    if hasattr(dataset, "__len__") and len(dataset) == 0:
        raise SettingsError(_EMPTY)
    names = dataset.column_names or _names_of_first_row(dataset)
    anchor, positive = _chosen(names, anchor, positive)
    columns: dict[str, list[str]] = {anchor: [], positive: []}
    for batch in _batches(dataset, anchor, positive):
        for name, column in columns.items():
            column += _checked(batch[name], "dataset", f"[{name!r}]", first=len(column))
    if not columns[anchor]:
        raise SettingsError(_EMPTY)
    return Pairs(anchor, positive, columns[anchor], columns[positive])


def _batches(dataset: Any, anchor: str, positive: str) -> Iterator[Mapping[str, Any]]:
    """The two columns, as a transform of the user's gives them, which may need the others; any other format is undone.

    Raises:
        SettingsError: a transform gives other columns.
    """
    if getattr(dataset, "format", {}).get("type") != "custom":
        yield from dataset.select_columns([anchor, positive]).with_format(None).iter(_BATCH_ROWS)
        return
    for batch in dataset.iter(_BATCH_ROWS):
        if not {anchor, positive} <= set(batch):
            before, after = (", ".join(map(repr, names)) for names in (dataset.column_names, batch))
            raise SettingsError(
                f"dataset has the columns {before}, of which its transform makes {after}; {anchor!r} and {positive!r} "
                "must be among both. Apply the transform first: Dataset.from_list(list(dataset))."
            )
        yield batch


def _check_kind(dataset: Any) -> None:
    if isinstance(dataset, Mapping):
        raise SettingsError(
            f"dataset is a {type(dataset).__name__} of {', '.join(map(repr, dataset)) or 'nothing'}; it takes one "
            "Dataset, such as dataset['train']."
        )
    if not all(hasattr(dataset, name) for name in ("column_names", "select_columns", "with_format", "iter")):
        raise SettingsError(
            f"dataset is a {type(dataset).__name__}; it takes a datasets.Dataset, such as "
            "Dataset.from_dict({'query': […], 'positive': […]})."
        )


def _names_of_first_row(dataset: Any) -> list[str]:
    """The columns of an IterableDataset that does not know them."""
    first = next(iter(dataset), None)
    if first is None:
        raise SettingsError(_EMPTY)
    return list(first)


def _chosen(names: list[str], anchor: str | None, positive: str | None) -> tuple[str, str]:
    for argument, name in (("anchor_column_name", anchor), ("positive_column_name", positive)):
        if name and name not in names:
            raise SettingsError(f"{argument} is {name!r}; the columns there are: {', '.join(map(repr, names))}.")
    if not positive and len(names) < 2:
        raise SettingsError(
            "Dataset must contain at least two columns to select the positive column automatically. There is "
            f"{', '.join(map(repr, names))}."
        )
    anchor, positive = anchor or names[0], positive or names[1]
    if anchor == positive:
        raise SettingsError(
            f"The anchors and the positives are both the column {anchor!r}. Name two of the columns with "
            f"anchor_column_name and positive_column_name: {', '.join(map(repr, names))}."
        )
    return anchor, positive


def _texts(corpus: Any) -> Iterable[str]:
    takes = "texts: a list, a tuple, a column such as dataset['text'], a generator"
    if isinstance(corpus, Mapping) or hasattr(corpus, "select_columns"):
        raise CollectionError(f"corpus is a {type(corpus).__name__}; it takes {takes}.")
    return _checked(items_of(corpus, "corpus", takes), "corpus")


def _checked(values: Iterable[Any], argument: str, column: str = "", *, first: int = 0) -> list[str]:
    texts = list(values)
    for number, text in enumerate(texts, start=first):
        if not isinstance(text, str):
            kind = type(text).__name__
            raise BadRowError(f"{argument}[{number}]{column} is {text!r:.60} ({kind}); it takes a text.")
    return texts


def _numbered(texts: Iterable[str]) -> dict[str, int]:
    return {text: row for row, text in enumerate(dict.fromkeys(texts))}


def _table(schema: pa.Schema, texts: Mapping[str, int], argument: str) -> pa.Table:
    """A table of ids, which are row numbers, and texts."""
    try:
        text = pa.array(list(texts), pa.large_string())
    except UnicodeEncodeError as error:
        raise BadRowError(f"{argument}: {error.object!r:.60} is not valid Unicode. Mend it or leave it out.") from None
    ids = pa.array(map(str, range(len(texts))), pa.large_string())
    columns = {schema.names[0]: ids, "text": text}
    if "title" in schema.names:
        columns["title"] = pa.array([""] * len(texts), pa.large_string())
    return pa.table([columns[name] for name in schema.names], schema=schema)
