"""How much memory there is for blocks, where a limit was set."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

import psutil

from foolsgold.errors import SettingsError
from foolsgold.settings import MiningSettings
from foolsgold.size import parse_size

_CANDIDATE_BYTES = 1_000  # that filtering and choosing take for each of a block, at most
_LEAST_BYTES = 64_000_000  # with less for its blocks, work would take many times as long


def free_bytes(limit: str | None) -> int | None:
    """What the limit leaves beside that which is in use now, files that are mapped apart; None without a limit.

    Raises:
        SettingsError: too little to work with.
    """
    if limit is None:
        return None
    n_bytes, used = parse_size(limit, "memory"), _used_bytes()
    if n_bytes - used < _LEAST_BYTES:
        give_back()
        used = _used_bytes()
    if n_bytes - used < _LEAST_BYTES:
        raise SettingsError(
            f"memory is {limit}, of which {used / 1e6:,.0f} MB are taken before any work is done (libraries, model, "
            f"queries). Give at least {(used + _LEAST_BYTES) / 1e6:,.0f}MB (--memory), or leave it out."
        )
    return n_bytes - used


def block_queries(settings: MiningSettings, *, more_bytes: int = 0) -> int:
    """How many queries are handled at once: `block_size`, or fewer where memory is short.

    Args:
        settings: limit and depth.
        more_bytes: that each candidate takes beside what filtering and choosing do.
    """
    free = free_bytes(settings.memory)
    if free is None:
        return settings.block_size
    of_query = (_CANDIDATE_BYTES + more_bytes) * settings.depth
    return max(1, min(settings.block_size, free // 4 // of_query))


def give_back() -> None:
    """Hand pages to the system that earlier stages have freed, and allocators keep for later."""
    import pyarrow as pa

    gc.collect()
    pa.default_memory_pool().release_unused()
    with suppress(OSError, AttributeError):  # only the C library of GNU has it
        ctypes.CDLL(None).malloc_trim(0)


def _used_bytes() -> int:
    """Resident memory of this process that is no file's: pages of mapped files are the system's to take back."""
    info = psutil.Process().memory_info()
    return int(info.rss - getattr(info, "shared", 0))
