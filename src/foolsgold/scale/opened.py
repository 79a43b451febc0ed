"""Files that a process has open: mapped once, however often they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MOST_OPEN = 128  # far below the 1,024 files that a process may usually have open


class State(NamedTuple):
    """Changes with a file: another of the same name is not taken for it."""

    inode: int
    n_bytes: int
    changed_ns: int


def state_of(path: Path) -> State:
    """A file's state now.

    Raises:
        FileNotFoundError: it is gone.
    """
    stat = path.stat()
    return State(stat.st_ino, stat.st_size, stat.st_mtime_ns)


def opened(path: Path, how: Callable[[Path], NDArray[Any]]) -> NDArray[Any]:
    """What `how` maps of a file, which is only called when the file is not open yet, or has changed.

    Raises:
        FileNotFoundError: it is gone.
    """
    return _opened(path, state_of(path), how)


def mapped(path: Path) -> NDArray[Any]:
    """The mapped content of a `.npy` file of this package's own.

    Raises:
        FileNotFoundError: it is gone.
    """
    return opened(path, _mapped)


@lru_cache(_MOST_OPEN)
def _opened(path: Path, state: State, how: Callable[[Path], NDArray[Any]]) -> NDArray[Any]:
    return how(path)


def _mapped(path: Path) -> NDArray[Any]:
    return np.lib.format.open_memmap(path, mode="r")
