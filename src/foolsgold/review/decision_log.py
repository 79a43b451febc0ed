"""Decisions as they are made: a file to which lines are only ever added, on disk before the next pair is shown."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

from foolsgold.collection import LABELS
from foolsgold.errors import CollectionError

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

    A line that was not written to its end, because the machine stopped, was acknowledged to nobody and is cut off.

    Args:
        path: decisions.jsonl, which need not be there.

    Raises:
        CollectionError: a line is not what foolsgold writes, with its number.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.decisions: list[Decision] = list(read_decisions(path)) if path.is_file() else []

    def add(
        self, query_id: str, doc_id: str, label: str | None, *, action: str = "decide", by: str = "desk"
    ) -> Decision:
        """Add a decision; when this returns, it is on disk."""
        return self.add_all([(query_id, doc_id, label)], action=action, by=by)[0]

    def add_all(
        self, pairs: list[tuple[str, str, str | None]], *, action: str = "decide", by: str = "desk"
    ) -> list[Decision]:
        """Add several decisions, (query_id, doc_id, label) each: all of them, or after an error none."""
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        first = len(self.decisions) + 1
        made = [Decision(first + place, *pair, action, by, at) for place, pair in enumerate(pairs)]
        lines = "".join(json.dumps(one._asdict(), ensure_ascii=False) + "\n" for one in made).encode()
        whole = _whole_bytes(self._path)
        with open(self._path, "ab") as file:
            try:
                file.truncate(whole)
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.truncate(self._path, whole)
                raise
        self.decisions += made
        return made

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
        CollectionError: a line is not what foolsgold writes, with its number.
    """
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                yield _read(line, f"{path}:{number}")


def _read(line: bytes, place: str) -> Decision:
    try:
        fields: dict[str, Any] = json.loads(line)
        one = Decision(**{name: fields[name] for name in Decision._fields})
        if one.label not in (None, *LABELS) or one.action not in ACTIONS:
            raise ValueError(f"label {one.label!r}, action {one.action!r}")
    except (ValueError, KeyError, TypeError) as error:
        raise CollectionError(
            f"{place}: not a decision that foolsgold writes ({error}). Mend the line, or leave it out."
        ) from error
    return one


def _whole_bytes(path: Path) -> int:
    """The length of the lines that were written to their end."""
    if not path.is_file():
        return 0
    content = path.read_bytes()
    return content.rfind(b"\n") + 1
