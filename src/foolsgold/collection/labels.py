"""Labels that a person or a judge gave to (query, document) pairs of a collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import records
from foolsgold.collection.collection import Collection, rows_of
from foolsgold.collection.columns import columns_of, items_of
from foolsgold.collection.files import read_rows
from foolsgold.collection.rows import BadLines, BadRow, Rows
from foolsgold.errors import BadRowError, CollectionError

_ITEM_FIELDS = ("query_id", "doc_id", "label")
_TAKES = "a path, a list of (query_id, doc_id, label), or a table with these columns"


class Labels(NamedTuple):
    """Labels of pairs, in the order in which they were given; a pair that was given twice stands twice.

    Attributes:
        query_rows: shape (n,), rows in the collection.
        doc_rows: shape (n,), rows in the corpus.
        labels: shape (n,), positions in LABELS.
        n_undecided: rows without a label.
    """

    query_rows: NDArray[np.int64]
    doc_rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    n_undecided: int


def read_labels(given: Any, collection: Collection, argument: str) -> Labels:
    """Read labels from a file or from Python values.

    Args:
        given: the path of a `.jsonl`, `.parquet`, `.csv` or `.tsv` (text formats also `.gz`) with query_id, doc_id (or
            their other names in qrels) and label; or a list of (query_id, doc_id, label) or of records, or a table.
            Other columns are ignored.
        collection: which the ids belong to.
        argument: what it is called in messages.

    Raises:
        SettingsError: the file is not there, or of an unknown type.
        BadRowError: with file and line: a missing field, an unknown label or id, or two labels for one pair.
        CollectionError: there is not one label.
    """
    rows = read_rows(Path(given), argument) if isinstance(given, (str, Path)) else _given_rows(given, argument)
    try:
        found = records.read_labels(rows, BadLines(mend="Mend it, or leave the line out."))
    except OSError as error:
        raise CollectionError(f"{rows.name}: {error.strerror or error}.") from error
    if not found.labels:
        undecided = f": all {found.n_undecided:,} rows are undecided" if found.n_undecided else ""
        raise CollectionError(
            f"{rows.name}: no decisions{undecided}. Give at least one row with a query_id, a doc_id, and a label: "
            f"{', '.join(records.LABELS)}."
        )
    _check_one_label_a_pair(found, rows)
    query_rows = _known_rows(found.query_ids, collection.query_ids, "query", found, rows)
    doc_rows = _known_rows(found.doc_ids, collection.doc_ids, "document", found, rows)
    return Labels(query_rows, doc_rows, np.array(found.labels, np.int64), found.n_undecided)


def _given_rows(given: Any, argument: str) -> Rows:
    """Rows of Python values; a table's by column, a list's one by one."""
    if isinstance(given, Mapping) and any(isinstance(v, str) or not isinstance(v, Iterable) for v in given.values()):
        raise CollectionError(f"{argument} is a dict of single values; it takes {_TAKES}.")
    columns = columns_of(given, argument)
    if columns is not None:
        names = list(columns)
        items: Iterable[Any] = (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))
    else:
        items = items_of(given, argument, _TAKES)
    return Rows(argument, lambda number: f"{argument}[{number}]", _numbered(items))


def _numbered(items: Iterable[Any]) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    for number, item in enumerate(items):
        if isinstance(item, Mapping):
            yield number, item
        elif isinstance(item, (tuple, list)) and len(item) == len(_ITEM_FIELDS):
            yield number, dict(zip(_ITEM_FIELDS, item, strict=True))
        else:
            yield number, BadRow(f"{item!r:.60} is no decision; it takes (query_id, doc_id, label) or a dict of them.")


def _check_one_label_a_pair(found: records.LabelRows, rows: Rows) -> None:
    first: dict[tuple[str, str], int] = {}
    for row, pair in enumerate(zip(found.query_ids, found.doc_ids, strict=True)):
        earlier = first.setdefault(pair, row)
        if found.labels[earlier] != found.labels[row]:
            one, other = (
                f"{records.LABELS[found.labels[i]]} at {rows.place(found.numbers[i])}" for i in (earlier, row)
            )
            raise BadRowError(
                f'{rows.name}: query "{pair[0]}" and document "{pair[1]}" are labelled {one} and {other}. '
                "Leave one of the two lines."
            )


def _known_rows(
    ids: Sequence[str], known: pa.ChunkedArray, what: str, found: records.LabelRows, rows: Rows
) -> NDArray[np.int64]:
    found_rows = rows_of(pa.array(ids, pa.large_string()), known).fill_null(-1).to_numpy()
    row_of: NDArray[np.int64] = found_rows.astype(np.int64)
    if (unknown := np.flatnonzero(row_of < 0)).size:
        first = int(unknown[0])
        more = f" ({len(unknown):,} rows name unknown ids)" if len(unknown) > 1 else ""
        raise BadRowError(
            f'{rows.place(found.numbers[first])}: the collection has no {what} "{ids[first]}"{more}. '
            "Check that the labels belong to this collection, or leave the line out."
        )
    return row_of
