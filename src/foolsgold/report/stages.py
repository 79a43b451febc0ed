"""Time and peak memory of each stage, worker processes included."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

_SAMPLE_SECONDS = 0.05
_PAUSE = 200  # times as long as a look took, which grows with the processes of the machine


class Stages:
    """Measures stages as they run: `with stages("encode"): …`."""

    def __init__(self) -> None:
        self.measured: list[dict[str, Any]] = []
        self._processes = _Processes()

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Measure one stage."""
        started = time.perf_counter()
        with _PeakMemory(self._processes) as peak:
            yield
        self.measured.append(
            {"stage": name, "seconds": round(time.perf_counter() - started, 3), "peak_memory_bytes": peak.n_bytes}
        )


class _Processes:
    """This process and its children, as they were when last looked for: that reads about all of the machine."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._children: list[psutil.Process] = []

    def look(self) -> None:
        """Find the children that there are now."""
        self._children = self._process.children(recursive=True)

    def resident_bytes(self) -> int:
        """What those take that are still there."""
        total = 0
        for process in (self._process, *self._children):
            try:
                total += process.memory_info().rss
            except psutil.Error:
                continue  # it has ended
        return total


class _PeakMemory:
    """Samples the resident memory of processes, up to 20 times a second; one that ends sooner may be missed."""

    def __init__(self, processes: _Processes) -> None:
        self.n_bytes = 0
        self._processes = processes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> _PeakMemory:
        self._sample()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        pause = _SAMPLE_SECONDS
        while not self._stop.wait(pause):
            started = time.perf_counter()
            self._processes.look()
            self._sample()
            pause = max(_SAMPLE_SECONDS, _PAUSE * (time.perf_counter() - started))

    def _sample(self) -> None:
        self.n_bytes = max(self.n_bytes, self._processes.resident_bytes())
