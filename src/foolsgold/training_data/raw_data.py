"""Raw data in its three forms, row by row: a query, positives and negatives."""

from __future__ import annotations

import numbers
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from foolsgold.collection.pair_columns import POSITIVE_COLUMNS, QUERY_COLUMNS
from foolsgold.errors import BadRowError, CollectionError
from foolsgold.training_data.given import field_of, given_items, line_of, passages_of
from foolsgold.training_data.labels import LabelReader
from foolsgold.training_data.settings import PreparationSettings

PAIR = "a pair (query, positive)"  # as messages name it
LABELLED_PAIR = "a labelled pair (query, passage, label)"
TRIPLET = "a triplet (query, positive, negative)"

LABEL_COLUMN = "label"
PASSAGE_COLUMNS = ("passage", "text", *(name for name in POSITIVE_COLUMNS if name != "passage"))
_NEGATIVE_COLUMN = re.compile(r"negatives?|neg|negative_\d+")
_TAKES = "a list of pairs, labelled pairs or triplets, a table of them, or the path of a file"


class Fields(NamedTuple):
    """A row of raw data as it was given: `third` is a label or negatives, None in a pair."""

    form: str
    query: Any
    passages: Any
    third: Any


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
        fields = _fields(item, place, with_labels=settings.pairs_with_labels)
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
        is_positive = labels.is_positive(fields.third, place)
        return RawExample(query, passages if is_positive else [], [] if is_positive else passages)
    positives = _at_least_one(fields.passages, f"{place}: the positive")
    if fields.form == PAIR:
        return RawExample(query, positives, [])
    if isinstance(fields.third, numbers.Real):
        raise BadRowError(
            f"{place}: the negative is {fields.third!r} ({type(fields.third).__name__}); it takes a text or a list of "
            "texts. If it is a label, pass pairs_with_labels=True (--pairs-with-labels)."
        )
    return RawExample(query, positives, passages_of(fields.third, f"{place}: the negative"))


def _at_least_one(value: Any, what: str) -> list[str]:
    passages = passages_of(value, what)
    if not passages:
        raise BadRowError(f"{what} is an empty list; it takes at least one text.")
    return passages


def _fields(item: Any, place: str, *, with_labels: bool) -> Fields:
    if isinstance(item, Mapping):
        fields = _fields_by_name(item, place)
    elif isinstance(item, (tuple, list)) and len(item) in (2, 3):
        form = PAIR if len(item) == 2 else LABELLED_PAIR if with_labels else TRIPLET
        fields = Fields(form, item[0], item[1], item[2] if len(item) == 3 else None)
    else:
        raise BadRowError(f"{place} is {item!r:.60}; it takes {PAIR}, {LABELLED_PAIR} or {TRIPLET}.")
    if with_labels and fields.form != LABELLED_PAIR:
        raise BadRowError(
            f"{place} is {fields.form}; with pairs_with_labels=True (--pairs-with-labels) it takes {LABELLED_PAIR}."
        )
    return fields


def _fields_by_name(record: Mapping[str, Any], place: str) -> Fields:
    query = field_of(record, QUERY_COLUMNS, place, "a row")
    negatives = [name for name in record if _NEGATIVE_COLUMN.fullmatch(name)]
    if LABEL_COLUMN in record:
        if negatives:
            raise BadRowError(f'{place} has both "{LABEL_COLUMN}" and "{negatives[0]}"; it takes one of them.')
        passages = field_of(record, PASSAGE_COLUMNS, place, "a labelled pair")
        return Fields(LABELLED_PAIR, query, passages, record[LABEL_COLUMN])
    positives = field_of(record, (POSITIVE_COLUMNS[0], *PASSAGE_COLUMNS), place, "a row")
    if not negatives:
        return Fields(PAIR, query, positives, None)
    several = len(negatives) > 1
    return Fields(TRIPLET, query, positives, [record[name] for name in negatives] if several else record[negatives[0]])
