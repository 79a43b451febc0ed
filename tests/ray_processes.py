"""Ray's processes that this one started, and what is done to them while something else goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil


def processes(title: str, of: int | None = None) -> list[psutil.Process]:
    """Those whose title, as Ray sets it, begins so: descendants of a process, by default of this one."""
    found = []
    for process in psutil.Process(of).children(recursive=True):
        try:
            if "".join(process.cmdline()[:1]).startswith(title) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def kill_one(title: str) -> int:
    """Kill -9 the first that comes; its process."""
    (process, *_) = wait_for(lambda: processes(title), f"no process {title}")
    process.kill()
    return int(process.pid)


def wait_for(look: Callable[[], Any], missing: str, *, seconds: float = 120) -> Any:
    """What is found, as soon as there is something."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, missing
        time.sleep(0.005)
    return found


def are_gone(some: list[psutil.Process]) -> bool:
    """Whether all have ended; one that nobody has asked for its end has."""
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in some)


@contextmanager
def meanwhile(run: Callable[[], object]) -> Iterator[None]:
    """Run in a thread while the block does something to it; both must come to their end.

    The block is in the main thread: nodes that another one starts end with that thread.
    """
    errors: list[BaseException] = []

    def running() -> None:
        try:
            run()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=running, daemon=True)
    thread.start()
    try:
        yield
        assert thread.is_alive(), "the run ended before all was done to it"
    finally:
        thread.join(240)
        if errors:
            raise errors[0]
    assert not thread.is_alive(), "the run does not end"
