"""Tab-separated and comma-separated files, with a header line; and MS MARCO's, without.

`.tsv` is read as the field writes it (BEIR, MS MARCO): tabs separate, quotes are ordinary characters.
`.csv` follows RFC 4180: a field in double quotes may hold commas, quotes and line breaks.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from foolsgold.collection.columns import check_names
from foolsgold.collection.lines import numbered_lines, open_binary, whole_gzip
from foolsgold.collection.places import FilePath
from foolsgold.collection.rows import BadRow, Rows
from foolsgold.errors import CollectionError

_LONGEST_FIELD = 2**31 - 1  # the largest that Python's csv takes on every platform


def read_tsv(path: FilePath) -> Rows:
    """Read `.tsv` or `.tsv.gz`."""
    return Rows(str(path), lambda number: f"{path}:{number}", _tsv_records(path))


def read_csv(path: FilePath) -> Rows:
    """Read `.csv` or `.csv.gz`."""
    return Rows(str(path), lambda number: f"{path}:{number}", _csv_records(path))


def read_headerless_tsv(path: FilePath, layouts: Sequence[tuple[str, ...]]) -> Rows:
    """Read `.tsv` or `.tsv.gz` without a header.

    Args:
        path: the file.
        layouts: the names that fields may have; the number of fields in the first line says which.
    """
    return Rows(str(path), lambda number: f"{path}:{number}", _tsv_records(path, layouts))


def _tsv_records(
    path: FilePath, layouts: Sequence[tuple[str, ...]] = ()
) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    header: Sequence[str] | None = None
    for number, line in numbered_lines(path):
        try:
            fields = line.decode("utf-8").split("\t")
        except UnicodeDecodeError as error:
            yield number, BadRow(f"not valid UTF-8 (byte {error.start + 1} of the line).")
            continue
        if layouts and header is None:
            header = next((layout for layout in layouts if len(layout) == len(fields)), layouts[0])
        if header is None:
            header = _checked_header(fields, path)
        else:
            yield number, _record(header, fields)


def _csv_records(path: FilePath) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    with (
        whole_gzip(path),
        open_binary(path) as binary,
        io.TextIOWrapper(binary, encoding="utf-8-sig", errors="surrogateescape", newline="") as file,
        _long_fields(),
    ):
        reader = csv.reader(file, strict=True)
        header: list[str] | None = None
        while True:
            number = reader.line_num + 1
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if "unexpected end of data" in str(error):  # all that follows the quote is lost: no line to skip
                    raise CollectionError(f"{path}:{number}: a quote is opened here and never closed.") from error
                yield number, BadRow(f"malformed CSV ({error}).")
                continue
            if header is None:
                header = _checked_header(fields, path)
            elif fields:
                yield number, _record(header, fields)


def _checked_header(fields: list[str], path: FilePath) -> list[str]:
    """The names of the columns; those without a name, as spreadsheets leave at the end, may be several."""
    check_names([name for name in fields if name], str(path))
    return fields


def _record(header: Sequence[str], fields: list[str]) -> Mapping[str, Any] | BadRow:
    if len(fields) == len(header):
        return dict(zip(header, fields, strict=True))
    return BadRow(
        f"{len(fields)} fields where the header has {len(header)} ({', '.join(header)}); "
        "a text with tabs or line breaks needs .csv with quotes, or .jsonl."
    )


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
