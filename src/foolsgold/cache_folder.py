"""The cache folder: what a later run need not make again, each entry a folder of its own under a fingerprint."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from foolsgold.errors import OutputError, SettingsError

AUTO = "auto"  # the setting for the user's own cache folder
ABOUT_FILE = "about.json"  # says what lies in an entry; its time is when that was last used
PARTIAL = ".partial"  # ends the name of a file that is being written
VECTORS, CANDIDATES, ENCODERS, MODELS = "vectors", "candidates", "encoders", "models"
RUN_PREFIX = ".run-"  # of a folder that ends with the run, unless that is killed
CORPORA, LISTS = "corpora", "lists"  # documents in pieces; what was found for blocks of queries
_ATTEMPTS = 5  # another process may remove a folder as often as this between its making and a file in it

logger = logging.getLogger(__name__)


def default_cache_folder() -> Path:
    """Where the system keeps a user's caches: XDG_CACHE_HOME where it is set.

    Raises:
        RuntimeError: the user has no home folder.
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(named):
        return Path(named) / "foolsgold"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "foolsgold" / "Cache"
    return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "foolsgold"


def open_cache(setting: str | None, *, out: str | None = None) -> Path | None:
    """The folder that a setting names, made if it is not there; None for no cache.

    A default folder that cannot be written to is done without, with a warning.

    Args:
        setting: a folder, "auto", or None.
        out: the output folder.

    Raises:
        SettingsError: the name is empty, or the folder lies in that of the output.
        OutputError: a folder that was asked for cannot be written to.
    """
    if setting is None:
        return None
    _check_place(setting, out)
    try:
        folder = default_cache_folder() if setting == AUTO else Path(setting).expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        if setting != AUTO:
            raise OutputError(
                f"cache: {setting} cannot be written to ({reason}). Give a folder (--cache DIR), or --cache none."
            ) from error
        logger.warning("No cache: the user's folder for it cannot be written to (%s); --cache names another.", reason)
        return None
    return folder


def _check_place(setting: str, out: str | None) -> None:
    if not setting.strip():
        raise SettingsError(f"cache is {setting!r}; it takes a folder, {AUTO!r}, or None ('none' as a flag).")
    if setting != AUTO and out is not None and Path(setting).expanduser().resolve().is_relative_to(Path(out).resolve()):
        raise SettingsError(
            f"cache: {setting} lies in the output folder {out}, which a run replaces as a whole. Give another folder."
        )


def fingerprint_of(content: Mapping[str, Any]) -> str:
    """A hash of all that determines an entry; whatever JSON can hold."""
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


@cache
def code_fingerprint() -> str:
    """A hash of this package's own code: a version that is being worked on does not find what it made before."""
    folder, digest = Path(__file__).parent, blake2b(digest_size=16)
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return digest.hexdigest()


def mark_used(entry: Path, about: Mapping[str, Any]) -> None:
    """Note that an entry is used now; a new one gets its description."""
    try:
        os.utime(entry / ABOUT_FILE)
    except PermissionError:
        return  # another user's: its age is not ours to tell
    except FileNotFoundError:
        text = json.dumps(about, indent=2, ensure_ascii=False) + "\n"
        write_whole(entry / ABOUT_FILE, lambda file: file.write(text.encode()))


def write_whole(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file of the cache whole or not at all, its folder too.

    Args:
        path: where it is to be.
        write: writes it into an open file.

    Raises:
        OutputError: the disk is full, or the folder cannot be written to; what lay there before is untouched.
    """
    partial = path.with_name(f".{uuid.uuid4().hex}{PARTIAL}")  # no two processes share it
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("xb") as file:
                write(file)
                file.flush()
                os.fsync(file.fileno())  # so that no name stands for content that is not on the disk yet
            os.replace(partial, path)
            return
        except FileNotFoundError as error:  # pruned meanwhile
            if attempt == _ATTEMPTS:
                raise _not_written(path, error) from error
        except OSError as error:
            raise _not_written(path, error) from error
        finally:
            with suppress(OSError):
                partial.unlink()


def _not_written(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cache: writing to {path.parent} failed ({error.strerror or error}). Free some space (foolsgold cache prune), "
        "give another folder (--cache DIR), or go on without (--cache none). What the cache holds and earlier output "
        "are untouched."
    )
