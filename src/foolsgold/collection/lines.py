"""Lines of a text file, plain or gzipped, with their numbers."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from foolsgold.collection.places import FilePath
from foolsgold.errors import CollectionError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def open_binary(path: FilePath) -> IO[bytes]:
    """The file's bytes, unpacked where its name ends in `.gz`."""
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path if isinstance(path, Path) else path.open(), "rb"))
    return path.open("rb") if isinstance(path, Path) else path.open()


def numbered_lines(path: FilePath) -> Iterator[tuple[int, bytes]]:
    """Yield `(line number from 1, line without its end)`, leaving out blank lines."""
    return ((number, line) for number, line in lines_between(path) if line.strip())


def lines_between(path: FilePath, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield `(number from 1, line without its end)` of the lines that begin in a stretch of bytes, blank ones too."""
    end = math.inf if stop is None else stop
    with whole_gzip(path), open_binary(path) as file:
        if start:  # a line that begins before the stretch is none of it
            file.seek(start - 1)
            start += len(file.readline()) - 1
        for number, line in enumerate(file, start=1):
            if start >= end:
                return
            text = line.removeprefix(BYTE_ORDER_MARK) if start == 0 else line
            start += len(line)
            yield number, text.rstrip(b"\r\n")


@contextmanager
def whole_gzip(path: FilePath) -> Iterator[None]:
    """Say which file it is that is cut off or no gzip at all."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CollectionError(f"{path}: not a whole gzip file ({error}). Copy or download it again.") from error
