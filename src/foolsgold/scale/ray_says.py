"""What Ray prints of processes and nodes that it lost: a line for a person, not a page for Ray's developers."""

from __future__ import annotations

import io
import re
from typing import TextIO

from tqdm import tqdm

_OF_RAY = re.compile(r"^(\x1b\[\d+m)?\(raylet\b")
_AGAIN = "what it had begun is done again"
_TOLD = {
    "low on memory": "a worker was ended since its node has too little memory left; " + _AGAIN + ". If that goes on, "
    "give each less: more --workers, on more nodes, or a smaller --memory",
    "worker died": f"a worker died; {_AGAIN}",
    "marked dead": f"a node was lost; {_AGAIN}",
}


class RaySays(io.TextIOBase):
    """Stands in for stdout, to which Ray prints: its lines become short ones on stderr, each said once.

    Ray's own words are in its logs. What others print goes to stderr as it is.

    Args:
        stderr: where people read.
    """

    def __init__(self, stderr: TextIO) -> None:
        self._stderr = stderr
        self._told: set[str] = set()
        self._ends_line = False  # of something that was not passed on

    def writable(self) -> bool:
        """It is there for nothing else."""
        return True

    def write(self, text: str) -> int:
        """One line, as `print` writes it, or the end of one."""
        if self._ends_line and text == "\n":
            self._ends_line = False
        elif _OF_RAY.match(text):
            self._ends_line = True
            self._tell(text)
        else:
            self._stderr.write(text)
        return len(text)

    def _tell(self, text: str) -> None:
        for heard, told in _TOLD.items():
            if heard in text and told not in self._told:
                self._told.add(told)
                tqdm.write(f"Ray: {told}.", file=self._stderr)

    def flush(self) -> None:
        """What was passed on."""
        self._stderr.flush()
