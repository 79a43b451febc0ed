"""Tables in shards: a folder with the name of the file, with 00000.parquet, 00001.parquet, … in it.

Whatever reads parquet opens such a folder as one table. In each shard stands how many there are, so that one that is
missing is missed; other files, which a reader of all files would trip over, are not needed.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.errors import SettingsError

QUERIES_STEP = 1_024  # the rows of a row group of candidates, which no shard cuts
_NAME = re.compile(r"(\d{5,})\.(\w+)")
_SHARDS_KEY = b"foolsgold.shards"  # in the schema's metadata: how many shards there are


@dataclass(frozen=True)
class ShardSizes:
    """After how many queries a file of an output ends and the next one begins, whatever the blocks.

    Shard i of every file is of the same queries.

    Attributes:
        queries: of a shard, a multiple of 1,024.

    Raises:
        SettingsError: it is none.
    """

    queries: int = 65_536

    def __post_init__(self) -> None:
        if self.queries < 1 or self.queries % QUERIES_STEP:
            raise SettingsError(f"queries is {self.queries!r}; a shard takes a multiple of {QUERIES_STEP:,} queries.")

    def count(self, n_queries: int) -> int:
        """How many shards so many queries make: one where there are none."""
        return max(1, -(-n_queries // self.queries))

    def cut(self, query_rows: NDArray[np.integer]) -> Iterator[tuple[int, slice]]:
        """The shard of each stretch of rows, shape (n,), by their queries, which ascend."""
        shards = query_rows // self.queries
        bounds = [*np.flatnonzero(np.diff(shards, prepend=-1)).tolist(), len(shards)]
        for start, stop in pairwise(bounds):
            yield int(shards[start]), slice(start, stop)


def shard_name(place: int, ending: str) -> str:
    """Of the shard with this number, from 0."""
    return f"{place:05d}.{ending}"


def is_shard(name: str, folder: str) -> bool:
    """Whether a file has the name of a shard of the table that the folder is."""
    found = _NAME.fullmatch(name)
    return found is not None and folder.endswith(f".{found[2]}") and name == shard_name(int(found[1]), found[2])


def is_there(path: Path) -> bool:
    """Whether there is such a file, or a folder with any shard of it."""
    return path.is_file() or (path.is_dir() and bool(_names(path)))


def shard_paths(path: Path) -> list[Path]:
    """The shards of a table in order, or the one file that it is.

    Names that begin with "_" or "." are passed over, as by other readers.

    Raises:
        OSError: there is none, one is missing, or something else lies among them.
    """
    if not path.is_dir():
        return [path]
    names = _names(path)
    others = sorted(file.name for file in path.iterdir() if file.name[0] not in "._" and file.name not in names)
    if others:
        raise OSError(f"{others[0]} lies among its shards")
    expected = [shard_name(place, path.suffix[1:]) for place in range(max(1, len(names)))]
    missing = [name for name in expected if name not in names]
    if missing:
        raise FileNotFoundError(f"shard {missing[0]} is missing")
    return [path / name for name in expected]


def sizes_of(path: Path) -> ShardSizes:
    """Those of a table with a row per query, which lies in shards.

    Raises:
        OSError: as `shard_paths`; or the first shard cannot be opened.
        pa.ArrowException: it is damaged.
    """
    import pyarrow.parquet as pq

    n_rows = pq.read_metadata(shard_paths(path)[0]).num_rows
    return ShardSizes(max(1, -(-n_rows // QUERIES_STEP)) * QUERIES_STEP)


def copy_table(source: Path, target: Path, copy: Callable[[Path, Path], Any]) -> None:
    """Copy a file, or each shard of a folder, which is made."""
    if not source.is_dir():
        copy(source, target)
        return
    target.mkdir()
    for name in sorted(_names(source)):
        copy(source / name, target / name)


def replace_table(new: Path, old: Path) -> None:
    """Move a file or a folder of shards to where an old one is."""
    if old.is_dir():
        shutil.rmtree(old)
    os.replace(new, old)


def _names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir() if is_shard(file.name, folder.name)}


def with_shard_count(schema: pa.Schema, n_shards: int) -> pa.Schema:
    """The schema for each of the shards."""
    return schema.with_metadata({**(schema.metadata or {}), _SHARDS_KEY: str(n_shards).encode()})


class ParquetShards:
    """A parquet file, or the shards of one, read as one file: their row groups are numbered on. A context manager.

    One shard is open at a time.

    Args:
        sources: `shard_paths`, or files opened.

    Attributes:
        num_rows: of all.
        names: of the columns that all have.

    Raises:
        OSError: a shard cannot be opened, or there were more.
        pa.ArrowException: one is damaged.
    """

    def __init__(self, sources: Sequence[Path | pa.NativeFile]) -> None:
        self._sources = sources
        self._open: tuple[int, Any] | None = None
        self.num_rows, self.names = 0, list[str]()
        firsts = [0]
        for place in range(len(sources)):
            file = self._file(place)
            firsts.append(firsts[-1] + file.num_row_groups)
            self.num_rows += file.metadata.num_rows
            names = file.schema_arrow.names
            self.names = [name for name in self.names if name in names] if place else names
            _check_count(file.schema_arrow, len(sources))
        self._firsts = np.array(firsts)

    def __enter__(self) -> ParquetShards:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._close()

    @property
    def num_row_groups(self) -> int:
        """Of all shards."""
        return int(self._firsts[-1])

    def read_row_group(self, group: int, columns: Sequence[str] | None = None) -> pa.Table:
        """As `pyarrow.parquet.ParquetFile.read_row_group`."""
        place = int(np.searchsorted(self._firsts, group, side="right")) - 1
        file = self._file(place)
        with self._naming(place):
            wanted = None if columns is None else list(columns)
            return file.read_row_group(group - int(self._firsts[place]), columns=wanted)

    def _file(self, place: int) -> Any:
        import pyarrow.parquet as pq

        if self._open is None or self._open[0] != place:
            self._close()
            with self._naming(place):
                self._open = place, pq.ParquetFile(self._sources[place])
        return self._open[1]

    def _close(self) -> None:
        if self._open is not None:
            self._open[1].close()
        self._open = None

    @contextmanager
    def _naming(self, place: int) -> Iterator[None]:
        """Name the shard that an error is of."""
        try:
            yield
        except (pa.ArrowInvalid, OSError) as error:
            if len(self._sources) == 1:
                raise
            raise pa.ArrowInvalid(f"{shard_name(place, 'parquet')}: {error}") from error


def _check_count(schema: pa.Schema, n_shards: int) -> None:
    told = (schema.metadata or {}).get(_SHARDS_KEY)
    if told is not None and int(told) != n_shards:
        raise FileNotFoundError(f"{int(told)} shards were written, and {n_shards} are there")
