"""Decisions as they are made: a file to which lines are only ever added, on disk before the next pair is shown."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

from foolsgold.collection import LABELS
from foolsgold.errors import CollectionError, OutputError, SettingsError

DECISIONS_FILE = "decisions.jsonl"
ACTIONS = ("decide", "skip", "undo")


class Decision(NamedTuple):
    """One line.

    Attributes:
        decision: 1, 2, 3 …: of a pair that has several, the last one holds.
        query_id: of the pair.
        doc_id: of the pair.
        label: positive, negative or drop; None where a pair was skipped, or its decision undone.
        action: decide, skip or undo.
        by: what wrote it, such as desk, label-studio and argilla.
        at: when, in UTC.
    """

    decision: int
    query_id: str
    doc_id: str
    label: str | None
    action: str
    by: str
    at: str


class DecisionLog:
    """The decisions of an output folder, and a place for more.

    A line that was not written to its end, because the machine stopped, was acknowledged to nobody and is cut off when
    the next one is added.

    Args:
        path: decisions.jsonl, which need not be there.

    Attributes:
        decisions: all of them, in the order in which they were made.

    Raises:
        CollectionError: the file cannot be read, or a line is not what foolsgold writes, with its number.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None  # while nobody else may add
        self._read()

    def _read(self) -> None:
        lines = list(_whole_lines(self._path))
        self.decisions = [one for one, _ in lines]
        self._n_bytes = lines[-1][1] if lines else 0

    @contextmanager
    def locked(self) -> Iterator[DecisionLog]:
        """Nobody else can add decisions meanwhile; what others have added before is read.

        The system lets go of the lock when the process ends, however it ends.

        Raises:
            SettingsError: another process is adding decisions.
            OutputError: the file cannot be written to.
        """
        try:
            self._file = FileIO(self._path, "ab")
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written to ({error.strerror or error}).") from error
        try:
            _lock(self._file, self._path)
            self._read()
            self._end_last_line(self._file)
            yield self
        finally:  # an empty file stays: removing it could remove one that another process has just opened
            self._file.close()
            self._file = None

    def _end_last_line(self, file: FileIO) -> None:
        """Cut off what was not written to its end; end a line that was, and lost its end by hand."""
        file.truncate(self._n_bytes)
        if self._n_bytes and not _ends_a_line(self._path):
            self._n_bytes += file.write(b"\n")

    def add(
        self, query_id: str, doc_id: str, label: str | None, *, action: str = "decide", by: str = "desk"
    ) -> Decision:
        """Add a decision; when this returns, it is on disk. Raises as `add_all`."""
        return self.add_all([(query_id, doc_id, label)], action=action, by=by)[0]

    def add_all(
        self, pairs: list[tuple[str, str, str | None]], *, action: str | None = "decide", by: str = "desk"
    ) -> list[Decision]:
        """Add several decisions, (query_id, doc_id, label) each: all of them, or after an error none.

        Args:
            pairs: see above.
            action: of all; None: decide, and undo where there is no label.
            by: what wrote them.

        Raises:
            SettingsError: another process is adding decisions.
            OutputError: they could not be written.
        """
        if self._file is None:
            with self.locked():
                return self.add_all(pairs, action=action, by=by)
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        first = len(self.decisions) + 1
        actions = [action or ("undo" if label is None else "decide") for _, _, label in pairs]
        made = [Decision(first + place, *pairs[place], actions[place], by, at) for place in range(len(pairs))]
        lines = "".join(json.dumps(one._asdict(), ensure_ascii=False) + "\n" for one in made)
        self._write(self._file, lines.encode())
        self.decisions += made
        return made

    def _write(self, file: FileIO, lines: bytes) -> None:
        self._check_untouched(file)
        try:
            if file.write(lines) != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(file.fileno())
            if not self._n_bytes:
                _sync_folder(self._path.parent)
        except OSError as error:
            with suppress(OSError):
                file.truncate(self._n_bytes)
            raise OutputError(f"{self._path} could not be written to ({error.strerror or error}).") from error
        self._n_bytes += len(lines)

    def _check_untouched(self, file: FileIO) -> None:
        opened = os.fstat(file.fileno())
        try:
            untouched = os.path.samestat(opened, os.stat(self._path)) and opened.st_size == self._n_bytes
        except FileNotFoundError:
            untouched = False
        if not untouched:
            raise OutputError(
                f"{self._path} was changed, moved or removed by something else while it was in use. End this, see that "
                "the file is right, and start again."
            )

    @property
    def labels(self) -> dict[tuple[str, str], str | None]:
        """The label that holds for each pair, (query_id, doc_id), None where it is undecided; in order of decision."""
        return folded(self.decisions)


def folded(decisions: list[Decision]) -> dict[tuple[str, str], str | None]:
    """Of each pair the last label, in the order in which pairs came last."""
    labels: dict[tuple[str, str], str | None] = {}
    for one in decisions:
        labels.pop((one.query_id, one.doc_id), None)
        labels[one.query_id, one.doc_id] = one.label
    return labels


def read_decisions(path: Path) -> Iterator[Decision]:
    """The lines of a log that were written to their end.

    Raises:
        CollectionError: the file cannot be read, or a line is not what foolsgold writes, with its number.
    """
    return (one for one, _ in _whole_lines(path))


def _whole_lines(path: Path) -> Iterator[tuple[Decision, int]]:
    """Each decision, and how many bytes the file has up to there; none where there is no file."""
    n_bytes = 0
    try:
        with open(path, "rb") as file:
            for number, line in enumerate(file, start=1):
                n_bytes += len(line)
                try:
                    yield _read(line), n_bytes
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    if not line.endswith(b"\n"):
                        return
                    raise CollectionError(
                        f"{path}:{number}: not a decision that foolsgold writes ({_said(error)}). Mend the line, or "
                        "leave it out."
                    ) from error
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise CollectionError(f"{path}: {error.strerror or error}.") from error


def _read(line: bytes) -> Decision:
    fields: dict[str, Any] = json.loads(line)
    one = Decision(**{name: fields[name] for name in Decision._fields})
    if not isinstance(one.query_id, str) or not isinstance(one.doc_id, str):
        raise ValueError("query_id and doc_id are to be strings")
    _ = one.query_id.encode(), one.doc_id.encode()  # what is not valid Unicode raises here
    if one.label not in (None, *LABELS):
        raise ValueError(f"label {one.label!r:.40}; it takes {', '.join(LABELS)} or null")
    if one.action not in ACTIONS:
        raise ValueError(f"action {one.action!r:.40}; it takes {', '.join(ACTIONS)}")
    return one


def _said(error: Exception) -> str:
    return f"no {error.args[0]}" if isinstance(error, KeyError) else str(error)


def _lock(file: FileIO, path: Path) -> None:
    if sys.platform == "win32":  # has no such lock: take care not to open two desks there
        return
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingsError(
            f"{path} is in use: a review desk is open for this folder, or labels are being imported. End that first "
            "(Ctrl-C where it runs), or use it."
        ) from None
    except OSError as error:
        raise OutputError(f"{path} cannot be locked ({error.strerror or error}).") from error


def _ends_a_line(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() == b"\n"


def _sync_folder(folder: Path) -> None:
    """The name of a new file is on disk only with its folder."""
    if sys.platform == "win32":  # does so by itself
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
