"""What runs a mining beyond one machine or its memory: shards in this process, or workers of a Ray cluster."""

from __future__ import annotations

from dataclasses import dataclass

from foolsgold.scale.pool import InProcessPool, Pool
from foolsgold.settings import MiningSettings


@dataclass(frozen=True)
class ShardEngine:
    """The corpus in shards, one after the other, in this process: for more than memory holds."""

    def pool(self, settings: MiningSettings) -> Pool:
        """This process."""
        return InProcessPool()


@dataclass(frozen=True)
class RayEngine:
    """Workers of a Ray cluster.

    Args:
        address: `local` (the default) starts Ray on this machine for the run; `auto` joins the cluster that this machine
            belongs to; `ray://HOST:10001` or `HOST:6379` one that is named.
        workers: how many hold the corpus and encode (default: one a GPU, else one a node).
        gpus_per_worker: of each, a share allowed (default: 1 where the cluster has GPUs, else 0).
    """

    address: str | None = None
    workers: int | None = None
    gpus_per_worker: float | None = None

    def pool(self, settings: MiningSettings) -> Pool:
        """Connect to the cluster, or start one."""
        raise NotImplementedError
