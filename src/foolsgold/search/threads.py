"""Threads that each multiply by themselves: none waits for another, however busy the machine is."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def worker_threads(n_threads: int, *, use_torch: bool) -> Iterator[ThreadPoolExecutor]:
    """Threads in which a product of matrices, by NumPy or by torch, takes one core; elsewhere NumPy's do meanwhile.

    Args:
        n_threads: how many.
        use_torch: whether they call torch, whose settings they then need.
    """
    with threadpool_limits(1, user_api="blas"):
        if not use_torch:
            with ThreadPoolExecutor(n_threads) as threads:
                yield threads
            return
        import torch

        before = torch.get_num_threads()
        with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as threads:
            try:
                yield threads
            finally:
                torch.set_num_threads(before)  # for threads that start later; each keeps its own
