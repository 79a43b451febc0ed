"""The output folder: files appear whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from foolsgold.errors import CollectionError, FoolsgoldError, OutputError, SettingsError
from foolsgold.owner import OWNER_FILE, is_abandoned, mark_owned

SETTINGS_FILE = "settings.json"
_STAGING = ".foolsgold-partial"
_MOVING, _EARLIER = "moving", "earlier"  # in the hidden folder
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


class OutputFolder:
    """Collects the files of a run in a hidden folder inside the output folder, and moves them into place at the end.

    As a context manager: on an error or an interrupt the hidden folder is removed, and earlier output stays as it was.
    The hidden folder is also the lock: a second run into the same folder is refused while the first one lives.

    Args:
        path: the output folder; None keeps nothing on disk.
        check: refuses a folder that holds something else.
        argument: what the path is called in messages.

    Raises:
        SettingsError: the folder holds something that foolsgold did not write, or another run is writing to it.
        OutputError: a file could not be written.
    """

    def __init__(
        self, path: str | Path | None, *, check: Callable[[Path], None] | None = None, argument: str = "out"
    ) -> None:
        self.path = None if path is None else Path(path)
        self._check = check or check_output_folder
        self._argument = argument
        self._staging: Path | None = None
        self._made: list[Path] = []

    def __enter__(self) -> OutputFolder:
        if self.path is None:
            return self
        try:
            _recover(self.path)
            self._check(self.path)
            self._made = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
            self.path.mkdir(parents=True, exist_ok=True)
            self._staging = _lock(self.path, self._argument)
        except OSError as error:
            self._remove_made()
            raise OutputError(
                f"{self._argument}: {self.path} cannot be written to ({error.strerror or error})."
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._staging is not None:
            if not _has_files(self._staging / _EARLIER):  # else moving back failed, too: the next run tries again
                shutil.rmtree(self._staging, ignore_errors=True)
            self._remove_made()
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            raise OutputError(
                f"{self._argument}: writing to {self.path} failed ({error.strerror or error}). Free some space or "
                "choose another folder; earlier output is untouched."
            ) from error

    def file(self, name: str) -> Path | None:
        """Where to write a file of this name until the run has ended; None where nothing is kept on disk."""
        return None if self._staging is None else self._staging / name

    @property
    def scratch(self) -> Path | None:
        """The hidden folder, for files without a name that end with the run; None where nothing is kept on disk."""
        return self._staging

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file, indented, without NaN."""
        self.write_text(name, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a file of text."""
        path = self.file(name)
        if path is not None:
            path.write_text(text, encoding="utf-8")

    def write_parquet(self, name: str, table: pa.Table) -> None:
        """Write a table."""
        import pyarrow.parquet as pq

        path = self.file(name)
        if path is not None:
            pq.write_table(table, path, compression="zstd")

    def publish(self, *, obsolete: tuple[str, ...] = ()) -> None:
        """Move everything into place, and files of an earlier choice away; all of it, or after an error nothing."""
        if self._staging is None or self.path is None:
            return
        names = [name for name in os.listdir(self._staging) if name != OWNER_FILE]
        (self._staging / _MOVING).write_text(json.dumps(names), encoding="utf-8")
        earlier = self._staging / _EARLIER
        earlier.mkdir()
        try:
            for name in {*names, *obsolete}:
                if (self.path / name).exists():
                    os.replace(self.path / name, earlier / name)
            for name in names:
                os.replace(self._staging / name, self.path / name)
            os.replace(earlier, self._staging / "replaced")  # from here on, all is in place
        except BaseException:
            _roll_back(self.path, self._staging)
            raise

    def _remove_made(self) -> None:
        """Remove the folders that this run made, as far as they are empty."""
        with suppress(OSError):
            for folder in self._made:
                folder.rmdir()


def is_staging(name: str) -> bool:
    """Whether it is the name of the hidden folder in which a run collects its files."""
    return name == _STAGING


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _recover(path: Path) -> None:
    """Undo what a run left that was killed."""
    staging = path / _STAGING
    if staging.exists() and is_abandoned(staging):
        _roll_back(path, staging)
        shutil.rmtree(staging)


def _roll_back(path: Path, staging: Path) -> None:
    """Undo moves that did not come to their end, going by what is on disk."""
    earlier = staging / _EARLIER
    if not earlier.is_dir():
        return
    for name in json.loads((staging / _MOVING).read_text(encoding="utf-8")):
        if not (staging / name).exists() and (path / name).exists():
            os.replace(path / name, staging / name)
    for name in os.listdir(earlier):
        os.replace(earlier / name, path / name)


def _lock(path: Path, argument: str) -> Path:
    """Make the hidden folder, unless there is one."""
    staging = path / _STAGING
    try:
        staging.mkdir()
    except FileExistsError:
        raise SettingsError(
            f"{argument}: another run is writing to {path}. Wait for it, or choose another folder. If there is none, "
            f"remove {staging}."
        ) from None
    try:
        mark_owned(staging)
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return staging


def check_output_folder(path: Path) -> None:
    """Refuse a folder that holds something else.

    Raises:
        SettingsError: it is a file, or a folder that is not empty and has no settings.json of foolsgold's.
    """
    if path.exists() and not path.is_dir():
        raise SettingsError(f"out: {path} is a file. Give the path of a folder.")
    if not path.is_dir():
        return
    others = [name for name in os.listdir(path) if not is_staging(name)]
    if others and not _is_ours(path):
        raise SettingsError(
            f"out: the folder {path} holds something else ({', '.join(sorted(others)[:3])}). "
            "Give a new folder, an empty one, or one that foolsgold wrote before."
        )


def read_settings_file(path: Path) -> dict[str, Any]:
    """What settings.json of an output folder holds.

    Raises:
        SettingsError: there is no such folder, or it is no output of foolsgold.
        CollectionError: the file cannot be read.
    """
    file = path / SETTINGS_FILE
    if not file.is_file():
        what = "has no settings.json" if path.is_dir() else "does not exist"
        raise SettingsError(f"{path} {what}; it takes a folder that `foolsgold mine` wrote.")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        for part in ("settings", "collection", "encoder", "search"):
            if not isinstance(content[part], dict):
                raise TypeError(f"{part} is no object")
    except (ValueError, KeyError, TypeError) as error:
        raise CollectionError(
            f"{file} is not what foolsgold writes ({error}). Mine again into a new folder."
        ) from error
    return dict(content)


def _is_ours(path: Path) -> bool:
    try:
        read_settings_file(path)
    except FoolsgoldError:
        return False
    return True
