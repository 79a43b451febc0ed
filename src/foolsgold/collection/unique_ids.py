"""Ids that may stand only once, remembered by eight bytes each."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from hashlib import blake2b


class UniqueIds:
    """Tells on which line an id stands already.

    Args:
        id_at: the id of a row that was new, to tell ids apart whose hashes are equal.
    """

    def __init__(self, id_at: Callable[[int], str]) -> None:
        self._id_at = id_at
        self._hashes = array("Q")  # by row
        self._numbers = array("q")  # by row, the line it stands on
        self._seen: set[int] = set()
        self._row_of: dict[int, int] | None = None  # made for the first id that seems to stand twice

    def line_of(self, value: str, number: int) -> int | None:
        """The line on which an id stands already; None for a new one, whose line is remembered."""
        key = int.from_bytes(blake2b(value.encode(), digest_size=8).digest(), "little")
        if key in self._seen:
            row = self._rows()[key]
            if self._id_at(row) == value:
                return self._numbers[row]
        self._seen.add(key)
        if self._row_of is not None:
            self._row_of.setdefault(key, len(self._hashes))
        self._hashes.append(key)
        self._numbers.append(number)
        return None

    def _rows(self) -> dict[int, int]:
        if self._row_of is None:
            self._row_of = {}
            for row, key in enumerate(self._hashes):
                self._row_of.setdefault(key, row)
        return self._row_of
