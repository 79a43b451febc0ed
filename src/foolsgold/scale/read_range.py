"""What a worker does of reading a corpus: a stretch of a file into pieces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from foolsgold.collection.lines import open_binary
from foolsgold.collection.places import FilePath, located
from foolsgold.collection.records import parse_document, parsed_or_bad
from foolsgold.collection.rows import MAX_EXAMPLES, BadRow
from foolsgold.errors import CollectionError, OutputError
from foolsgold.scale.corpus import Piece
from foolsgold.scale.pieces import Document, put_file, write_pieces
from foolsgold.scale.ranges import FileRange
from foolsgold.settings import OnBadLine


class BadPlace(NamedTuple):
    """A row that is no document: its number in the stretch, and why."""

    number: int
    problem: str


@dataclass
class RangeRead:
    """What a stretch of a file holds.

    Attributes:
        pieces: written.
        n_numbers: rows or lines, blank ones too.
        n_bad: rows that are no documents.
        bad: the first of them.
    """

    pieces: list[Piece] = field(default_factory=list)
    n_numbers: int = 0
    n_bad: int = 0
    bad: list[BadPlace] = field(default_factory=list)

    @classmethod
    def kept(cls, folder: FilePath, fingerprint: str) -> RangeRead | None:
        """What an earlier run has read; None where it has not, or where its files are gone."""
        try:
            with open_binary(folder / f"{fingerprint}.json") as file:
                said = json.loads(file.read())
            pieces = [Piece(str(folder / name), n_rows) for name, n_rows in said["pieces"]]
            bad = [BadPlace(*each) for each in said["bad"]]
            found = cls(pieces, int(said["n_numbers"]), int(said["n_bad"]), bad)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        whole = all(located(path).is_file() for piece in pieces for path in (piece.path, piece.facts_path))
        return found if whole else None

    def keep(self, folder: FilePath, fingerprint: str) -> None:
        """Note it beside the pieces, which are there by now: it says that they are all."""
        pieces = [(located(piece.path).name, piece.n_rows) for piece in self.pieces]
        said = {"pieces": pieces, "n_numbers": self.n_numbers, "n_bad": self.n_bad, "bad": self.bad}
        put_file(folder / f"{fingerprint}.json", lambda file: file.write(json.dumps(said).encode()))


@dataclass(frozen=True)
class RangeReader:
    """Reads stretches of files into pieces in a folder; it is sent to workers.

    Attributes:
        folder: of the pieces.
        on_bad_line: "error" ends a stretch at its first bad row, and keeps nothing of it.
    """

    folder: FilePath
    on_bad_line: OnBadLine

    def __call__(self, item: tuple[int, FileRange]) -> tuple[int, RangeRead | CollectionError]:
        """What one of many stretches holds, or why it cannot be read; with its number."""
        number, part = item
        try:
            return number, self._read(part)
        except CollectionError as error:
            return number, error
        except OutputError:
            raise
        except OSError as error:
            return number, CollectionError(f"{error.filename or part.path}: {error.strerror or error}.")

    def _read(self, part: FileRange) -> RangeRead:
        found = RangeRead()
        try:
            documents = self._documents(part, found)
            found.pieces = write_pieces(documents, lambda number: self.folder / f"{part.fingerprint}-{number:05}.arrow")
        except _BadRowFound:
            return found
        found.keep(self.folder, part.fingerprint)
        return found

    def _documents(self, part: FileRange, found: RangeRead) -> Iterator[tuple[int, Document]]:
        for number, record in part.records():
            found.n_numbers = number
            parsed = None if record is None else parsed_or_bad(record, parse_document)
            if isinstance(parsed, BadRow):
                found.n_bad += 1
                if found.n_bad <= MAX_EXAMPLES:
                    found.bad.append(BadPlace(number, parsed.problem))
                if self.on_bad_line == "error":
                    raise _BadRowFound
            elif parsed is not None:
                yield number, parsed


class _BadRowFound(Exception):
    pass
