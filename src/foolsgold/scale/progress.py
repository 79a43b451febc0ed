"""Progress of a whole run in the driver: of each stage what is done, rate, time left, shards, and machines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, Protocol

from tqdm import tqdm


class _Nodes(Protocol):
    @property
    def n_workers(self) -> int: ...

    @property
    def n_nodes(self) -> int: ...


class StageLine:
    """The line of a stage on stderr.

    Args:
        bar: draws it.
        pool: whose workers and nodes it tells; they are looked up now and then.
        n_shards: of the stage.
        n_kept: shards that an earlier run has finished.
    """

    def __init__(self, bar: tqdm[NoReturn], pool: _Nodes, n_shards: int, n_kept: int) -> None:
        self._bar, self._pool = bar, pool
        self._n_shards, self._n_done = n_shards, n_kept
        self._told: dict[str, Any] = {}
        self._look()
        self._tell()

    def done(self, n_units: int, *, n_shards: int = 1) -> None:
        """So many units more are done, which were a shard, or several."""
        self._n_done += n_shards
        self._tell()
        if self._bar.update(n_units):  # it was drawn
            self._look()

    def _look(self) -> None:
        self._told = {} if self._bar.disable else {"workers": self._pool.n_workers, "nodes": self._pool.n_nodes}

    def _tell(self) -> None:
        self._bar.set_postfix({"shards": f"{self._n_done:,}/{self._n_shards:,}", **self._told}, refresh=False)


class RunProgress:
    """A line for each stage of a run.

    Args:
        pool: whose workers and nodes it tells.
        quiet: tells nothing.
    """

    def __init__(self, pool: _Nodes, *, quiet: bool) -> None:
        self._pool = pool
        self._quiet = quiet

    @contextmanager
    def stage(
        self, name: str, *, total: int, unit: str, n_shards: int, kept: tuple[int, int] = (0, 0)
    ) -> Iterator[StageLine]:
        """The line of a stage; it stays when the stage is over.

        Args:
            name: of the stage.
            total: units of it.
            unit: what they are.
            n_shards: in which they are done.
            kept: units and shards that an earlier run has finished.
        """
        with tqdm(
            desc=name, total=total, unit=unit, initial=kept[0], disable=self._quiet, file=sys.stderr, mininterval=0.5
        ) as bar:
            yield StageLine(bar, self._pool, n_shards, kept[1])
