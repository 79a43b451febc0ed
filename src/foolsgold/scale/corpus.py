"""A corpus in pieces: files of consecutive documents, read by row from any process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection.collection import CORPUS_SCHEMA
from foolsgold.collection.places import RemotePath, located
from foolsgold.errors import CollectionError
from foolsgold.gather import gathered_ascending

FACTS_SCHEMA = pa.schema(
    [
        ("doc_id", pa.large_string()),
        ("id_key", pa.uint64()),
        ("text_key", pa.uint64()),
        ("joined_key", pa.uint64()),
        ("text_hash", pa.binary(16)),
        ("title_length", pa.int32()),
        ("number", pa.int64()),
    ]
)
"""What is known of each document of a piece without its texts.

`id_key` finds ids that stand twice; `text_key` and `joined_key` are those of `document_text_keys`; `text_hash` is that
of title and text together, by which vectors are cached; `number` is that of the row or line in its stretch of a file.
"""
BATCH_ROWS = 4096
"""Documents in a batch of a piece: what is fetched at once from far away."""
_ENDING = ".arrow"
_KEPT_OPEN = 64  # pieces, a process


@dataclass(frozen=True)
class Piece:
    """Consecutive documents in a file of Arrow IPC, with the columns of CORPUS_SCHEMA; beside it lie its facts.

    Attributes:
        path: a path, or a URI.
        n_rows: documents.
    """

    path: str
    n_rows: int

    @property
    def facts_path(self) -> str:
        """The file with the columns of FACTS_SCHEMA."""
        return facts_path(self.path)


@dataclass(frozen=True)
class Corpus:
    """Where the documents lie, in order; small, so that it can be sent to any process that sees the files.

    Files are mapped, not read, where they lie on a file system; each process keeps the last ones open.

    Attributes:
        pieces: one after the other.
        n_documents: N.
    """

    pieces: tuple[Piece, ...]
    n_documents: int

    @classmethod
    def of(cls, pieces: Sequence[Piece]) -> Corpus:
        """Of pieces in order."""
        return cls(tuple(piece for piece in pieces if piece.n_rows), sum(piece.n_rows for piece in pieces))

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """The row at which each piece begins, and N; shape (pieces + 1,)."""
        return np.cumsum([0, *(piece.n_rows for piece in self.pieces)]).astype(np.int64)

    def read(self, start: int, stop: int, columns: Sequence[str] = tuple(CORPUS_SCHEMA.names)) -> pa.Table:
        """The documents from one row up to another.

        Raises:
            CollectionError: a piece is gone or damaged.
        """
        first, last = self._pieces_at(start), self._pieces_at(max(stop - 1, start))
        parts = [
            _opened(piece.path).rows(max(start - begin, 0), min(stop - begin, piece.n_rows), columns)
            for piece, begin in zip(self.pieces[first : last + 1], self.starts[first:].tolist(), strict=False)
        ]
        return pa.concat_tables(parts) if parts else _empty(columns)

    def take(self, rows: NDArray[np.int64], columns: Sequence[str] = tuple(CORPUS_SCHEMA.names)) -> pa.Table:
        """The documents in some rows, ascending.

        Raises:
            CollectionError: a piece is gone or damaged.
        """
        cuts = np.searchsorted(rows, self.starts)
        parts = [
            _opened(self.pieces[number].path).take(rows[cuts[number] : cuts[number + 1]] - self.starts[number], columns)
            for number in np.flatnonzero(np.diff(cuts))
        ]
        return pa.concat_tables(parts) if parts else _empty(columns)

    def facts(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Columns of FACTS_SCHEMA, piece by piece."""
        return (_opened(piece.facts_path).whole(columns) for piece in self.pieces)

    def fact(self, name: str) -> pa.ChunkedArray:
        """One column of FACTS_SCHEMA, of all documents; mapped as the texts are."""
        chunks = [chunk for table in self.facts([name]) for chunk in table[name].chunks]
        return pa.chunked_array(chunks, FACTS_SCHEMA.field(name).type)

    def _pieces_at(self, row: int) -> int:
        return int(np.searchsorted(self.starts, row, "right")) - 1


def facts_path(path: str) -> str:
    """Where the facts lie of a piece that lies there."""
    place, mark, options = path.partition("?")
    return f"{place.removesuffix(_ENDING)}.facts{_ENDING}{mark}{options}"


def _empty(columns: Sequence[str]) -> pa.Table:
    return pa.schema([field for field in CORPUS_SCHEMA if field.name in columns]).empty_table()


class _OpenFile:
    """A file of Arrow IPC: mapped, or, where it lies far away, read as batches of BATCH_ROWS are needed."""

    def __init__(self, path: str) -> None:
        self._path = path
        place = located(path)
        self._is_far = isinstance(place, RemotePath)
        with self._readable():
            self._source = place.open_for_arrow() if isinstance(place, RemotePath) else pa.memory_map(str(place))
            self._reader = pa.ipc.open_file(self._source)
            self._mapped = None if self._is_far else self._reader.read_all()  # nothing is read of it yet

    def whole(self, columns: Sequence[str]) -> pa.Table:
        """All rows."""
        if self._mapped is not None:
            return self._mapped.select(list(columns))
        return self._fetched(range(self._reader.num_record_batches), columns)

    def rows(self, start: int, stop: int, columns: Sequence[str]) -> pa.Table:
        """Those from one up to another."""
        if stop <= start:
            return self._reader.schema.empty_table().select(list(columns))
        begin, table = self._around(start, stop, columns)
        return table.slice(start - begin, stop - start)

    def take(self, rows: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
        """Some, ascending, at least one."""
        if self._mapped is not None:
            return _gathered(self._mapped.select(list(columns)), rows)
        cuts = np.searchsorted(rows // BATCH_ROWS, np.unique(rows // BATCH_ROWS))
        parts = []
        for part in np.split(rows, cuts[1:]):
            begin, table = self._around(int(part[0]), int(part[-1]) + 1, columns)
            parts.append(_gathered(table, part - begin))
        return pa.concat_tables(parts)

    def _around(self, start: int, stop: int, columns: Sequence[str]) -> tuple[int, pa.Table]:
        """The batches that hold the rows, and the row at which they begin."""
        if self._mapped is not None:
            return 0, self._mapped.select(list(columns))
        first, last = start // BATCH_ROWS, (stop - 1) // BATCH_ROWS
        return first * BATCH_ROWS, self._fetched(range(first, last + 1), columns)

    def _fetched(self, batches: Sequence[int], columns: Sequence[str]) -> pa.Table:
        wanted = [self._reader.schema.names.index(name) for name in columns]
        with self._readable():
            reader = pa.ipc.open_file(self._source, options=pa.ipc.IpcReadOptions(included_fields=wanted))
            return pa.Table.from_batches([reader.get_batch(number) for number in batches]).select(list(columns))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (pa.ArrowInvalid, OSError) as error:
            raise CollectionError(
                f"{self._path}: a piece of the corpus, which is kept in the cache, cannot be read ({error}). "
                "Run again: what is gone is read anew; what is damaged has to be removed first."
            ) from error


def _gathered(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    return pa.table([gathered_ascending(column, rows) for column in table.columns], schema=table.schema)


_opened = lru_cache(maxsize=_KEPT_OPEN)(_OpenFile)
