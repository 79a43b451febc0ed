"""JSON of whole batches, row by row the text that `json.dumps(row, ensure_ascii=False)` would give.

Only numbers with a fraction are written otherwise: with as many digits as tell a float32 from all others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_ENCODER = json.JSONEncoder(ensure_ascii=False)
_QUOTE, _BACKSLASH, _FIRST_PRINTED = 0x22, 0x5C, 0x20
BETWEEN_ROWS = ",\n"  # in a document that is one list


def as_json(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Each text as a JSON string; only those with a character to be escaped are looked at one by one."""
    escaped = _to_escape(texts)
    quoted = joined('"', texts, '"')
    if not escaped.any():
        return quoted
    strings = [_ENCODER.encode(text) for text in texts.filter(pa.array(escaped)).to_pylist()]
    return pc.replace_with_mask(quoted, pa.array(escaped), pa.array(strings, pa.large_string()))


def json_lines(batch: pa.RecordBatch) -> pa.Buffer:
    """The lines of a batch whose texts are JSON strings already, each line with its end."""
    return content(joined(*_object(batch.schema.names, batch.columns), "}\n"))


def json_items(batch: pa.RecordBatch) -> pa.Buffer:
    """Likewise the items of a JSON list, each with `BETWEEN_ROWS` before it."""
    return content(joined(BETWEEN_ROWS, *_object(batch.schema.names, batch.columns), "}"))


def joined(*pieces: pa.Array | str) -> pa.LargeStringArray:
    """Row by row; a string is the same for every row."""
    scalars = [pa.scalar(piece, pa.large_string()) if isinstance(piece, str) else piece for piece in pieces]
    return pc.binary_join_element_wise(*scalars, pa.scalar("", pa.large_string()))


def content(texts: pa.LargeStringArray) -> pa.Buffer:
    """The bytes of all texts, one after the other."""
    return texts.buffers()[2][: _offsets(texts)[-1]]


def number_texts(numbers: pa.Array) -> pa.LargeStringArray:
    """Numbers as JSON has them; those that may have a fraction always have a point or an exponent."""
    texts = numbers.cast(pa.large_string())
    return pc.replace_substring_regex(texts, r"^(-?\d+)$", r"\1.0") if pa.types.is_floating(numbers.type) else texts


def _object(names: Sequence[str], columns: Sequence[pa.Array]) -> list[pa.Array | str]:
    """The pieces of an object a row, without the bracket that closes it."""
    pieces: list[pa.Array | str] = []
    for name, column in zip(names, columns, strict=True):
        pieces += [", " if pieces else "{", f"{_ENCODER.encode(name)}: ", _values(column)]
    return pieces


def _values(column: pa.Array) -> pa.LargeStringArray:
    """The JSON of each value."""
    kind = column.type
    if pa.types.is_struct(kind):
        return joined(*_object([field.name for field in kind], column.flatten()), "}")
    if pa.types.is_map(kind):
        return _joined_lists("{", column.offsets, joined(column.keys, ": ", _values(column.items)), "}")
    if pa.types.is_list(kind):
        return _joined_lists("[", column.offsets, _values(column.values), "]")
    return column if pa.types.is_large_string(kind) else number_texts(column)


def _joined_lists(start: str, offsets: pa.Array, values: pa.LargeStringArray, end: str) -> pa.LargeStringArray:
    lists = pa.ListArray.from_arrays(offsets, values)
    return joined(start, pc.binary_join(lists, pa.scalar(", ", pa.large_string())), end)


def _to_escape(texts: pa.LargeStringArray) -> NDArray[np.bool_]:
    """Which texts have a quote, a backslash or a control character, shape (n,)."""
    offsets = _offsets(texts)
    characters = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[: offsets[-1]]
    special = np.flatnonzero((characters < _FIRST_PRINTED) | (characters == _QUOTE) | (characters == _BACKSLASH))
    found = np.zeros(len(texts), np.bool_)
    found[np.searchsorted(offsets, special[special >= offsets[0]], side="right") - 1] = True
    return found


def _offsets(texts: pa.LargeStringArray) -> NDArray[np.int64]:
    """Where each text starts in the array's content, and where the last one ends; shape (n + 1,)."""
    offsets = np.frombuffer(texts.buffers()[1], np.int64)
    return offsets[texts.offset : texts.offset + len(texts) + 1]
