"""What is given as a file, a table or a list, item by item, each with the place where it stands; and its texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from foolsgold.collection.columns import columns_of, items_of
from foolsgold.collection.fields import check_text
from foolsgold.collection.files import read_rows
from foolsgold.collection.rows import BadRow
from foolsgold.errors import BadRowError, CollectionError
from foolsgold.export.colbert_files import plain_line

CONTENT = "content"  # of a document, as RAGatouille's CorpusProcessor makes it


def given_items(given: Any, argument: str, takes: str, *, quiet: bool) -> Iterator[tuple[str, Any]]:
    """`(place, item)` for each row of a file or table, or item of a list; a place is `file:17` or `argument[3]`.

    Raises:
        SettingsError: a file that is not there, or of an unknown type.
        CollectionError: something else, or a row that cannot be read.
    """
    if isinstance(given, (str, Path)):
        yield from _file_items(Path(given), argument, quiet=quiet)
        return
    columns = None if isinstance(given, Mapping) else columns_of(given, argument)
    if columns is not None:
        names = list(columns)
        items: Iterable[Any] = (dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True))
    elif isinstance(given, Mapping):
        raise CollectionError(f"{argument} is a {type(given).__name__}; it takes {takes}.")
    else:
        items = items_of(given, argument, takes)
    for number, item in enumerate(items):
        yield f"{argument}[{number}]", item


def _file_items(path: Path, argument: str, *, quiet: bool) -> Iterator[tuple[str, Any]]:
    rows = replace(read_rows(path, argument), show_progress=not quiet)
    try:
        for number, record in rows:
            if isinstance(record, BadRow):
                raise BadRowError(f"{rows.place(number)}: {record.problem} Mend it, or leave the line out.")
            yield rows.place(number), record
    except OSError as error:
        raise CollectionError(f"{path}: {error.strerror or error}.") from error


def field_of(record: Mapping[str, Any], names: Sequence[str], place: str, what: str) -> Any:
    """The first field there is of several that may hold it.

    Raises:
        BadRowError: none of them; says which there are.
    """
    return record[name_of(record, names, place, what)]


def name_of(record: Mapping[str, Any], names: Sequence[str], place: str, what: str) -> str:
    """The name of that field.

    Raises:
        BadRowError: as `field_of`.
    """
    for name in names:
        if name in record:
            return name
    there = ", ".join(f'"{name}"' for name in record) or "none"
    others = f" (or {', '.join(names[1:])})" if names[1:] else ""
    raise BadRowError(f'{place}: {what} needs a field "{names[0]}"{others}; the fields there are: {there}.')


def line_of(value: Any, what: str) -> str:
    """A text as it will stand on a line of a file.

    Raises:
        BadRowError: it is no string, or empty, as `check_text` says.
    """
    line = plain_line(check_text(value, what))
    if not line.strip():
        raise BadRowError(f"{what} is empty.")
    return line


def passages_of(value: Any, what: str) -> list[str]:
    """The passages that a field holds: a text, a dict with `content`, or a list of these.

    Raises:
        BadRowError: it is none of these.
    """
    if isinstance(value, Set):
        raise BadRowError(f"{what} is a {type(value).__name__}, whose order changes from run to run. Give a list.")
    if isinstance(value, (list, tuple)) or (hasattr(value, "tolist") and not isinstance(value, str)):  # or an array
        return [_passage(item, f"{what}[{number}]") for number, item in enumerate(value)]
    return [_passage(value, what)]


def _passage(value: Any, what: str) -> str:
    if isinstance(value, Mapping):
        if CONTENT not in value:
            there = ", ".join(f'"{name}"' for name in value) or "none"
            raise BadRowError(f'{what} is a dict without "{CONTENT}", which holds the text; its fields are: {there}.')
        value = value[CONTENT]
    return line_of(value, what)
