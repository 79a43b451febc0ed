"""Rows as the format readers hand them on, and the policy for those that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tqdm import tqdm

from foolsgold.errors import BadRowError
from foolsgold.settings import OnBadLine

MAX_EXAMPLES = 5


class BadRow(NamedTuple):
    """Why a row could not be read; stands in the stream where the row would."""

    problem: str


@dataclass(frozen=True, eq=False)
class Rows:
    """A stream of numbered records from one file or argument.

    `rows` yields `(number, record or BadRow)`; `place(number)` names the row in messages, such as `corpus.jsonl:17`.
    """

    name: str
    place: Callable[[int], str]
    rows: Iterable[tuple[int, Mapping[str, Any] | BadRow]]
    show_progress: bool = False

    def __iter__(self) -> Iterator[tuple[int, Mapping[str, Any] | BadRow]]:
        name = self.name.rpartition("/")[2]
        yield from tqdm(self.rows, f"read {name}", unit="row", delay=1, disable=not self.show_progress)


class Place(NamedTuple):
    """Where a row stands, for messages."""

    rows: Rows
    number: int

    def __str__(self) -> str:
        return self.rows.place(self.number)


@dataclass
class BadLines:
    """Raises on the first bad row, or counts them and remembers the first few."""

    policy: OnBadLine = "error"
    mend: str = "Mend it, or pass --on-bad-line skip (on_bad_line='skip') to count such lines and go on."
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, place: str, problem: str) -> None:
        """Report one bad row.

        Raises:
            BadRowError: unless the policy is to skip.
        """
        if self.policy == "error":
            raise BadRowError(f"{place}: {problem} {self.mend}")
        self.count += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"{place}: {problem}")

    def hint(self) -> str:
        """What was skipped, for the message of an error that it may have caused."""
        return f" ({self.count} bad lines were skipped, the first: {self.examples[0]})" if self.count else ""
