"""A command and all processes that it starts: seconds, processor seconds, and the most memory that each held."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

_EVERY_SECONDS = 0.2
_ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "TOKENIZERS_PARALLELISM": "false"}
_KINDS = {r"ray::Held": "holder or encoder", r"ray::": "task",
          r"\S*/(raylet|gcs_server) ": "Ray"}  # fmt: skip
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Peaks:
    """The most memory of one process, in bytes.

    Attributes:
        kind: what it does.
        anonymous: pages that are no file's, and not shared: what cannot be taken back.
        processor_seconds: until it was last looked at.
    """

    kind: str
    anonymous: int = 0
    processor_seconds: float = 0.0


@dataclass
class Measured:
    """What a command took.

    Attributes:
        seconds: by the clock.
        peaks: of each process.
        anonymous_together: the most that all processes held at once, in bytes.
    """

    seconds: float
    peaks: list[Peaks]
    anonymous_together: int

    @property
    def processor_seconds(self) -> float:
        """Of all its processes; the system counts for a parent only those that it waits for, as Ray does not."""
        return sum(one.processor_seconds for one in self.peaks)

    def most(self, kind: str) -> Peaks:
        """The most of a kind of process."""
        of_kind = [peaks for peaks in self.peaks if peaks.kind == kind]
        return Peaks(kind, max((one.anonymous for one in of_kind), default=0))

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        kinds = sorted({one.kind for one in self.peaks})
        return {
            "seconds": self.seconds, "processor_seconds": self.processor_seconds,
            "anonymous_together": self.anonymous_together,
            "peak_anonymous": {kind: self.most(kind).anonymous for kind in kinds},
            "processes": {kind: sum(one.kind == kind for one in self.peaks) for kind in kinds},
            "processor_seconds_of": {
                kind: sum(one.processor_seconds for one in self.peaks if one.kind == kind) for kind in kinds
            },
        }  # fmt: skip


def run_measured(command: Sequence[str], *, name: str) -> Measured:
    """Run a command to its end.

    Args:
        command: the program and its arguments.
        name: for a message, should it fail.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, env={**os.environ, **_ENVIRONMENT})
        watch = _Watch(process.pid)
        status = process.wait()
        seconds = time.perf_counter() - started
        watch.stop()
        if status:
            said.seek(0)
            raise SystemExit(f"{name} failed:\n{said.read()[-2_000:]}")
    return Measured(seconds, list(watch.peaks.values()), watch.together)


class _Watch:
    """Looks at a process and its descendants five times a second."""

    def __init__(self, pid: int) -> None:
        self.peaks: dict[int, Peaks] = {}
        self.together = 0
        self._root, self._ended = pid, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self.together = max(self.together, sum(self._look_at(pid) for pid in self._pids()))

    def _pids(self) -> list[int]:
        try:
            own = psutil.Process(self._root)
            return [self._root, *(child.pid for child in own.children(recursive=True))]
        except psutil.Error:
            return []

    def _look_at(self, pid: int) -> int:
        try:
            status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            ticks = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        except OSError:
            return 0
        anonymous = _kilobytes("RssAnon", status)
        kind = "driver" if pid == self._root else next((k for p, k in _KINDS.items() if re.match(p, command)), "other")
        peaks = self.peaks.setdefault(pid, Peaks(kind))
        if kind != "other" and peaks.kind in ("task", "other"):
            peaks.kind = kind  # a process has its name only once it works
        peaks.processor_seconds = (int(ticks[11]) + int(ticks[12])) / _TICKS
        peaks.anonymous = max(peaks.anonymous, anonymous)
        return anonymous


def _kilobytes(name: str, text: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def foolsgold(*arguments: str) -> list[str]:
    """The command line, by this Python."""
    return [sys.executable, "-c", "import sys; from foolsgold.cli import main; sys.exit(main())", *arguments]
