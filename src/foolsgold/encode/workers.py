"""Encoding by several processes: one a GPU, or several on the cores of a large machine."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.encode.batches import in_order, window_texts, windows
from foolsgold.encode.encoder import Side
from foolsgold.encode.forward import Forward, Window
from foolsgold.errors import WorkerError

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from foolsgold.encode.sentence_transformer import SentenceTransformerEncoder

MIN_TEXTS = 1_000  # below, starting processes costs more than it saves
CORES_PER_WORKER = 8  # so that each still multiplies with several threads
_DIED = (
    "An encoding process died: it ran out of memory, was killed, or the script that started it has no "
    "`if __name__ == '__main__':` around its work. Pass num_workers=1 (--num-workers 1) to encode in this process."
)
_TASKS_AHEAD = 2  # of each worker: it tokenises one while it computes the other


class _Worker(NamedTuple):
    process: SpawnProcess
    pipe: Connection


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
        num_workers = max(1, _n_cores() // CORES_PER_WORKER) if device == "cpu" else 1
    return [device] * num_workers


class EncodingWorkers:
    """An Encoder whose work is done by processes; they are ended with the `with` block, however it ends.

    Raises:
        WorkerError: a process died.
    """

    def __init__(self, encoder: SentenceTransformerEncoder, devices: Sequence[str]) -> None:
        self._encoder = encoder
        self._devices = list(devices)
        self._home = encoder.model.device
        self.chunk_texts = encoder.chunk_texts
        self._workers: list[_Worker] = []

    @property
    def n_workers(self) -> int:
        """How many processes encode."""
        return len(self._devices)

    def __enter__(self) -> EncodingWorkers:
        threads = max(1, _n_cores() // len(self._devices))
        forward = self._encoder.forward()
        self._encoder.model.to("cpu")  # host memory is shared with the workers, GPU memory cannot be
        try:
            with _interrupts_held():
                for device in self._devices:
                    self._workers.append(_start(device, threads))
            for worker in self._workers:
                _send(worker.pipe, forward)  # blocks until the worker has loaded torch
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the encoder's own, in the same order."""
        return self.encode(texts, "queries")

    def encode_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the encoder's own, in the same order."""
        return self.encode(texts, "documents")

    def encode(
        self, texts: Sequence[str], side: Side, *, advance: Callable[[int], object] | None = None
    ) -> NDArray[np.float32]:
        """As the encoder's own, bit for bit: the same windows of texts, each a worker's task."""
        rows = windows(texts, window_texts(self._home.type))
        if not rows:
            return self._encoder.encode(texts, side)
        parts: dict[int, NDArray[np.float32]] = {}
        for task, vecs in self._results(self._encoder.tasks(texts, side, rows)):
            parts[task] = vecs
            if advance is not None:
                advance(len(vecs))
        return in_order(np.concatenate([parts[task] for task in range(len(rows))]), rows)

    def _end(self) -> None:
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join()
            worker.process.close()
            worker.pipe.close()
        self._workers.clear()
        self._encoder.model.to(self._home)

    def _results(self, windows: Iterator[Window]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Number and vectors of each window, as they come."""
        waiting = enumerate(windows)
        free = [worker.pipe for worker in self._workers] * _TASKS_AHEAD
        busy: dict[Connection, deque[int]] = {worker.pipe: deque() for worker in self._workers}
        while True:
            for pipe, (task, window) in zip(free, waiting, strict=False):
                _send(pipe, window)
                busy[pipe].append(task)
            at_work = [pipe for pipe in busy if busy[pipe]]
            if not at_work:
                return
            free = [pipe for pipe in wait(at_work) if isinstance(pipe, Connection)]
            for pipe in free:
                yield busy[pipe].popleft(), _received(pipe)


def _start(device: str, threads: int) -> _Worker:
    context = multiprocessing.get_context("spawn")  # CUDA and threads do not survive a fork
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(device, threads, theirs), daemon=True)
    process.start()
    theirs.close()  # so that the pipe ends when the worker does
    return _Worker(process, ours)


def _send(pipe: Connection, what: object) -> None:
    try:
        pipe.send(what)
    except (EOFError, OSError) as error:
        raise WorkerError(_DIED) from error


def _received(pipe: Connection) -> NDArray[np.float32]:
    try:
        result: NDArray[np.float32] | Exception = pipe.recv()
    except (EOFError, OSError) as error:
        raise WorkerError(_DIED) from error
    if isinstance(result, Exception):
        raise result
    return result


def _work(device: str, threads: int, pipe: Connection) -> None:
    """What a worker does, until it is ended or its parent is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch

    if device == "cpu":
        torch.set_num_threads(threads)
    try:
        forward: Forward = pipe.recv()
        forward.model.to(device)
        _encode(forward, pipe)
    except (EOFError, OSError):
        return


def _encode(forward: Forward, pipe: Connection) -> None:
    """Answer each window with its vectors, in order, until one fails."""
    try:
        for vecs in forward.vectors(iter(pipe.recv, None)):
            pipe.send(vecs.float().cpu().numpy())
    except (EOFError, OSError):
        raise
    except Exception as error:
        pipe.send(_sendable(error))


def _end_with_parent() -> None:
    """A killed parent ends nothing itself, and a task on a slow CPU takes a minute: do not finish it for nobody."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return WorkerError(f"encoding failed: {type(error).__name__}: {error}")
    return error


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes started meanwhile ignore Ctrl-C for good: it reaches the parent, which ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
