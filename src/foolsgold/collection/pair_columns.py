"""Pairs, triplets, n-tuples and labelled pairs or lists as their columns tell: which holds what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from foolsgold.collection.builder import Example, Passage
from foolsgold.collection.collection import ANSWERS_FIELD
from foolsgold.collection.fields import Problem, answers_of, as_list, checked_text, is_list, shown
from foolsgold.collection.records import DOC_ID_FIELDS, QUERY_ID_FIELDS
from foolsgold.errors import CollectionError

QUERY_COLUMNS = ("query", "anchor", "question")
POSITIVE_COLUMNS = ("positive", "positives", "answer", "document", "passage", "pos")
LABELLED_COLUMNS = ("text", "texts", "docs", "documents", "passages")  # beside those, where there is a label
LABEL_COLUMNS = ("label", "labels")
_ID_COLUMNS = {*DOC_ID_FIELDS, *QUERY_ID_FIELDS}
_NEGATIVE_COLUMN = re.compile(r"(hard_?)?neg(ative)?s?(_?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class ColumnNames:
    """Names that the caller gives; None is found by the usual names.

    Attributes:
        query: of the query.
        positive: of the positive, or of the texts that a label column tells of.
        negatives: of the negatives, in their order; () for none.
        label: of 1 for a positive, 0 for a negative.
    """

    query: str | None = None
    positive: str | None = None
    negatives: tuple[str, ...] | None = None
    label: str | None = None

    @classmethod
    def of(
        cls, query: str | None, positive: str | None, negatives: str | Iterable[str] | None, label: str | None
    ) -> ColumnNames:
        """As the arguments of `read_pairs` have them."""
        several = (negatives,) if isinstance(negatives, str) else None if negatives is None else tuple(negatives)
        return cls(query, positive, several, label)

    def __bool__(self) -> bool:
        return self != ColumnNames()

    def check(self, names: Sequence[str], argument: str) -> None:
        """That all of them are there.

        Raises:
            CollectionError: one is not, with the names that are.
        """
        given = {"query_column": self.query, "positive_column": self.positive, "label_column": self.label}
        several = [("negative_columns", name) for name in self.negatives or ()]
        for setting, column in (*given.items(), *several):
            if column is not None and column not in names:
                raise CollectionError(
                    f"{argument}: {setting} is {column!r}; the columns there are: {', '.join(map(repr, names))}."
                )


class Roles(NamedTuple):
    """Which column holds what; `negatives` is empty, and `label` None, where there is none."""

    query: str
    positive: str
    negatives: tuple[str, ...]
    label: str | None

    @classmethod
    def of(cls, names: Sequence[str], given: ColumnNames, argument: str, *, is_file: bool = False) -> Roles:
        """By the names given, else by the usual names; of just two columns without ids the first is the query.

        Args:
            names: of the columns.
            given: by the caller.
            argument: where they stand, for messages.
            is_file: its first line may be no header: one name must be given or usual before two columns will do.

        Raises:
            CollectionError: they cannot be told apart.
        """
        given.check(names, argument)
        negatives = _negatives(names, given)
        label = _label(names, given, negatives)
        query = given.query or _first_of(QUERY_COLUMNS, names)
        positive = given.positive or _first_of((*POSITIVE_COLUMNS, *(LABELLED_COLUMNS if label else ())), names)
        if (query is None or positive is None) and not (is_file and not (query or positive or label or negatives)):
            texts = [name for name in names if name not in {*negatives, label, *_ID_COLUMNS - {query, positive}}]
            if len(texts) == 2:
                query = query or next(name for name in texts if name != positive)
                positive = positive or next(name for name in texts if name != query)
        if query is None or positive is None or query == positive:
            raise _cannot_tell(names, argument)
        return cls(query, positive, negatives, label)


def _cannot_tell(names: Sequence[str], argument: str) -> CollectionError:
    if len(names) < 2:
        there = f"one column, {names[0]!r}" if names else "no columns"
        return CollectionError(f"{argument} has {there}; it takes at least two: a query and a positive.")
    is_tsv = argument.endswith((".tsv", ".tsv.gz"))
    is_delimited = is_tsv or argument.endswith((".csv", ".csv.gz"))
    return CollectionError(
        f"{argument}: cannot tell which of the columns {', '.join(map(repr, names))} are the query and the positive. "
        "Name them with query_column= and positive_column= (--query-column, --positive-column)."
        + (" If these are no names, name the columns; the first line is the header." if is_delimited else "")
        + (" A file of triples without a header is read as format='msmarco'." if is_tsv else "")
    )


def _negatives(names: Iterable[str], given: ColumnNames) -> tuple[str, ...]:
    """The columns there that hold negatives, in their order."""
    if given.negatives is not None:
        there = set(names)
        return tuple(name for name in given.negatives if name in there)
    return tuple(sorted(filter(_NEGATIVE_COLUMN.fullmatch, names), key=_number))


def _label(names: Iterable[str], given: ColumnNames, negatives: Sequence[str]) -> str | None:
    """The column that holds labels, which none does beside negatives unless it is named."""
    return given.label or (None if negatives else _first_of(LABEL_COLUMNS, names))


def _number(column: str) -> int:
    """The number at the end of a column's name, 0 for none."""
    return int("0" + re.sub(r".*?(\d*)$", r"\1", column))


def is_usual_name(name: Any) -> bool:
    """Whether a column of this name is a query, a positive, a negative or a label without being named."""
    return name in (*QUERY_COLUMNS, *POSITIVE_COLUMNS, *LABEL_COLUMNS) or (
        isinstance(name, str) and _NEGATIVE_COLUMN.fullmatch(name) is not None
    )


def pair_parser(given: ColumnNames, argument: str, *, is_file: bool = False) -> Callable[[Mapping[str, Any]], Example]:
    """What makes an example of a record: columns mean what they meant in the first, and labels are of one type.

    Args:
        given: names that the caller gives.
        argument: where the records stand, for messages.
        is_file: as in `Roles.of`.

    Raises:
        CollectionError: when called first, of columns that cannot be told apart.
        Problem: when called, of a value that is no text or no label, or without a column that the first record had.
    """
    roles: dict[tuple[str, ...], Roles] = {}  # by the names of a record's fields, those of the first record first
    labels = _Labels()

    def parse(record: Mapping[str, Any]) -> Example:
        names = tuple(record)
        if names not in roles:
            _check_names(names)
            first = next(iter(roles.values()), None)
            roles[names] = (
                Roles.of(names, given, argument, is_file=is_file) if first is None else _as_in(first, names, given)
            )
        return _example(record, roles[names], labels)

    return parse


def _check_names(names: Sequence[Any]) -> None:
    """That all are strings, as columns are called.

    Raises:
        Problem: one is not.
    """
    for name in names:
        if not isinstance(name, str):
            raise Problem(f"a field is called {shown(name)}; a name is a string, such as 'query'.")


def _as_in(first: Roles, names: Sequence[str], given: ColumnNames) -> Roles:
    """The roles of the first record, with the negatives that this one has.

    Raises:
        Problem: a column is missing, or labels come up beside records that have none.
    """
    there = ", ".join(f'"{name}"' for name in names) or "none"
    for role, name in (("query", first.query), ("positive", first.positive), ("label", first.label)):
        if name is not None and name not in names:
            raise Problem(f'no field "{name}", which is the {role} in the first record; the fields there are: {there}.')
    negatives = _negatives(names, given)
    if not first.negatives and _label(names, given, negatives) != first.label:
        labels = "no labels" if first.label is None else f'labels in "{first.label}" and no negatives'
        raise Problem(f"the first record has {labels}; the fields here are: {there}. Give records of one form.")
    return first._replace(negatives=negatives)


def _example(record: Mapping[str, Any], roles: Roles, labels: _Labels) -> Example:
    query = checked_text(record[roles.query], "the query")
    known = None if ANSWERS_FIELD.name in roles[:2] else record.get(ANSWERS_FIELD.name)
    answers = answers_of(known, "the query")
    documents = _passages(record[roles.positive], "the positive" if roles.label is None else "the text")
    if roles.label is not None:
        marks = labels.of(record[roles.label], len(documents))
        positives, others = ([d for d, m in zip(documents, marks, strict=True) if m == side] for side in (1, 0))
        return Example(query, positives, others, answers=answers)
    negatives = [p for name in roles.negatives for p in _passages(record[name], f"the negative ({name})", maybe=True)]
    return Example(query, documents, negatives, answers=answers)


def _passages(value: Any, what: str, *, maybe: bool = False) -> list[Passage]:
    """A text or a list of texts; none for None where there may be none, as in rows of different lengths."""
    if maybe and value is None:
        return []
    return [Passage(checked_text(text, what)) for text in (as_list(value, what) if is_list(value) else [value])]


class _Labels:
    """Labels of 0 or 1; in a file or table all of one type."""

    def __init__(self) -> None:
        self._kind: str | None = None

    def of(self, value: Any, n: int) -> list[int]:
        """One for each of n texts.

        Raises:
            Problem: another number of labels, one that is neither 0 nor 1, or of another type than those before.
        """
        values = as_list(value, "the label") if is_list(value) else [value]
        if len(values) != n:
            raise Problem(f"{len(values)} labels for {n} texts; it takes one label a text.")
        return [self._one(label) for label in values]

    def _one(self, value: Any) -> int:
        kind = type(value).__name__
        if is_list(value) or value not in (0, 1, "0", "1"):
            raise Problem(f"the label is {shown(value)}; it takes 1 for a positive, 0 for a negative.")
        if self._kind not in (None, kind):
            raise Problem(f"the label is {shown(value)}, those before were of type {self._kind}; it takes one type.")
        self._kind = kind
        return int(value)


def _first_of(wanted: Iterable[str], there: Iterable[str]) -> str | None:
    names = set(there)
    return next((name for name in wanted if name in names), None)
