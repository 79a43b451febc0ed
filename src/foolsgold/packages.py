"""Which versions of other packages are installed: each is looked up once, since that reads files."""

from __future__ import annotations

from functools import cache
from importlib import metadata


@cache
def installed_version(package: str) -> str | None:
    """As its metadata says; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
