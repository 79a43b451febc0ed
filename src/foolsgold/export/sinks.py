"""Kinds of files by their endings: how texts are rendered for them, and how batches become their bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from foolsgold.export.json_lines import BETWEEN_ROWS, as_json, json_items, json_lines
from foolsgold.export.plain_lines import in_one_line, plain_lines
from foolsgold.export.texts import Render
from foolsgold.file_hash import file_hash
from foolsgold.row_groups import ArrowStream, RowGroupWriter

Write = Callable[[pa.RecordBatch], Any]
Frame = tuple[str, str]
"""What stands before and after all rows."""

SAVED_DATASET = ("data-00000-of-00001.arrow", "state.json", "dataset_info.json")
"""The files of a folder that `datasets` saves."""

_ROWS_PER_GROUP = 16_384


class Sink(NamedTuple):
    """A kind of file: how texts are rendered, and what opens one to be written."""

    render: Render
    open: Callable[[Path, pa.Schema, Frame], AbstractContextManager[Write]]


@contextmanager
def _text_file(
    path: Path, schema: pa.Schema, frame: Frame, *, lines: Callable[[pa.RecordBatch], pa.Buffer]
) -> Iterator[Write]:
    with path.open("wb") as file:
        file.write(frame[0].encode())
        yield lambda batch: file.write(memoryview(lines(batch)))
        file.write(frame[1].encode())


@contextmanager
def _json_document(path: Path, schema: pa.Schema, frame: Frame) -> Iterator[Write]:
    start = frame[0].encode()
    with path.open("wb") as file:
        file.write(start)

        def write(batch: pa.RecordBatch) -> None:
            is_first = file.tell() == len(start)
            file.write(memoryview(json_items(batch))[len(BETWEEN_ROWS) if is_first else 0 :])

        yield write
        file.write(frame[1].encode())


@contextmanager
def _parquet_file(path: Path, schema: pa.Schema, frame: Frame) -> Iterator[Write]:
    with RowGroupWriter(path, schema, _ROWS_PER_GROUP) as writer:
        yield writer.write


@contextmanager
def _saved_dataset(path: Path, schema: pa.Schema, frame: Frame) -> Iterator[Write]:
    """The three files that `datasets.Dataset.save_to_disk` writes, for `load_from_disk`.

    They are written here, since that would take a copy of all rows, a progress bar, and a fingerprint that changes from
    run to run. Without a description of the columns it goes by those of the Arrow file.
    """
    path.mkdir()
    data, about, columns = (path / name for name in SAVED_DATASET)
    with RowGroupWriter(data, schema, _ROWS_PER_GROUP, ArrowStream) as writer:
        yield writer.write
    state: dict[str, Any] = {
        "_data_files": [{"filename": data.name}],
        "_fingerprint": file_hash(data)[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    about.write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    columns.write_text("{}\n", encoding="utf-8")


def _as_is(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    return texts


SINKS = {
    "jsonl": Sink(as_json, partial(_text_file, lines=json_lines)),
    "json": Sink(as_json, _json_document),
    "parquet": Sink(_as_is, _parquet_file),
    "dataset": Sink(_as_is, _saved_dataset),
    "tsv": Sink(in_one_line, partial(_text_file, lines=partial(plain_lines, separator="\t"))),
    "trec": Sink(in_one_line, partial(_text_file, lines=partial(plain_lines, separator=" "))),
}
