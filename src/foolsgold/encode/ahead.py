"""Work done one step ahead of whoever uses it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(items: Iterable[Item], work: Callable[[Item], Result]) -> Iterator[Result]:
    """What `work` makes of each item, in order; a thread works on the next while the last is used.

    >>> list(ahead([1, 2, 3], lambda item: item * item))
    [1, 4, 9]
    """
    source = iter(items)

    def step() -> tuple[Result] | None:
        for item in source:
            return (work(item),)
        return None

    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        pending = thread.submit(step)
        while (done := pending.result()) is not None:
            pending = thread.submit(step)
            yield done[0]
