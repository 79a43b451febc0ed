"""Columns and items of the tables and lists that people hold in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

import pyarrow as pa

from foolsgold.errors import CollectionError

_BATCH_ROWS = 4_096


def columns_of(table: Any, argument: str) -> dict[str, Sequence[Any]] | None:
    """Columns by name of a dict of columns, an Arrow table, a Hugging Face dataset, or a frame; None for anything else.

    Raises:
        CollectionError: columns of different lengths, or a table that Arrow cannot read.
    """
    columns: dict[str, Sequence[Any]]
    if isinstance(table, Mapping):
        columns = {str(name): list(values) for name, values in table.items()}
    elif _is_dataset(table):
        return columns_of(table.with_format("arrow")[:], argument)  # a dataset, in its own order and selection
    elif isinstance(table, (pa.Table, pa.RecordBatch)):
        check_names(table.schema.names, argument)
        columns = {name: table[name].to_pylist() for name in table.schema.names}
    elif hasattr(table, "columns") and hasattr(table, "to_dict"):  # pandas and polars
        check_names([str(name) for name in table.columns], argument)
        columns = {str(name): _values(table[name]) for name in table.columns}
    else:
        return None
    if len({len(values) for values in columns.values()}) > 1:
        lengths = ", ".join(f"{name!r}: {len(values)}" for name, values in columns.items())
        raise CollectionError(f"{argument}: its columns have different lengths ({lengths}).")
    return columns


def records_of(table: Any, argument: str) -> Iterator[dict[str, Any]] | None:
    """The rows of what `columns_of` takes, one by one: of a dataset or Arrow table a batch at a time is in memory.

    Raises:
        CollectionError: as `columns_of`.
    """
    if _is_dataset(table):
        return _rows_of(table.with_format("arrow").iter(_BATCH_ROWS))
    if isinstance(table, (pa.Table, pa.RecordBatch)):
        check_names(table.schema.names, argument)
        starts = range(0, table.num_rows, _BATCH_ROWS)
        return _rows_of(table.slice(start, _BATCH_ROWS) for start in starts)
    columns = columns_of(table, argument)
    if columns is None:
        return None
    return (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))


def check_names(names: Sequence[str], argument: str) -> None:
    """That no two columns have one name, of which only one would be read.

    Raises:
        CollectionError: names the names.
    """
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise CollectionError(f"{argument}: several columns are called {', '.join(map(repr, repeated))}. Rename them.")


def _rows_of(tables: Iterable[pa.Table]) -> Iterator[dict[str, Any]]:
    for table in tables:
        yield from table.to_pylist()


def _is_dataset(table: Any) -> bool:
    return hasattr(table, "with_format") and hasattr(table, "column_names") and hasattr(table, "num_rows")


def _values(series: Any) -> list[Any]:
    """Values of a column of a frame, None where pandas has one of its marks for missing ones."""
    return list(series.astype(object).where(series.notna(), None) if hasattr(series, "notna") else series)


def items_of(values: Any, argument: str, takes: str) -> Iterable[Any]:
    """The items of a list, a series or an iterator, as Python values.

    Raises:
        CollectionError: it has none, or (a set) none in a stable order; `takes` says what would do.
    """
    if isinstance(values, Set):
        raise CollectionError(f"{argument} is a {type(values).__name__}, whose order changes from run to run. Sort it.")
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise CollectionError(f"{argument} is a {type(values).__name__}; it takes {takes}.")
    return values.to_pylist() if isinstance(values, (pa.Array, pa.ChunkedArray)) else values
