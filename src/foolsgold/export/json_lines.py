"""JSON lines of whole batches, the very bytes that `json.dumps(row, ensure_ascii=False)` would give for each row."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_ENCODER = json.JSONEncoder(ensure_ascii=False)
_QUOTE, _BACKSLASH, _FIRST_PRINTED = 0x22, 0x5C, 0x20


def as_json(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Each text as a JSON string; only those with a character to be escaped are looked at one by one."""
    escaped = _to_escape(texts)
    quoted = _concatenated('"', texts, '"')
    if not escaped.any():
        return quoted
    strings = [_ENCODER.encode(text) for text in texts.filter(pa.array(escaped)).to_pylist()]
    return pc.replace_with_mask(quoted, pa.array(escaped), pa.array(strings, pa.large_string()))


def json_lines(batch: pa.RecordBatch) -> pa.Buffer:
    """The lines of a batch whose texts are JSON strings already, each line with its end."""
    pieces: list[pa.Array | str] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        pieces += [", " if pieces else "{", f"{_ENCODER.encode(name)}: ", _values(column)]
    lines = _concatenated(*pieces, "}\n")
    return lines.buffers()[2][: _offsets(lines)[-1]]


def _values(column: pa.Array) -> pa.Array | str:
    """The JSON of each value."""
    if not pa.types.is_list(column.type):
        return column.cast(pa.large_string())
    items = column.cast(pa.list_(pa.large_string()))
    return _concatenated("[", pc.binary_join(items, pa.scalar(", ", pa.large_string())), "]")


def _concatenated(*pieces: pa.Array | str) -> pa.LargeStringArray:
    """Row by row; a string is the same for every row."""
    scalars = [pa.scalar(piece, pa.large_string()) if isinstance(piece, str) else piece for piece in pieces]
    return pc.binary_join_element_wise(*scalars, pa.scalar("", pa.large_string()))


def _to_escape(texts: pa.LargeStringArray) -> NDArray[np.bool_]:
    """Which texts have a quote, a backslash or a control character, shape (n,)."""
    offsets = _offsets(texts)
    content = np.frombuffer(texts.buffers()[2] or b"", np.uint8)[: offsets[-1]]
    special = np.flatnonzero((content < _FIRST_PRINTED) | (content == _QUOTE) | (content == _BACKSLASH))
    found = np.zeros(len(texts), np.bool_)
    found[np.searchsorted(offsets, special[special >= offsets[0]], side="right") - 1] = True
    return found


def _offsets(texts: pa.LargeStringArray) -> NDArray[np.int64]:
    """Where each text starts in the array's content, and where the last one ends; shape (n + 1,)."""
    offsets = np.frombuffer(texts.buffers()[1], np.int64)
    return offsets[texts.offset : texts.offset + len(texts) + 1]
