"""What runs a mining beyond one machine or its memory: shards in this process, or workers of a Ray cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Protocol

from foolsgold.errors import SettingsError
from foolsgold.scale.pool import InProcessPool, Pool
from foolsgold.settings import MiningSettings

_ADDRESS = re.compile(r"(ray://)?[^\s:/]+(:\d{1,5})?|(ray://)?\[[0-9a-fA-F:]+\]:\d{1,5}")


class Engine(Protocol):
    """Where a run is worked on: ShardEngine or RayEngine."""

    def pool(self, settings: MiningSettings) -> Pool:
        """Workers; a context manager."""
        ...


@dataclass(frozen=True)
class ShardEngine:
    """The corpus in shards, one after the other, in this process: for more than memory holds.

    >>> ShardEngine()
    ShardEngine()
    """

    def pool(self, settings: MiningSettings) -> Pool:
        """This process."""
        return InProcessPool()


@dataclass(frozen=True)
class RayEngine:
    """Workers of a Ray cluster; needs the extra `ray` here and on all nodes.

    Args:
        address: `local` starts Ray on this machine for the run; `auto` joins the cluster that this machine belongs to;
            `HOST:6379` does that for one that is named, and `ray://HOST:10001` comes from outside. The default is
            RAY_ADDRESS where that is set, and else `local`. A connection that the program has already is used.
        workers: how many hold the corpus and encode (default: one for each of the GPUs, or share of one; without GPUs
            one a node). Each may use the CPUs of the cluster divided by their number.
        gpus_per_worker: GPUs of each, a share such as 0.5 allowed (default: 1 where the cluster has GPUs, else 0).

    Raises:
        SettingsError: a value out of its range.

    >>> RayEngine("ray://head.example:10001", workers=16, gpus_per_worker=1)
    RayEngine(address='ray://head.example:10001', workers=16, gpus_per_worker=1)
    """

    address: str | None = None
    workers: int | None = None
    gpus_per_worker: float | None = None

    def __post_init__(self) -> None:
        if self.address is not None and not (isinstance(self.address, str) and _ADDRESS.fullmatch(self.address)):
            raise SettingsError(
                f"address is {self.address!r}; it takes local, auto, HOST:6379 or ray://HOST:10001 (--address)."
            )
        whole = isinstance(self.workers, Integral) and not isinstance(self.workers, bool)
        if self.workers is not None and not (whole and self.workers >= 1):
            raise SettingsError(f"workers is {self.workers!r}; it takes a whole number from 1 (--workers).")
        number = isinstance(self.gpus_per_worker, Real) and not isinstance(self.gpus_per_worker, bool)
        if self.gpus_per_worker is not None and not (number and 0 <= self.gpus_per_worker < 1e6):
            raise SettingsError(
                f"gpus_per_worker is {self.gpus_per_worker!r}; it takes a number from 0, such as 1 or 0.5 "
                "(--gpus-per-worker)."
            )

    def pool(self, settings: MiningSettings) -> Pool:
        """Connect to the cluster, or start one, and compare its versions with those here.

        Raises:
            MissingExtraError: the package ray is not installed.
            SettingsError: no cluster answers, it has too few GPUs, or a node runs other code.
        """
        from foolsgold.scale.ray_cluster import connect
        from foolsgold.scale.ray_pool import open_pool

        cluster = connect(self.address, settings)
        try:
            return open_pool(cluster, self.workers, self.gpus_per_worker)
        except BaseException:
            cluster.close()
            raise


def as_engine(engine: Any) -> Engine:
    """What was given as engine.

    Raises:
        SettingsError: it is none.
    """
    if isinstance(engine, (RayEngine, ShardEngine)):
        return engine
    raise SettingsError(f"engine is {engine!r}; it takes RayEngine(...), ShardEngine() or None.")
