"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from foolsgold.collection.lines import numbered_lines
from foolsgold.collection.places import FilePath
from foolsgold.collection.rows import BadRow, Rows


def read_jsonl(path: FilePath) -> Rows:
    """Read `.jsonl` or `.jsonl.gz`, line by line."""
    return Rows(str(path), lambda number: f"{path}:{number}", _records(path))


def _records(path: FilePath) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    for number, line in numbered_lines(path):
        yield number, parse_line(line)


def parse_line(line: bytes) -> Mapping[str, Any] | BadRow:
    """The object that stands on a line."""
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        return BadRow(f"not valid UTF-8 (byte {error.start + 1} of the line).")
    except json.JSONDecodeError as error:
        return BadRow(f"malformed JSON ({error.msg} at column {error.colno}); it takes one JSON object a line.")
    except (RecursionError, ValueError) as error:  # nested too deeply, or a number of thousands of digits
        return BadRow(f"JSON that cannot be read ({error}).")
    if not isinstance(record, dict):
        return BadRow(f"a JSON {type(record).__name__}, not an object; it takes one JSON object a line.")
    return record
