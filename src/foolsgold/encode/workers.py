"""Encoding by several processes: one a GPU, or several on the cores of a large machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from foolsgold.errors import WorkerError

if TYPE_CHECKING:
    from foolsgold.encode.sentence_transformer import SentenceTransformerEncoder

MIN_TEXTS = 1_000  # below, starting processes costs more than it saves
CORES_PER_WORKER = 8  # a forward pass of 32 texts stops gaining from more threads about here
_BATCHES_PER_TASK = 4  # so that an interrupted run waits for little


def worker_devices(device: str, num_workers: int | None, n_texts: int) -> list[str]:
    """The device of each worker process; fewer than two mean: encode in this process.

    None for `num_workers` means all GPUs if the model is on one, and on CPUs one process per 8 cores from 16 cores on.
    """
    import torch

    if n_texts <= MIN_TEXTS:
        return [device]
    n_gpus = torch.cuda.device_count()
    if device.startswith("cuda"):
        chosen = range(n_gpus if num_workers is None else num_workers)
        return [f"cuda:{worker % n_gpus}" for worker in chosen]
    if num_workers is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        num_workers = max(1, cores // CORES_PER_WORKER) if device == "cpu" else 1
    return [device] * num_workers


class EncodingWorkers:
    """An Encoder whose work is done by processes; they end when the `with` block ends, however it ends.

    Raises:
        WorkerError: a process died.
    """

    def __init__(self, encoder: SentenceTransformerEncoder, devices: Sequence[str]) -> None:
        self._encoder = encoder
        self._devices = list(devices)
        self._home = encoder.model.device
        self._pool: ProcessPoolExecutor | None = None

    @property
    def n_workers(self) -> int:
        """How many processes encode."""
        return len(self._devices)

    def __enter__(self) -> EncodingWorkers:
        context = multiprocessing.get_context("spawn")  # CUDA and threads do not survive a fork
        devices = context.SimpleQueue()
        for device in self._devices:
            devices.put(device)
        threads = max(1, (os.cpu_count() or 1) // len(self._devices))
        self._encoder.model.to("cpu")  # host memory is shared with the workers, GPU memory cannot be
        self._pool = ProcessPoolExecutor(
            len(self._devices), context, initializer=_start_worker, initargs=(self._encoder, devices, threads)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
            self._encoder.model.to(self._home)

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the encoder's own, in the same order."""
        return self._encode("encode_queries", texts)

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the encoder's own, in the same order."""
        return self._encode("encode_documents", texts)

    def _encode(
        self, method: Literal["encode_queries", "encode_documents"], texts: Sequence[str]
    ) -> NDArray[np.float32]:
        if self._pool is None:
            raise WorkerError("the encoding processes have ended; use them inside their `with` block.")
        size = self._encoder.batch_size * _BATCHES_PER_TASK
        try:
            tasks = [
                self._pool.submit(_encode_in_worker, method, list(texts[start : start + size]))
                for start in range(0, len(texts), size)
            ]
            return np.concatenate([task.result() for task in tasks])
        except BrokenProcessPool as error:
            raise WorkerError(
                "An encoding process died: it ran out of memory, was killed, or the script that started it has no "
                "`if __name__ == '__main__':` around its work. Pass num_workers=1 (--num-workers 1) to encode in this "
                "process."
            ) from error


_worker_encoder: SentenceTransformerEncoder | None = None  # set once in each worker process, never in the parent


def _start_worker(encoder: SentenceTransformerEncoder, devices: Any, threads: int) -> None:
    import torch

    global _worker_encoder
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    device = devices.get()
    if device == "cpu":
        torch.set_num_threads(threads)
    encoder.model.to(device)
    _worker_encoder = encoder


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _encode_in_worker(method: str, texts: list[str]) -> Any:
    return getattr(_worker_encoder, method)(texts)
