"""TREC qrels: `qid 0 docid relevance`, also without the 0, between tabs or spaces, and without a header."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from foolsgold.collection.lines import numbered_lines
from foolsgold.collection.places import FilePath
from foolsgold.collection.rows import BadRow, Rows

_FIELDS = {3: ("query_id", "doc_id", "score"), 4: ("query_id", "iteration", "doc_id", "score")}


def is_trec_qrels(path: FilePath) -> bool:
    """Whether the first line has three or four fields of which the last is a whole number: no header has."""
    line = next((line for _, line in numbered_lines(path)), b"")
    fields = _fields_of(line.decode("utf-8", errors="replace"))
    return len(fields) in _FIELDS and fields[-1].removeprefix("-").isdecimal()


def read_trec_qrels(path: FilePath) -> Rows:
    """Read judgements, in any text file, also `.gz`."""
    return Rows(str(path), lambda number: f"{path}:{number}", _records(path))


def _records(path: FilePath) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    for number, line in numbered_lines(path):
        try:
            fields = _fields_of(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            yield number, BadRow(f"not valid UTF-8 (byte {error.start + 1} of the line).")
            continue
        if len(fields) in _FIELDS:
            yield number, dict(zip(_FIELDS[len(fields)], fields, strict=True))
        else:
            yield number, BadRow(f"{len(fields)} fields; TREC qrels have four: query id, 0, document id, relevance.")


def _fields_of(line: str) -> list[str]:
    """Between tabs, which leave ids their spaces; where there are none, between spaces."""
    return line.split("\t") if "\t" in line else line.split()
