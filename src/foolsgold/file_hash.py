"""A hash of a file's content."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

_BYTES_AT_ONCE = 2**20


def file_hash(path: Path) -> str:
    """32 hexadecimal digits, equal for equal content; the file is read a megabyte at a time."""
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(_BYTES_AT_ONCE):
            digest.update(block)
    return digest.hexdigest()
