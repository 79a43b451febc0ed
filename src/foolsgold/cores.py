"""How many processor cores this process may use."""

from __future__ import annotations

import os


def n_cores() -> int:
    """Cores that the system lets this process run on, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
