"""How many processor cores this process may use."""

from __future__ import annotations

import os


def n_cores() -> int:
    """Cores that this process may use: those that the system gives it, or OMP_NUM_THREADS of them.

    In a container they are fewer than the machine has; in a worker of Ray that variable says how many are its share.
    """
    given = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    named = os.environ.get("OMP_NUM_THREADS", "")
    return min(given, int(named)) if named.isdecimal() and int(named) else given
