"""Labels that a person or a judge gave to (query, document) pairs of a collection."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
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

logger = logging.getLogger(__name__)


class Labels(NamedTuple):
    """Labels of pairs, in the order in which they were given; a pair that was given twice stands twice.

    Attributes:
        query_rows: shape (n,), rows in the collection.
        doc_rows: shape (n,), rows in the corpus.
        labels: shape (n,), positions in LABELS.
        stands: shape (n,), False for what a log of decisions said first and took back later.
        n_undecided: rows without a label, or pairs of a log without one.
    """

    query_rows: NDArray[np.int64]
    doc_rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    stands: NDArray[np.bool_]
    n_undecided: int


def read_labels(given: Any, collection: Collection, argument: str) -> Labels:
    """Read labels from a file or from Python values.

    Rows with a number under `decision` are a log, such as decisions.jsonl: of a pair that stands there several times
    the last row holds, and where that has no label the earlier ones are taken back. The last line of such a file, if
    it was not written to its end, is left out, with a warning, as the review desk does.

    Args:
        given: the path of a `.jsonl`, `.parquet`, `.csv` or `.tsv` (text formats also `.gz`) with query_id, doc_id (or
            their other names in qrels) and label; or a list of (query_id, doc_id, label) or of records, or a table.
            Other columns are ignored.
        collection: which the ids belong to.
        argument: what it is called in messages.

    Raises:
        SettingsError: the file is not there, or of an unknown type.
        BadRowError: with file and line: a missing field, an unknown label or id, or two labels for one pair in rows
            that are no log.
        CollectionError: there is not one label.
    """
    rows = _file_rows(Path(given), argument) if isinstance(given, (str, Path)) else _given_rows(given, argument)
    try:
        found, n_undecided = records.read_labels(rows, BadLines(mend="Mend it, or leave the line out."))
    except OSError as error:
        raise CollectionError(f"{rows.name}: {error.strerror or error}.") from error
    if not found:
        undecided = f": all {n_undecided:,} rows are undecided" if n_undecided else ""
        raise CollectionError(
            f"{rows.name}: no decisions{undecided}. Give at least one row with a query_id, a doc_id, and a label: "
            f"{', '.join(records.LABELS)}."
        )
    _check_one_label_a_pair(found, rows)
    query_rows = _known_rows([row.query_id for row in found], collection.query_ids, "query", found, rows)
    doc_rows = _known_rows([row.doc_id for row in found], collection.doc_ids, "document", found, rows)
    labels, stands = np.array([row.label for row in found], np.int64), np.array([row.stands for row in found])
    return Labels(query_rows, doc_rows, labels, stands, n_undecided)


def _file_rows(path: Path, argument: str) -> Rows:
    """The rows of a file, without the last line of a log that was not written whole."""
    rows = read_rows(path, argument)
    return replace(rows, rows=_without_torn_end(rows)) if path.suffix == ".jsonl" and _ends_torn(path) else rows


def _ends_torn(path: Path) -> bool:
    with path.open("rb") as file:
        last = next(iter(deque(file, maxlen=1)), b"")
    return bool(last.strip()) and not last.endswith(b"\n")


def _without_torn_end(rows: Rows) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    """All rows but the last, if it cannot be read and stands below one of a log."""
    before, last = None, None
    for row in rows:
        if last is not None:
            yield last
        before, last = last, row
    if last is None:
        return
    if isinstance(last[1], BadRow) and before is not None and _is_logged(before[1]):
        logger.warning(
            "%s: the last line of this log of decisions was not written to its end, and is left out. The review desk "
            "cuts it off when it is opened again.",
            rows.place(last[0]),
        )
    else:
        yield last


def _is_logged(record: Mapping[str, Any] | BadRow) -> bool:
    return not isinstance(record, BadRow) and records.is_numbered(record)


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


def _check_one_label_a_pair(found: list[records.LabelRow], rows: Rows) -> None:
    first: dict[tuple[str, str], records.LabelRow] = {}
    for row in found:
        if not row.stands:
            continue
        earlier = first.setdefault((row.query_id, row.doc_id), row)
        if earlier.label != row.label:
            one, other = (f"{records.LABELS[each.label or 0]} at {rows.place(each.number)}" for each in (earlier, row))
            raise BadRowError(
                f'{rows.name}: query "{row.query_id}" and document "{row.doc_id}" are labelled {one} and {other}. '
                "Leave one of the two lines."
            )


def _known_rows(
    ids: list[str], known: pa.ChunkedArray, what: str, found: list[records.LabelRow], rows: Rows
) -> NDArray[np.int64]:
    found_rows = rows_of(pa.array(ids, pa.large_string()), known).fill_null(-1).to_numpy()
    row_of: NDArray[np.int64] = found_rows.astype(np.int64)
    if (unknown := np.flatnonzero(row_of < 0)).size:
        first = int(unknown[0])
        more = f" ({len(unknown):,} rows name unknown ids)" if len(unknown) > 1 else ""
        unknown_id = json.dumps(ids[first], ensure_ascii=False)  # control characters escaped
        raise BadRowError(
            f"{rows.place(found[first].number)}: the collection has no {what} {unknown_id}{more}. "
            "Check that the labels belong to this collection, or leave the line out."
        )
    return row_of
