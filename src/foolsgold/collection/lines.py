"""Lines of a text file, plain or gzipped, with their numbers."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from foolsgold.errors import CollectionError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def open_binary(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked where its name ends in `.gz`."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else path.open("rb")


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield `(line number from 1, line without its end)`, leaving out blank lines."""
    with whole_gzip(path), open_binary(path) as file:
        for number, line in enumerate(file, start=1):
            if number == 1:
                line = line.removeprefix(BYTE_ORDER_MARK)
            line = line.rstrip(b"\r\n")
            if line.strip():
                yield number, line


@contextmanager
def whole_gzip(path: Path) -> Iterator[None]:
    """Say which file it is that is cut off or no gzip at all."""
    try:
        yield
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise CollectionError(f"{path}: not a whole gzip file ({error}). Copy or download it again.") from error
