"""What Ray prints of processes and nodes that it lost: a line for a person, not a page for Ray's developers."""

from __future__ import annotations

import io
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TextIO

from tqdm import tqdm

_OF_RAY = re.compile(r"^(\x1b\[\d+m)?\(raylet\b")
_LOG_LINE = re.compile(rb"\[[\d-]+ [\d:,]+ [DIWE] \d+ \d+\] (\([\w ]+\) )?[\w./]+\.(cc|h):\d+: ")  # of its C++ part
_END_SECONDS = 1.0  # for the last lines; a process that outlives the run may hold the pipe open
_AGAIN = "what it had begun is done again"
_TOLD = {
    "low on memory": "a worker was ended since its node has too little memory left; " + _AGAIN + ". If that goes on, "
    "give each less: more --workers, on more nodes, or a smaller --memory",
    "worker died": f"a worker died; {_AGAIN}",
    "marked dead": f"a node was lost; {_AGAIN}",
}


@contextmanager
def ray_in_short() -> Iterator[None]:
    """For the command line, as long as a run on Ray takes: stdout is kept for the result, stderr for people."""
    with _without_log_lines(), redirect_stdout(RaySays(sys.stderr)):
        yield


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


@contextmanager
def _without_log_lines() -> Iterator[None]:
    """What the C++ part of Ray logs does not get to stderr: it has no other switch than one that it logs itself."""
    if not _is_of_process(sys.stderr):
        yield
        return
    terminal, (reading, writing) = os.dup(2), os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    passing = threading.Thread(target=_pass_on, args=(reading, terminal), daemon=True)
    passing.start()
    stderr = os.fdopen(os.dup(terminal), "w", buffering=1, encoding=sys.stderr.encoding, errors=sys.stderr.errors)
    try:
        with stderr, redirect_stderr(stderr):
            yield
    finally:
        os.dup2(terminal, 2)
        passing.join(_END_SECONDS)


def _is_of_process(stderr: TextIO) -> bool:
    """Whether it is the process's own, and not what a program put in its place."""
    try:
        return stderr.fileno() == 2
    except (AttributeError, OSError):
        return False


def _pass_on(reading: int, terminal: int) -> None:
    with os.fdopen(reading, "rb") as lines:
        for line in lines:
            if not _LOG_LINE.match(line):
                os.write(terminal, line)
