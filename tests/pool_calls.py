"""What tests of pools run on workers: it stands in a module of its own, which workers can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foolsgold.cores import n_cores
from foolsgold.errors import SettingsError, TextError
from foolsgold.scale import Actor


def double(number: int) -> int:
    return 2 * number


def add(first: int, second: int) -> int:
    return first + second


def megabytes(n: int) -> NDArray[np.uint8]:
    return np.full(n * 1_000_000, n, np.uint8)


def fail_as(kind: str) -> None:
    if kind == "settings":
        raise SettingsError("negatives is 0; it takes a whole number from 1.")
    if kind == "text":
        raise TextError("has no words", row=3)
    raise KeyError("colour")


def die(_: object = None) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def slow_double(number: int, seconds: float, folder: str) -> int:
    """Says in a file that it has begun, and by which process."""
    begin(folder, number)
    time.sleep(seconds)
    return 2 * number


def begin(folder: str, number: int) -> None:
    path = Path(folder) / f"{number}.{time.monotonic_ns()}"
    path.with_suffix(".part").write_text(str(os.getpid()))
    path.with_suffix(".part").rename(f"{path}.pid")


def begun(folder: Path, number: int, *, seconds: float = 60) -> int:
    """Waits until a slow call has begun, and says in which process it did last."""
    end = time.monotonic() + seconds
    while not (files := sorted(folder.glob(f"{number}.*.pid"))):
        assert time.monotonic() < end, "the call did not begin"
        time.sleep(0.05)
    return int(files[-1].read_text())


def n_begun(folder: Path, number: int) -> int:
    return len(list(folder.glob(f"{number}.*.pid")))


def total_of(share: Actor[Share]) -> int:
    return int(share.result("total"))


def failure_of(share: Actor[Share]) -> None:
    share.result("fail_as", "settings")


def node_of(_: int) -> str:
    """Takes long enough for other nodes to be asked too."""
    import ray

    time.sleep(0.3)
    return str(ray.get_runtime_context().get_node_id())


class Large:
    def __init__(self, number: int) -> None:
        self._number = number

    def megabytes(self) -> NDArray[np.uint8]:
        return megabytes(self._number)


class Share:
    """Holds some numbers."""

    def __init__(self, numbers: list[int]) -> None:
        self._numbers = numbers

    def total(self) -> int:
        return sum(self._numbers)

    def plus(self, number: int) -> int:
        return sum(self._numbers) + number

    def slow_total(self, seconds: float, folder: str, number: int) -> int:
        begin(folder, number)
        time.sleep(seconds)
        return sum(self._numbers)

    def fail_as(self, kind: str) -> None:
        fail_as(kind)

    def where(self) -> tuple[int, int]:
        return os.getpid(), n_cores()

    def node(self) -> str:
        import ray

        return str(ray.get_runtime_context().get_node_id())


class Broken:
    def __init__(self, kind: str) -> None:
        fail_as(kind) if kind != "die" else die()

    def total(self) -> int:
        return 0

    def __call__(self, item: object) -> object:
        return item


class Doubling:
    """Doubles numbers, and is killed by itself while it doubles one of them for the first time."""

    def __init__(self, folder: str, deadly: int | None = None, seconds: float = 0) -> None:
        self._folder, self._deadly, self._seconds = Path(folder), deadly, seconds

    def __call__(self, number: int) -> int:
        if number < 0:
            fail_as("text" if number == -1 else "key")
        time.sleep(self._seconds)
        if number == self._deadly and not n_begun(self._folder, number):
            begin(str(self._folder), number)
            die()
        return 2 * number
