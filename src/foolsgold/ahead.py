"""Stages at the same time: the next block is made, and the last one written, while one is worked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

Block = TypeVar("Block")


def ahead(blocks: Iterator[Block]) -> Iterator[Block]:
    """The same blocks in the same order, of which the next is made in a thread while the last one is used."""
    with ThreadPoolExecutor(1, thread_name_prefix="foolsgold-ahead") as thread:
        coming = thread.submit(next, blocks, None)
        while (block := coming.result()) is not None:
            coming = thread.submit(next, blocks, None)
            yield block


class Behind(Generic[Block]):
    """Hands blocks to `work` in a thread, in order, one waiting at most; a context manager, which waits for the last.

    What `work` raises is raised by the next call, or at the end.
    """

    def __init__(self, work: Callable[[Block], None]) -> None:
        self._work = work
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="foolsgold-behind")
        self._last: Future[None] | None = None

    def __enter__(self) -> Behind[Block]:
        return self

    def __call__(self, block: Block) -> None:
        """Wait until the block before this one is done, and go on while this one is."""
        if self._last is not None:
            self._last.result()
        self._last = self._thread.submit(self._work, block)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        if kind is None and self._last is not None:
            self._last.result()
