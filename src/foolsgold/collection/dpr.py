"""DPR's JSON: a list of questions with answers, positive_ctxs, negative_ctxs and hard_negative_ctxs.

Such files have gigabytes: records are parsed one by one, and no more than one is in memory.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from foolsgold.collection.builder import Example
from foolsgold.collection.fields import answers_of, field_in, text_in
from foolsgold.collection.lines import BYTE_ORDER_MARK, open_binary, whole_gzip
from foolsgold.collection.rows import BadRow, Rows
from foolsgold.collection.tevatron import passages_in
from foolsgold.errors import CollectionError

_CHARACTERS_AT_ONCE = 2**20
_BYTES_LOOKED_AT = 4096
_LONGEST_RECORD = 2**26  # characters; what has not ended by then is malformed
_WHITE_SPACE = re.compile(r"[ \t\r\n]*")
_IDS = ("passage_id", "psg_id")


def parse_dpr(record: Mapping[str, Any]) -> Example:
    """One question; passages that have ids keep them. Hard negatives come first, then the others.

    Raises:
        Problem: a missing field, passages that are no list of objects, or an id or a text that is none.
    """
    field_in(record, ("positive_ctxs",), "a question of DPR")
    positives, hard, others = (
        passages_in(record, name, _IDS, ids_needed=False)
        for name in ("positive_ctxs", "hard_negative_ctxs", "negative_ctxs")
    )
    answers = answers_of(record.get("answers"), "the question")
    return Example(text_in(record, ("question",), "the question"), positives, [*hard, *others], answers=answers)


def is_json_list(path: Path) -> bool:
    """Whether the first character is a [; a list may be one line of gigabytes, of which the beginning is read."""
    with whole_gzip(path), open_binary(path) as file:
        return file.read(_BYTES_LOOKED_AT).removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"[")


def read_json_list(path: Path) -> Rows:
    """Read `.json` or `.json.gz` that holds one list; a record's number is the line on which it begins."""
    return Rows(str(path), lambda number: f"{path}:{number}", _records(path))


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    try:
        with whole_gzip(path), open_binary(path) as binary, io.TextIOWrapper(binary, encoding="utf-8-sig") as file:
            yield from _items(_Scanner(file, path))
    except UnicodeDecodeError as error:
        raise CollectionError(f"{path}: not valid UTF-8 ({error.reason}). Save it as UTF-8.") from error


def _items(scanner: _Scanner) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
    scanner.take("[", "it takes a JSON list of questions")
    if scanner.next_is("]"):
        scanner.end()
        return
    while True:
        number = scanner.line
        record = scanner.value()
        known = isinstance(record, dict)
        yield number, record if known else BadRow(f"a JSON {type(record).__name__}, not an object.")
        if scanner.next_is("]"):
            scanner.end()
            return
        scanner.take(",", "records of the list need a comma between them, and a ] at the end")


class _Scanner:
    """Reads JSON values one after the other from a file, of which it keeps only what it has not parsed.

    Attributes:
        line: on which the next value begins, once white space was skipped.
    """

    def __init__(self, file: IO[str], path: Path) -> None:
        self.line = 1
        self._file = file
        self._path = path
        self._text = ""
        self._place = 0
        self._decoder = json.JSONDecoder()

    def next_is(self, character: str) -> bool:
        """Whether the next character, after white space, is this one."""
        while True:
            white = _WHITE_SPACE.match(self._text, self._place)
            self._skip(white.end() - self._place if white else 0)
            if self._place < len(self._text) or not self._read(_CHARACTERS_AT_ONCE):
                return self._text.startswith(character, self._place)

    def take(self, character: str, wanted: str) -> None:
        """Skip a character that must be there.

        Raises:
            CollectionError: another one is, or the file ends.
        """
        if not self.next_is(character):
            found = self._text[self._place : self._place + 1]
            raise self._malformed(
                f"{character!r} expected, {repr(found) if found else 'end of the file'} found: {wanted}"
            )
        self._skip(1)
        self.next_is(character)  # white space

    def end(self) -> None:
        """Skip the last character, after which only white space may follow.

        Raises:
            CollectionError: anything else does.
        """
        self._skip(1)
        self.next_is("")  # white space
        if found := self._text[self._place : self._place + 1]:
            raise self._malformed(f"{found!r} after the end of the list; a file holds one list")

    def value(self) -> Any:
        """The next value.

        Raises:
            CollectionError: malformed JSON.
        """
        size = _CHARACTERS_AT_ONCE
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._place)
                self._skip(end - self._place)
                return value
            except json.JSONDecodeError as error:
                waiting = len(self._text) - self._place
                if waiting > _LONGEST_RECORD or not self._read(size):
                    raise self._malformed(f"{error.msg}, in the record that begins here") from error
                size *= 2  # so that a long record is not tried again for each piece
            except (RecursionError, ValueError) as error:
                raise self._malformed(str(error)) from error

    def _skip(self, n: int) -> None:
        self.line += self._text.count("\n", self._place, self._place + n)
        self._place += n

    def _read(self, n: int) -> bool:
        more = self._file.read(n)
        self._text, self._place = self._text[self._place :] + more, 0
        return bool(more)

    def _malformed(self, what: str) -> CollectionError:
        return CollectionError(f"{self._path}:{self.line}: malformed JSON ({what}). Mend the file, or write it again.")
