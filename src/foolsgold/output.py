"""The output folder: files appear whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil
import pyarrow as pa

from foolsgold.errors import CollectionError, FoolsgoldError, OutputError, SettingsError

SETTINGS_FILE = "settings.json"
_STAGING = ".foolsgold-partial-"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


class OutputFolder:
    """Collects the files of a run in a hidden folder inside the output folder, and moves them into place at the end.

    As a context manager: on an error or an interrupt the hidden folder is removed, and earlier output stays as it was.

    Args:
        path: the output folder; None keeps nothing on disk.

    Raises:
        SettingsError: the folder holds something that foolsgold did not write.
        OutputError: a file could not be written.
    """

    def __init__(self, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        self._staging: Path | None = None
        self._made_folder = False

    def __enter__(self) -> OutputFolder:
        if self.path is not None:
            check_output_folder(self.path)
            self._made_folder = not self.path.exists()
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                _remove_abandoned(self.path)
                self._staging = self.path / f"{_STAGING}{os.getpid()}"
                self._staging.mkdir()
            except OSError as error:
                raise OutputError(f"out: {self.path} cannot be written to ({error.strerror or error}).") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._staging is not None:
            shutil.rmtree(self._staging, ignore_errors=True)
            if self._made_folder and self.path is not None and not any(self.path.iterdir()):
                self.path.rmdir()
        if isinstance(error, OSError) and error.errno in _NO_ROOM and self.path is not None:
            raise OutputError(
                f"out: writing to {self.path} failed ({error.strerror or error}). Free some space or choose another "
                "folder; earlier output is untouched."
            ) from error

    def file(self, name: str) -> Path | None:
        """Where to write a file of this name until the run has ended; None where nothing is kept on disk."""
        return None if self._staging is None else self._staging / name

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a JSON file, indented, without NaN."""
        path = self.file(name)
        if path is not None:
            text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
            path.write_text(text + "\n", encoding="utf-8")

    def write_parquet(self, name: str, table: pa.Table) -> None:
        """Write a table."""
        import pyarrow.parquet as pq

        path = self.file(name)
        if path is not None:
            pq.write_table(table, path, compression="zstd")

    def publish(self, *, obsolete: tuple[str, ...] = ()) -> None:
        """Move everything into place, settings.json last, and remove files of an earlier choice."""
        if self._staging is None or self.path is None:
            return
        for name in sorted(os.listdir(self._staging), key=lambda name: (name == SETTINGS_FILE, name)):
            if (self._staging / name).is_dir():
                _remove(self.path / name)
            os.replace(self._staging / name, self.path / name)
        for name in obsolete:
            _remove(self.path / name)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_output_folder(path: Path) -> None:
    """Refuse a folder that holds something else.

    Raises:
        SettingsError: it is a file, or a folder that is not empty and has no settings.json of foolsgold's.
    """
    if path.exists() and not path.is_dir():
        raise SettingsError(f"out: {path} is a file. Give the path of a folder.")
    if not path.is_dir():
        return
    others = [name for name in os.listdir(path) if not name.startswith(_STAGING)]
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
        content["foolsgold"], content["settings"], content["collection"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
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


def _remove_abandoned(path: Path) -> None:
    """Remove what a run left that was killed before it could."""
    for staging in path.glob(f"{_STAGING}*"):
        pid = staging.name.removeprefix(_STAGING)
        if pid.isdigit() and (int(pid) == os.getpid() or not psutil.pid_exists(int(pid))):
            shutil.rmtree(staging, ignore_errors=True)
