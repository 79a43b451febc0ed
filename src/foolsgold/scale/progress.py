"""Progress of a whole run in the driver: the stage, what is done of it, its rate, the time left, and the machines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, Protocol, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


class _Nodes(Protocol):
    @property
    def n_workers(self) -> int: ...

    @property
    def n_nodes(self) -> int: ...


class RunProgress:
    """A line on stderr for each stage of a run.

    Args:
        pool: whose workers and nodes it tells.
        quiet: tells nothing.
    """

    def __init__(self, pool: _Nodes, *, quiet: bool) -> None:
        self._pool = pool
        self._quiet = quiet

    @contextmanager
    def stage(self, name: str, *, total: int | None, unit: str) -> Iterator[tqdm[NoReturn]]:
        """The line of a stage, which `update` moves on; it stays when the stage is over."""
        with tqdm(desc=name, total=total, unit=unit, disable=self._quiet, file=sys.stderr, mininterval=0.5) as line:
            line.set_postfix(self._machines(), refresh=False)
            yield line

    def over(self, results: Iterable[Item], name: str, *, total: int | None, unit: str) -> Iterator[Item]:
        """Results as they are, each a step of a stage; how many machines there are is looked up now and then."""
        with self.stage(name, total=total, unit=unit) as line:
            for result in results:
                if line.update():  # it was drawn
                    line.set_postfix(self._machines(), refresh=False)
                yield result

    def _machines(self) -> dict[str, Any]:
        return {"workers": self._pool.n_workers, "nodes": self._pool.n_nodes}
