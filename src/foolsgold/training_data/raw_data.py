"""Raw data in its three forms, row by row: a query, positives and negatives."""

from __future__ import annotations

import numbers
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

from foolsgold.collection.fields import is_list
from foolsgold.collection.pair_columns import (
    LABEL_COLUMNS,
    LABELLED_COLUMNS,
    POSITIVE_COLUMNS,
    QUERY_COLUMNS,
    ColumnNames,
    Roles,
)
from foolsgold.errors import BadRowError, CollectionError
from foolsgold.training_data.given import given_items, line_of, name_of, passages_of
from foolsgold.training_data.labels import LabelReader
from foolsgold.training_data.settings import PreparationSettings

PAIR = "a pair (query, positive)"  # as messages name it
LABELLED_PAIR = "a labelled pair (query, passage, label)"
TRIPLET = "a triplet (query, positive, negative)"

PASSAGE_COLUMNS = ("passage", "text", *(name for name in POSITIVE_COLUMNS if name != "passage"))
_LABELLED = (*PASSAGE_COLUMNS, *(name for name in LABELLED_COLUMNS if name not in PASSAGE_COLUMNS))
_SCORE_COLUMNS = ("score", "scores")
_TAKES = "a list of pairs, labelled pairs or triplets, a table of them, or the path of a file"


class Fields(NamedTuple):
    """A row of raw data as given: `third` is a label, labels or negatives, None in a pair; `named` a label's column."""

    form: str
    query: Any
    passages: Any
    third: Any
    named: str | None = None


class RawExample(NamedTuple):
    """A query with passages that are known to answer it, and such that are known not to; texts as on their lines."""

    query: str
    positives: list[str]
    negatives: list[str]


def read_raw_data(raw_data: Any, settings: PreparationSettings) -> Iterator[RawExample]:
    """The rows of raw data, each checked.

    Raises:
        SettingsError: a file that is not there, or of an unknown type.
        CollectionError: there is no row.
        BadRowError: a row that cannot be taken, or is of another form than the first; says which.
    """
    labels = LabelReader(settings, as_text=isinstance(raw_data, (str, Path)))
    first: tuple[str, str] | None = None
    for place, item in given_items(raw_data, "raw_data", _TAKES, quiet=settings.quiet):
        fields = _fields(item, place, settings)
        first = first or (place, fields.form)
        if fields.form != first[1]:
            raise BadRowError(
                f"{place} is {fields.form}, but {first[0]} is {first[1]}. Rows of one form are taken: prepare the "
                "others by themselves."
            )
        yield _example(fields, place, labels)
    if first is None:
        name = raw_data if isinstance(raw_data, (str, Path)) else "raw_data"
        raise CollectionError(f"{name} is empty. Give at least one pair, labelled pair or triplet.")


def _example(fields: Fields, place: str, labels: LabelReader) -> RawExample:
    query = line_of(fields.query, f"{place}: the query")
    if fields.form == LABELLED_PAIR:
        passages = _at_least_one(fields.passages, f"{place}: the passage")
        marks = [labels.is_positive(label, place) for label in _labels(fields, len(passages), place)]
        positives, negatives = (
            [p for p, m in zip(passages, marks, strict=True) if m is side] for side in (True, False)
        )
        return RawExample(query, positives, negatives)
    positives = _at_least_one(fields.passages, f"{place}: the positive")
    if fields.form == PAIR:
        return RawExample(query, positives, [])
    if isinstance(fields.third, numbers.Real):
        raise _looks_like_a_label(fields.third, place)
    return RawExample(query, positives, passages_of(fields.third, f"{place}: the negative"))


def _labels(fields: Fields, n_passages: int, place: str) -> list[Any]:
    """One for each passage: of a list its own, else that which the row has."""
    if not is_list(fields.third):
        return [fields.third] * n_passages
    labels = _as_list(fields.third)
    if not isinstance(labels, list) or not is_list(fields.passages) or len(labels) != n_passages:
        column = "" if fields.named is None else f' ("{fields.named}")'
        raise BadRowError(
            f"{place}: the label{column} is {fields.third!r:.60} ({type(fields.third).__name__}) of {n_passages} "
            f"passage{'s' * (n_passages != 1)}; it takes one label, or a list of labels beside a list of as many "
            "passages."
        )
    return labels


def _looks_like_a_label(value: Any, place: str) -> BadRowError:
    return BadRowError(
        f"{place}: the negative is {value!r} ({type(value).__name__}); it takes a text or a list of texts. If it is a "
        "label, pass pairs_with_labels=True (--pairs-with-labels)"
        + (", and if it is a text that only reads so, put it in a list." if isinstance(value, str) else ".")
    )


def _at_least_one(value: Any, what: str) -> list[str]:
    passages = passages_of(value, what)
    if not passages:
        raise BadRowError(f"{what} is an empty list; it takes at least one text.")
    return passages


def _fields(item: Any, place: str, settings: PreparationSettings) -> Fields:
    if isinstance(item, Mapping):
        fields = _fields_by_name(item, place)
    elif isinstance(item, (tuple, list)) and len(item) in (2, 3):
        fields = _fields_by_place(item, place, settings)
    else:
        raise BadRowError(f"{place} is {item!r:.60}; it takes {PAIR}, {LABELLED_PAIR} or {TRIPLET}.")
    if settings.pairs_with_labels and fields.form != LABELLED_PAIR:
        raise BadRowError(
            f"{place} is {fields.form}; with pairs_with_labels=True (--pairs-with-labels) it takes {LABELLED_PAIR}."
        )
    return fields


def _fields_by_place(item: Sequence[Any], place: str, settings: PreparationSettings) -> Fields:
    if len(item) == 2:
        return Fields(PAIR, item[0], item[1], None)
    if settings.pairs_with_labels:
        return Fields(LABELLED_PAIR, *item)
    if isinstance(item[2], str) and item[2] in (str(settings.positive_label), str(settings.negative_label)):
        raise _looks_like_a_label(item[2], place)
    return Fields(TRIPLET, *item)


def _fields_by_name(record: Mapping[str, Any], place: str) -> Fields:
    label = next((name for name in LABEL_COLUMNS if name in record), None)
    query = name_of(record, QUERY_COLUMNS, place, "a row")
    usual = (POSITIVE_COLUMNS[0], *PASSAGE_COLUMNS) if label is None else _LABELLED
    passages = name_of(record, usual, place, "a row" if label is None else "a labelled pair")
    negatives = Roles.of(tuple(record), ColumnNames(query=query, positive=passages), place).negatives
    if label is not None:
        if negatives:
            raise BadRowError(f'{place} has both "{label}" and "{negatives[0]}"; it takes one of them.')
        return Fields(LABELLED_PAIR, record[query], record[passages], record[label], named=label)
    if negatives:
        return Fields(TRIPLET, record[query], record[passages], _negatives(record, negatives))
    _check_without_scores(record, place)
    return Fields(PAIR, record[query], record[passages], None)


def _negatives(record: Mapping[str, Any], columns: Sequence[str]) -> Any:
    """What one column holds; of several columns all that they hold, None left out, as in rows of different lengths."""
    if len(columns) == 1:
        return record[columns[0]]
    values = [_as_list(record[name]) for name in columns if record[name] is not None]
    return [text for value in values for text in (value if isinstance(value, list) else [value])]


def _as_list(value: Any) -> Any:
    return list(value) if is_list(value) and not isinstance(value, Set) else value  # a set has no stable order


def _check_without_scores(record: Mapping[str, Any], place: str) -> None:
    """Miners write negatives as pairs with a score, too."""
    for name in _SCORE_COLUMNS:
        if name in record:
            raise BadRowError(
                f'{place} has "{name}", but neither a label nor a negative, so that nothing tells whether its passage '
                f'is a positive. Add a column "{LABEL_COLUMNS[0]}", or leave "{name}" out if all passages are '
                "positives."
            )
