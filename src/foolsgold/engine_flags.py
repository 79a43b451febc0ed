"""The flags that say where a run is worked on, and the engine that they name."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from foolsgold.errors import SettingsError

if TYPE_CHECKING:
    from foolsgold.scale import RayEngine, ShardEngine

ENGINES = ("local", "shards", "ray")
_OF_RAY = {"address": "--address", "workers": "--workers", "gpus_per_worker": "--gpus-per-worker"}


def add_engine_flags(parser: argparse.ArgumentParser) -> None:
    """Add all flags that say where a run is worked on; whichever it is, the result is the same."""
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--engine", choices=ENGINES, default="local",
        help="local: this machine, with vectors in memory; shards: this machine, for more than its memory holds; ray: "
        "workers of a Ray cluster, or of one that is started here (default: local)",
    )  # fmt: skip
    group.add_argument(
        "--address", metavar="A",
        help="Ray: local starts one here; auto joins the one that this machine belongs to, HOST:6379 one that is "
        "named; ray://HOST:10001 comes from outside (default: RAY_ADDRESS, else local)",
    )  # fmt: skip
    group.add_argument(
        "--workers", type=int, metavar="N",
        help="Ray: how many hold the corpus and encode (default: one a GPU, without GPUs one a node)",
    )  # fmt: skip
    group.add_argument(
        "--gpus-per-worker", type=float, metavar="X",
        help="Ray: GPUs of each, such as 1 or 0.5 (default: 1 where there are GPUs, else 0)",
    )  # fmt: skip


def engine_of(options: argparse.Namespace) -> RayEngine | ShardEngine | None:
    """The engine that the flags name; None is this process with all in memory.

    Raises:
        SettingsError: flags of another engine, or a value out of its range.
    """
    given = {name: getattr(options, name) for name in _OF_RAY if getattr(options, name) is not None}
    if given and options.engine != "ray":
        flags = " and ".join(_OF_RAY[name] for name in given)
        raise SettingsError(f"{flags} {'says' if len(given) == 1 else 'say'} how Ray runs; add --engine ray.")
    if options.engine == "local":
        return None
    from foolsgold.scale import RayEngine, ShardEngine

    return RayEngine(**given) if options.engine == "ray" else ShardEngine()
