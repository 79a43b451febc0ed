"""A pool whose workers are processes of a Ray cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Generic, TypeVar

from foolsgold.cache_folder import code_fingerprint
from foolsgold.errors import SettingsError
from foolsgold.scale.pool import Actor, Ref, in_order
from foolsgold.scale.process import settle
from foolsgold.scale.ray_cluster import Cluster
from foolsgold.scale.ray_errors import REPEATS, LostError, answer, cluster_gone, name_of, on_driver
from foolsgold.scale.ray_stream import over_actors, stream_over_actors, stream_over_ray_data
from foolsgold.scale.ray_versions import check_versions

A = TypeVar("A")
Item = TypeVar("Item")
R = TypeVar("R")

_LOOK_SECONDS = 5.0  # between two looks whether the cluster is still there
_TASKS_AHEAD = 2  # of each CPU, so that none waits for the driver


def _no_look() -> None:
    """On a worker, which ends with its node."""


class RayActor(Generic[A]):
    """An object in a process of its own; can be pickled, and called from workers too."""

    def __init__(self, handle: Any, stage: str, look: Callable[[], None] = _no_look) -> None:
        self._handle = handle
        self._stage = stage
        self._look = look

    def __reduce__(self) -> tuple[Any, ...]:
        return RayActor, (self._handle, self._stage)  # it is the driver that looks

    def call(self, method: str, *args: Any) -> Ref[Any]:
        """Begin a call."""
        return Ref(self._handle.call.remote(method, *map(_held, args)), _named(self._stage, method))

    def result(self, method: str, *args: Any) -> Any:
        """Call, and wait."""
        return _wait(self.call(method, *args), self._look)

    def stop(self) -> None:
        """End the process."""
        import ray

        ray.kill(self._handle, no_restart=True)


class RayPool:
    """Tasks and actors of a Ray cluster, made again when their processes or nodes die.

    A task takes a CPU. Actors take none, so that however many there are, tasks find CPUs and none waits for another;
    they are spread over the nodes in proportion to their CPUs, and told to use `threads_per_worker` threads.

    Args:
        cluster: the connection, which the pool ends.
        n_workers: how many hold and encode.
        threads_per_worker: of each of these.
        gpus_per_worker: of each of these.
    """

    def __init__(self, cluster: Cluster, *, n_workers: int, threads_per_worker: int, gpus_per_worker: float) -> None:
        import ray

        self.n_workers = n_workers
        self.threads_per_worker = threads_per_worker
        self.gpus_per_worker = gpus_per_worker
        self.on_one_machine = cluster.is_local
        self._cluster = cluster
        self._streams: list[Generator[Any, None, None]] = []
        self._fingerprint = code_fingerprint()
        self._task = ray.remote(num_cpus=1, max_retries=REPEATS, scheduling_strategy="SPREAD")(answer)
        self._actor = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=REPEATS)(Held)

    @property
    def n_nodes(self) -> int:
        """Nodes alive that have CPUs."""
        return len(self._cluster.nodes())

    def submit(self, call: Callable[..., R], *args: Any) -> Ref[R]:
        """Begin a task."""
        stage = name_of(call)
        return Ref(self._task.options(name=stage).remote(self._fingerprint, stage, call, *map(_held, args)), stage)

    def actors(
        self, make: Callable[..., A], args: Sequence[tuple[Any, ...]], *, gpus: float = 0, concurrency: int = 1
    ) -> list[Actor[A]]:
        """An actor for each tuple; those without GPUs on nodes in proportion to their CPUs."""
        self._cluster.check_gpus(gpus * len(args))
        stage = name_of(make)
        places = self._cluster.places(len(args), gpus=gpus)
        return [
            RayActor(
                self._actor.options(num_gpus=gpus, max_concurrency=concurrency, scheduling_strategy=place).remote(
                    self._fingerprint, stage, self.threads_per_worker, make, *map(_held, each)
                ),
                stage,
                self._cluster.check,
            )
            for each, place in zip(args, places, strict=True)
        ]

    def put(self, value: R) -> Ref[R]:
        """Into the object store."""
        import ray

        return Ref(ray.put(value))

    def get(self, ref: Ref[R]) -> R:
        """Wait, looking now and then whether the cluster is still there."""
        result: R = _wait(ref, self._cluster.check)
        return result

    def ordered(self, calls: Iterable[Callable[[], Ref[R]]], *, ahead: int) -> Iterator[R]:
        """Results in order; a call whose result was lost is begun again."""
        return in_order(calls, ahead=ahead, get=self._get_again)

    def map(self, call: Callable[[Item], R], items: Iterable[Item]) -> Iterator[R]:
        """A task an item."""
        ahead = _TASKS_AHEAD * max(1, self._cluster.n_cpus())
        return self.ordered((partial(self.submit, call, item) for item in items), ahead=ahead)

    def stream(
        self,
        make: Callable[..., Callable[[Item], R]],
        args: tuple[Any, ...],
        items: Iterable[Item],
        *,
        gpus: float = 0,
        on_each_core: bool = False,
    ) -> Iterator[R]:
        """Over Ray Data; on one machine, where that would take a part of every core itself, over actors."""
        n_objects = max(1, self._cluster.n_cpus()) if on_each_core else self.n_workers
        self._cluster.check_gpus(gpus * n_objects)
        if self.on_one_machine or self._cluster.is_client:
            stream = stream_over_actors(self, make, args, items, n_workers=n_objects, gpus=gpus)
        else:
            stream = stream_over_ray_data(
                make, args, items, n_workers=n_objects, gpus=gpus, n_threads=self.threads_per_worker
            )
        self._streams.append(stream)
        return stream

    def over(
        self, actors: Sequence[Actor[Any]], method: str, args: tuple[Any, ...], items: Iterable[Any]
    ) -> Iterator[Any]:
        """An item at a time for each; one whose result was lost is begun again."""
        return over_actors(self, actors, method, args, items)

    def close(self) -> None:
        """Leave the cluster, and end it if it was started for this pool."""
        for stream in self._streams:
            stream.close()  # threads of Ray Data would start another Ray when this one is gone
        self._cluster.close()

    def __enter__(self) -> RayPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _get_again(self, call: Callable[[], Ref[R]], ref: Ref[R]) -> R:
        for _ in range(REPEATS):
            try:
                return self.get(ref)
            except LostError:
                ref = call()
        return self.get(ref)


def open_pool(cluster: Cluster, n_workers: int | None, gpus_per_worker: float | None) -> RayPool:
    """The pool of a cluster whose nodes run the same code.

    Args:
        cluster: just connected.
        n_workers: None is one a GPU or share of one, without GPUs one a node.
        gpus_per_worker: None is 1 where there are GPUs.

    Raises:
        SettingsError: no CPUs, too few GPUs, or a node with other code.
    """
    nodes = cluster.nodes()
    if not cluster.n_cpus():
        raise SettingsError(
            f"The Ray cluster at {cluster.address} has no CPUs to work on. Start nodes (ray start --address …) first."
        )
    if not cluster.is_local:  # else all run what runs here
        check_versions(nodes)
    n_gpus = cluster.n_gpus()
    gpus = float(n_gpus > 0) if gpus_per_worker is None else float(gpus_per_worker)
    if n_workers is None:
        n_workers = max(1, int(n_gpus / gpus) if gpus else len(nodes))
    cluster.check_gpus(gpus * n_workers)
    threads = max(1, cluster.n_cpus() // n_workers)
    return RayPool(cluster, n_workers=n_workers, threads_per_worker=threads, gpus_per_worker=gpus)


class Held:
    """What an actor's process holds: an object, made when it is first asked for.

    It is made by the first call rather than with the process, so that an object that cannot be made is an error of
    that call, and one that kills its process does so a bounded number of times.
    """

    def __init__(self, fingerprint: str, stage: str, n_threads: int, make: Callable[..., Any], *args: Any) -> None:
        settle(n_threads)
        self._fingerprint = fingerprint
        self._stage = stage
        self._make = make
        self._args = args
        self._object: Any = None
        self._is_made = False
        self._making = threading.Lock()

    def call(self, method: str, *args: Any) -> Any:
        """Call a method of the object."""
        return answer(self._fingerprint, _named(self._stage, method), self._call, method, *args)

    def _call(self, method: str, *args: Any) -> Any:
        with self._making:
            if not self._is_made:
                self._object = self._make(*self._args)
                self._is_made = True
        return getattr(self._object, method)(*args)


def _named(stage: str, method: str) -> str:
    """What messages call a method."""
    return stage if method == "__call__" else f"{stage}.{method}"


def _held(arg: Any) -> Any:
    return arg.held if isinstance(arg, Ref) else arg


def _wait(ref: Ref[Any], look: Callable[[], None]) -> Any:
    import ray

    try:
        while not ray.wait([ref.held], timeout=_LOOK_SECONDS)[0]:
            look()
        return ray.get(ref.held)
    except ray.exceptions.RayError as error:
        raise on_driver(error, ref.stage) from None
    except ConnectionError:  # of a Ray client
        raise cluster_gone("its client server") from None
