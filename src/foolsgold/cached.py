"""What lies in the cache folder, and how it is made smaller."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foolsgold.cache_folder import (
    ABOUT_FILE,
    AUTO,
    CANDIDATES,
    CORPORA,
    ENCODERS,
    LISTS,
    MODELS,
    PARTIAL,
    VECTORS,
    default_cache_folder,
)
from foolsgold.errors import SettingsError

_ENTRY = re.compile(r"[0-9a-f]{32}")
_TABLES = r"(candidates|hidden_positives)\.parquet"
_OWN_FILES = re.compile(
    rf"about\.json|record\.json|description\.json|[0-9a-f]{{32}}\.safetensors|{_TABLES}|{_TABLES}/\d{{5,}}\.parquet"
    r"|[0-9a-f]{32}\.json|[0-9a-f]{32}-\d{5}(-[0-9a-f]{32})?(\.facts)?\.arrow"  # of a corpus in pieces
    rf"|({_TABLES}/)?\.[0-9a-f]{{32}}\{PARTIAL}"
)
_ABANDONED_SECONDS = 3600  # what is still being written after so long never will be whole
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Entry:
    """A folder of the cache.

    Attributes:
        kind: vectors, candidates, lists (what was found for blocks of queries), encoders (what was said of a model),
            models (as they were exported), or corpora (in pieces).
        path: where it lies.
        about: what was said of it when it was made; empty where that is lost.
        n_bytes: of its files.
        last_used: seconds since the epoch.
    """

    kind: str
    path: Path
    about: dict[str, Any]
    n_bytes: int
    last_used: float

    def remove(self) -> None:
        """Remove its files, and the folder if nothing else is in it; a run that uses it makes them again."""
        for path in _own_files(self.path, self.kind):
            if not _is_being_written(path):
                path.unlink(missing_ok=True)
        for folder in [*sorted((path for path in self.path.rglob("*") if path.is_dir()), reverse=True), self.path]:
            with suppress(OSError):  # not empty
                folder.rmdir()


def cache_to_look_at(setting: str) -> Path:
    """The folder that a setting names; it is not made.

    Raises:
        SettingsError: it is no folder.
    """
    folder = default_cache_folder() if setting == AUTO else Path(setting).expanduser()
    if setting != AUTO and not folder.is_dir():
        raise SettingsError(f"cache: {setting} is no folder. Give the one that was given to mine.")
    return folder


def entries(cache: Path) -> list[Entry]:
    """All that the cache holds, the last used first."""
    kinds = (VECTORS, CANDIDATES, LISTS, ENCODERS, MODELS, CORPORA)
    found = [entry for kind in kinds for entry in _entries(cache / kind, kind)]
    return sorted(found, key=lambda entry: (-entry.last_used, entry.path))


def prune(cache: Path, *, older_than_days: float | None = None, max_bytes: int | None = None) -> list[Entry]:
    """Remove what was not used for long, and of the rest what has no room, the last used having it first.

    It may be called while runs use the cache.

    Args:
        cache: the cache folder; files in it that are not the cache's own stay.
        older_than_days: since an entry was last used; None: of any age.
        max_bytes: that the rest may have; None: any number; -1: nothing has room.

    Returns:
        What was removed.
    """
    kept_bytes, removed, now = 0, [], time.time()
    for folder in cache.glob(f"{MODELS}/*{PARTIAL}"):
        if now - folder.stat().st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    for entry in entries(cache):
        too_old = older_than_days is not None and now - entry.last_used > older_than_days * _SECONDS_A_DAY
        if too_old or (max_bytes is not None and kept_bytes + entry.n_bytes > max_bytes):
            entry.remove()
            removed.append(entry)
        else:
            kept_bytes += entry.n_bytes
            _remove_abandoned(entry)
    return removed


def _entries(folder: Path, kind: str) -> Iterator[Entry]:
    for path in folder.iterdir() if folder.is_dir() else ():
        if _ENTRY.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            stats = [stat for file in _own_files(path, kind) if (stat := _stat(file)) is not None]
            about = _stat(path / ABOUT_FILE)
            used = about[1] if about is not None else max((time for _, time in stats), default=0.0)
            yield Entry(kind, path, _about(path), sum(size for size, _ in stats), used)


def _own_files(folder: Path, kind: str) -> list[Path]:
    """The cache's own; of an exported model, whatever its folder holds."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if kind == MODELS or _OWN_FILES.fullmatch(path.relative_to(folder).as_posix())]


def _about(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _stat(path: Path) -> tuple[int, float] | None:
    """Bytes and time; None where it was removed meanwhile."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_size, stat.st_mtime


def _is_being_written(path: Path) -> bool:
    stat = _stat(path) if path.name.endswith(PARTIAL) else None
    return stat is not None and time.time() - stat[1] < _ABANDONED_SECONDS


def _remove_abandoned(entry: Entry) -> None:
    """What killed runs left half written."""
    for path in _own_files(entry.path, entry.kind):
        if path.name.endswith(PARTIAL) and not _is_being_written(path):
            path.unlink(missing_ok=True)
