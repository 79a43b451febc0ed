"""Lines whose fields are separated by a tab or a space, for loaders that know no quotes."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from foolsgold.export.json_lines import content, joined, number_texts

LINE_BREAKING = "[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029\\x00]"
"""A regular expression: the tab, whatever Python's `str.splitlines` breaks lines at, and NUL."""


def in_one_line(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Texts with a space for each character that would end a field or a line."""
    return pc.replace_substring_regex(texts, LINE_BREAKING, " ")


def plain_lines(batch: pa.RecordBatch, separator: str) -> pa.Buffer:
    """The lines of a batch, each with its end."""
    first, *others = (
        column if pa.types.is_large_string(column.type) else number_texts(column) for column in batch.columns
    )
    return content(joined(first, *(piece for column in others for piece in (separator, column)), "\n"))
