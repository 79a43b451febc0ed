"""`foolsgold cache`: the cache as a table, and what pruning did, in lines for a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from foolsgold.cache_folder import CANDIDATES, CORPORA, VECTORS
from foolsgold.cached import Entry, cache_to_look_at, entries, prune
from foolsgold.errors import SettingsError
from foolsgold.size import parse_size

_COLUMNS = ("what", "model", "side", "prompt", "precision", "type", "dimensions", "texts", "size", "last used")
_RIGHT = {"dimensions", "texts", "size"}


def list_lines(cache: str) -> list[str]:
    """A line for each entry, and the total.

    Raises:
        SettingsError: there is no such folder.
    """
    folder = cache_to_look_at(cache)
    found = entries(folder)
    return [*(_table([_row(entry) for entry in found]) if found else []), _total(folder, found)]


def prune_lines(
    cache: str, *, older_than: float | None = None, max_size: str | None = None, everything: bool = False
) -> list[str]:
    """Remove, and say what; then what is left.

    Raises:
        SettingsError: there is no such folder, or nothing says what to remove.
    """
    if older_than is None and max_size is None and not everything:
        raise SettingsError("prune takes --older-than DAYS, --max-size SIZE, or --all: what is to be removed?")
    if older_than is not None and not older_than >= 0:
        raise SettingsError(f"older_than is {older_than}; it takes a number of days from 0 on.")
    folder = cache_to_look_at(cache)
    max_bytes = None if max_size is None else parse_size(max_size, "max_size")
    removed = prune(folder, older_than_days=older_than, max_bytes=-1 if everything else max_bytes)
    freed = sum(entry.n_bytes for entry in removed)
    lines = _table([_row(entry) for entry in removed]) if removed else []
    return [*lines, f"removed: {len(removed):,} entries, {_size(freed)}", _total(folder, entries(folder))]


def _row(entry: Entry) -> dict[str, str]:
    about = entry.about
    row = {"what": entry.kind, "size": _size(entry.n_bytes), "model": str(about.get("model") or "?")}
    row["last used"] = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.last_used))
    if entry.kind == CANDIDATES:
        encoder = about.get("encoder") or {}
        row["model"] = str(encoder.get("name") or encoder.get("kind") or "no model")
    if entry.kind == CORPORA:
        row["model"] = str(about.get("corpus") or "made in Python")
    if entry.kind == VECTORS:
        n_texts, dimensions = _shape(entry.path)
        row |= {"side": str(about.get("side")), "type": str(about.get("vector_type")), "texts": f"{n_texts:,}"}
        row |= {"precision": str(about.get("precision") or ""), "dimensions": str(dimensions)}
        row["prompt"] = repr(about["prompt"]) if about.get("prompt") else ""
    return row


def _shape(folder: Path) -> tuple[int, int]:
    """Texts and dimensions of all chunks that can be read."""
    from safetensors import SafetensorError, safe_open

    from foolsgold.encode.vector_cache import chunk_files

    n_texts, dimensions = 0, 0
    for path in chunk_files(folder):
        with suppress(SafetensorError, OSError), safe_open(path, "numpy") as file:
            n_rows, dimensions = file.get_slice("vectors").get_shape()
            n_texts += n_rows
    return n_texts, dimensions


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    cells = [[_printable(row.get(name, "")) for name in _COLUMNS] for row in rows]
    widths = [max(map(len, column)) for column in zip(_COLUMNS, *cells, strict=True)]
    lines = []
    for line in (_COLUMNS, *cells):
        aligned = [
            cell.rjust(width) if name in _RIGHT else cell.ljust(width)
            for name, cell, width in zip(_COLUMNS, line, widths, strict=True)
        ]
        lines.append("  ".join(aligned).rstrip())
    return lines


def _total(folder: Path, found: Sequence[Entry]) -> str:
    return f"total: {_size(sum(entry.n_bytes for entry in found))} in {folder}"


def _size(n_bytes: int) -> str:
    for unit, power in (("GB", 9), ("MB", 6), ("KB", 3)):
        if n_bytes >= 10**power:
            return f"{n_bytes / 10**power:,.1f} {unit}"
    return f"{n_bytes} B"


def _printable(text: str) -> str:
    """Without what would move the cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)
