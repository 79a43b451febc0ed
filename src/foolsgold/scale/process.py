"""The process that a worker is: what it may use, set where it works rather than where it starts.

A process of Ray that is asked for with variables of its own is a new one each time, and starts slowly.
"""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress

# the C library of GNU hands large blocks back as they are freed, and the system clears them anew for the next product
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = {_M_MMAP_THRESHOLD: 32 * 2**20, _M_TRIM_THRESHOLD: 64 * 2**20}


def settle(n_threads: int) -> None:
    """Take so many threads in this process, and keep freed memory for the next product."""
    os.environ["OMP_NUM_THREADS"] = str(n_threads)
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        for parameter, n_bytes in _KEPT_BYTES.items():
            library.mallopt(parameter, n_bytes)
