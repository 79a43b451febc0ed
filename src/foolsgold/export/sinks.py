"""Kinds of files by their endings: how texts are rendered for them, and how batches become their bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa

from foolsgold.export.json_lines import BETWEEN_ROWS, as_json, json_items, json_lines
from foolsgold.export.plain_lines import in_one_line, plain_lines
from foolsgold.export.texts import Render
from foolsgold.file_hash import file_hash
from foolsgold.row_groups import ArrowStream, RowGroupWriter
from foolsgold.shard_writer import ShardWriter
from foolsgold.shards import shard_name, with_shard_count

Content: TypeAlias = "pa.RecordBatch | pa.Buffer"
"""Rows as they go into a file: bytes of text, or columns."""

Write = Callable[[Content], Any]
WriteShard = Callable[[Content, int], Any]
Frame = tuple[str, str]
"""What stands before and after all rows."""

SAVED_DATASET = ("data-00000-of-00001.arrow", "state.json", "dataset_info.json")
"""The files of a folder that `datasets` saves; of several shards, each has its number and that of all in its name."""

_ROWS_PER_GROUP = 16_384
_NO_FRAME = ("", "")


class Sink(NamedTuple):
    """A kind of file: how texts are rendered, and what makes of rows the content of one, and opens one to be written.

    `open_shards` opens a folder with so many shards instead, which joined in order have the same rows; None for a kind
    of which one file is not the beginning of another.
    """

    render: Render
    content: Callable[[pa.RecordBatch], Content]
    open: Callable[[Path, pa.Schema, Frame], AbstractContextManager[Write]]
    open_shards: Callable[[Path, pa.Schema, int], AbstractContextManager[WriteShard]] | None = None


@contextmanager
def _text_file(path: Path, schema: pa.Schema, frame: Frame) -> Iterator[Write]:
    with path.open("wb") as file:
        file.write(frame[0].encode())
        yield lambda lines: file.write(memoryview(lines))
        file.write(frame[1].encode())


@contextmanager
def _json_document(path: Path, schema: pa.Schema, frame: Frame) -> Iterator[Write]:
    start = frame[0].encode()
    with path.open("wb") as file:
        file.write(start)

        def write(items: pa.Buffer) -> None:
            is_first = file.tell() == len(start)
            file.write(memoryview(items)[len(BETWEEN_ROWS) if is_first else 0 :])

        yield write
        file.write(frame[1].encode())


@contextmanager
def _parquet_file(path: Path, schema: pa.Schema, frame: Frame) -> Iterator[Write]:
    with RowGroupWriter(path, schema, _ROWS_PER_GROUP) as writer:
        yield writer.write


@contextmanager
def _arrow_file(path: Path, schema: pa.Schema, frame: Frame) -> Iterator[Write]:
    with RowGroupWriter(path, schema, _ROWS_PER_GROUP, ArrowStream) as writer:
        yield writer.write


@contextmanager
def _shards(
    path: Path, schema: pa.Schema, n_shards: int, *, ending: str, open_file: Callable[..., Any]
) -> Iterator[WriteShard]:
    path.mkdir()
    paths = [path / shard_name(place, ending) for place in range(n_shards)]
    schema = with_shard_count(schema, n_shards)
    with ShardWriter[Content](paths, lambda shard: open_file(shard, schema, _NO_FRAME)) as writer:
        yield writer.write


@contextmanager
def _saved_dataset(path: Path, schema: pa.Schema, frame: Frame) -> Iterator[Write]:
    with _saved_shards(path, schema, 1) as write:
        yield lambda rows: write(rows, 0)


@contextmanager
def _saved_shards(path: Path, schema: pa.Schema, n_shards: int) -> Iterator[WriteShard]:
    """The files that `datasets.Dataset.save_to_disk` writes, for `load_from_disk`.

    They are written here, since that would take a copy of all rows, a progress bar, and a fingerprint that changes from
    run to run. Without a description of the columns it goes by those of the Arrow file.
    """
    path.mkdir()
    data = [path / f"data-{place:05d}-of-{n_shards:05d}.arrow" for place in range(n_shards)]
    with ShardWriter[Content](data, lambda shard: _arrow_file(shard, schema, _NO_FRAME)) as writer:
        yield writer.write
    hashes = [file_hash(shard) for shard in data]
    state: dict[str, Any] = {
        "_data_files": [{"filename": shard.name} for shard in data],
        "_fingerprint": (hashes[0] if len(hashes) == 1 else blake2b("".join(hashes).encode()).hexdigest())[:16],
        "_format_columns": None,
        "_format_kwargs": {},
        "_format_type": None,
        "_output_all_columns": False,
        "_split": None,
    }
    _, about, columns = SAVED_DATASET
    (path / about).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
    (path / columns).write_text("{}\n", encoding="utf-8")


def _texts_as_they_are(texts: pa.LargeStringArray) -> pa.LargeStringArray:
    return texts


def _columns(batch: pa.RecordBatch) -> Content:
    return batch


def _shards_of(ending: str, open_file: Callable[..., Any]) -> Callable[..., AbstractContextManager[WriteShard]]:
    return partial(_shards, ending=ending, open_file=open_file)


SINKS = {
    "jsonl": Sink(as_json, json_lines, _text_file, _shards_of("jsonl", _text_file)),
    "json": Sink(as_json, json_items, _json_document),
    "parquet": Sink(_texts_as_they_are, _columns, _parquet_file, _shards_of("parquet", _parquet_file)),
    "dataset": Sink(_texts_as_they_are, _columns, _saved_dataset, _saved_shards),
    "tsv": Sink(in_one_line, partial(plain_lines, separator="\t"), _text_file, _shards_of("tsv", _text_file)),
    "trec": Sink(in_one_line, partial(plain_lines, separator=" "), _text_file),
}

SHARDED_TYPES = frozenset(name for name, sink in SINKS.items() if sink.open_shards is not None)
"""File types that a sharded run writes as a folder of shards, where the format is one file."""
