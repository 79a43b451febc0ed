"""Which stretch of which file a worker reads at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from foolsgold.cache_folder import fingerprint_of
from foolsgold.collection.files import READERS
from foolsgold.collection.jsonl import parse_line
from foolsgold.collection.lines import lines_between
from foolsgold.collection.parquet import opened_parquet, parquet_records
from foolsgold.collection.places import FilePath, Stat, stat_of
from foolsgold.collection.rows import BadRow
from foolsgold.errors import CollectionError

RANGE_BYTES = 128 * 2**20  # a minute's work, and a few hundred thousand passages; a billion are a few thousand such
_AT_ONCE = 16  # files that are looked at: far away each takes a few tenths of a second


@dataclass(frozen=True)
class FileRange:
    """A stretch of a file of documents.

    Attributes:
        path: of the file, absolute.
        stat: its size and time, so that what was read of an earlier file under this name is not taken for it.
        start: where the stretch begins: a byte of plain JSON lines, a row group of parquet, 0 of any other.
        stop: where it ends; None: at the file's end.
    """

    path: FilePath
    stat: Stat
    start: int = 0
    stop: int | None = None

    @property
    def fingerprint(self) -> str:
        """Of all that decides what stands in it."""
        return fingerprint_of({"path": str(self.path), "stat": self.stat, "range": [self.start, self.stop]})

    @property
    def is_parquet(self) -> bool:
        """Whether it counts row groups, and rows rather than lines."""
        return self.path.name.endswith(".parquet")

    def place(self, number: int) -> str:
        """A row of the file, in messages."""
        return f"{self.path}, row {number}" if self.is_parquet else f"{self.path}:{number}"

    def records(self) -> Iterator[tuple[int, Mapping[str, Any] | BadRow | None]]:
        """Numbered rows, from 1 in the stretch; None for a blank line.

        Raises:
            CollectionError: the file cannot be read.
        """
        if self.is_parquet:
            stop = self.start if self.stop is None else self.stop
            yield from parquet_records(self.path, range(self.start, stop))
        elif self.path.name.endswith(".jsonl"):
            for number, line in lines_between(self.path, self.start, self.stop):
                yield number, parse_line(line) if line.strip() else None
        else:
            reader = next(reader for ending, reader in READERS.items() if self.path.name.endswith(ending))
            yield from reader(self.path).rows


def ranges_of(files: Sequence[FilePath]) -> list[FileRange]:
    """The stretches of all files, in order.

    Raises:
        CollectionError: a file is not there, or is no parquet file.
    """
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return [part for parts in threads.map(_ranges_of_file, files) for part in parts]


def _ranges_of_file(path: FilePath) -> list[FileRange]:
    try:
        stat = stat_of(path)
    except OSError as error:
        raise CollectionError(f"{path}: {error.strerror or error}.") from error
    if path.name.endswith(".parquet"):
        cuts = _cuts_of_parquet(path)
    elif path.name.endswith(".jsonl"):
        cuts = [*range(0, stat.n_bytes, RANGE_BYTES), stat.n_bytes]
    else:  # what is packed cannot be entered in the middle, and a header stands at the top
        return [FileRange(path, stat)]
    return [FileRange(path, stat, start, stop) for start, stop in pairwise(cuts)]


def _cuts_of_parquet(path: FilePath) -> list[int]:
    """Row groups at which stretches begin, each of about so many bytes; and how many there are."""
    cuts, n_bytes = [0], 0
    with opened_parquet(path) as file:
        for group in range(file.num_row_groups):
            n_bytes += file.metadata.row_group(group).total_byte_size
            if n_bytes >= RANGE_BYTES:
                cuts.append(group + 1)
                n_bytes = 0
        if cuts[-1] != file.num_row_groups:
            cuts.append(file.num_row_groups)
    return cuts
