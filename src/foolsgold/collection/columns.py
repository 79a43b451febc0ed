"""Columns and items of the tables and lists that people hold in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

import pyarrow as pa

from foolsgold.errors import CollectionError


def columns_of(table: Any, argument: str) -> dict[str, Sequence[Any]] | None:
    """Columns by name of a dict of columns, an Arrow table, a Hugging Face dataset, or a frame; None for anything else.

    Raises:
        CollectionError: columns of different lengths, or a table that Arrow cannot read.
    """
    columns: dict[str, Sequence[Any]]
    if isinstance(table, Mapping):
        columns = {str(name): list(values) for name, values in table.items()}
    elif hasattr(table, "with_format") and hasattr(table, "column_names") and hasattr(table, "num_rows"):
        arrow = table.with_format("arrow")[:]  # a dataset: its own order and selection, without a copy into Python
        columns = {name: arrow[name].to_pylist() for name in arrow.column_names}
    elif isinstance(table, (pa.Table, pa.RecordBatch)):
        columns = {name: table[name].to_pylist() for name in table.schema.names}
    elif hasattr(table, "columns") and hasattr(table, "to_dict"):  # pandas and polars
        columns = {str(name): list(table[name]) for name in table.columns}
    else:
        return None
    if len({len(values) for values in columns.values()}) > 1:
        lengths = ", ".join(f"{name!r}: {len(values)}" for name, values in columns.items())
        raise CollectionError(f"{argument}: its columns have different lengths ({lengths}).")
    return columns


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
