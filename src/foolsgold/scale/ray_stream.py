"""Items through one object a worker: over Ray Data, or over actors of the pool."""

from __future__ import annotations

import logging
import pickle
import uuid
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from foolsgold.cache_folder import code_fingerprint
from foolsgold.errors import FoolsgoldError
from foolsgold.scale.pool import Actor, Pool, Ref
from foolsgold.scale.process import settle
from foolsgold.scale.ray_errors import REPEATS, LostError, answer, died_each_time, name_of, on_driver

if TYPE_CHECKING:
    import pyarrow as pa

_AHEAD = 2  # items of each actor of Ray Data: the next is there when one is done
_COLUMN = "pickled"  # items and results are any objects: Ray Data carries their bytes


def stream_over_ray_data(
    make: Callable[..., Any],
    args: tuple[Any, ...],
    items: Iterable[Any],
    *,
    n_workers: int,
    gpus: float,
    n_threads: int,
) -> Generator[Any, None, None]:
    """Results as they come.

    Args:
        make: makes an object that is called with an item each, once a worker.
        args: of it.
        items: each a block of its own to Ray Data.
        n_workers: actors.
        gpus: of each.
        n_threads: that each may use.

    Raises:
        FoolsgoldError: of the object, or WorkerError.
    """
    import ray

    rows = [{_COLUMN: pickle.dumps(numbered)} for numbered in enumerate(items)]
    if not rows:
        return
    stage, given = name_of(make), [arg.held if isinstance(arg, Ref) else arg for arg in args]
    attempts = Attempts()
    with _quiet_ray_data():
        pool = ray.data.ActorPoolStrategy(size=min(n_workers, len(rows)), max_tasks_in_flight_per_actor=_AHEAD)
        results = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            Streamed, fn_constructor_args=(code_fingerprint(), attempts, stage, n_threads, make, given), batch_size=1,
            batch_format="pyarrow", compute=pool, num_cpus=0, num_gpus=gpus or None,
        )  # fmt: skip
        try:
            for row in results.iter_rows():
                yield _opened(row[_COLUMN])
            attempts.forget()
        except ray.exceptions.RayError as error:
            raise on_driver(error, stage) from None


def stream_over_actors(
    pool: Pool, make: Callable[..., Any], args: tuple[Any, ...], items: Iterable[Any], *, n_workers: int, gpus: float
) -> Generator[Any, None, None]:
    """Likewise, over actors of a pool on Ray."""
    all_items = list(items)
    actors: list[Actor[Any]] = pool.actors(make, [args] * min(n_workers, len(all_items)), gpus=gpus)
    try:
        yield from over_actors(pool, actors, "__call__", (), all_items)
    finally:
        for actor in actors:
            actor.stop()


def over_actors(
    pool: Pool, actors: Sequence[Actor[Any]], method: str, args: tuple[Any, ...], items: Iterable[Any]
) -> Generator[Any, None, None]:
    """See `Pool.over`."""
    import ray

    waiting, under_way = iter(items), dict[Any, tuple[Actor[Any], Any]]()

    def begin(actor: Actor[Any], item: Any) -> Ref[Any]:
        begun = actor.call(method, *args, item)
        under_way[begun.held] = actor, item
        return begun

    stages = [begin(actor, item).stage for actor, item in zip(actors, waiting, strict=False)]
    while under_way:
        (ready,), _ = ray.wait(list(under_way), num_returns=1)
        actor, item = under_way.pop(ready)
        try:
            result: Any = pool.get(Ref(ready, stages[0]))
        except LostError:
            begin(actor, item)
            continue
        for following in waiting:
            begin(actor, following)
            break
        yield result


class Attempts:
    """Counts how often items were begun: Ray Data itself would begin one that kills its process for ever.

    The head node remembers it: a process that counts is ended sooner than the one that takes too much memory.
    """

    def __init__(self) -> None:
        self._prefix = f"foolsgold {uuid.uuid4().hex} "

    def begin(self, number: int) -> int:
        """How often this item has been begun, now included; a node works on an item at a time."""
        from ray.experimental.internal_kv import _internal_kv_get, _internal_kv_put

        key = f"{self._prefix}{number}"
        n_begun = int(_internal_kv_get(key) or 0) + 1
        _internal_kv_put(key, str(n_begun), overwrite=True)
        return n_begun

    def forget(self) -> None:
        """All of them."""
        from ray.experimental.internal_kv import _internal_kv_del

        _internal_kv_del(self._prefix, del_by_prefix=True)


class Streamed:
    """What an actor of Ray Data runs: an object, made when the first item comes, and each item through it."""

    def __init__(
        self, fingerprint: str, attempts: Attempts, stage: str, n_threads: int, make: Callable[..., Any],
        args: Sequence[Any],
    ) -> None:  # fmt: skip
        settle(n_threads)
        self._fingerprint = fingerprint
        self._attempts = attempts
        self._stage = stage
        self._make = make
        self._args = args
        self._object: Any = None

    def __call__(self, batch: pa.Table) -> pa.Table:
        """The results of a batch of items; an error is a result too, since Ray Data would wrap it up."""
        import pyarrow as pa

        results = [pickle.dumps(self._answer(*pickle.loads(item.as_py()))) for item in batch[_COLUMN]]
        return pa.table({_COLUMN: pa.array(results, pa.large_binary())})

    def _answer(self, number: int, item: Any) -> tuple[bool, Any]:
        try:
            if self._attempts.begin(number) > REPEATS + 1:
                raise died_each_time(self._stage)
            return True, answer(self._fingerprint, self._stage, self._call, item)
        except FoolsgoldError as error:
            return False, error

    def _call(self, item: Any) -> Any:
        if self._object is None:
            self._object = self._make(*map(_fetched, self._args))
        return self._object(item)


def _fetched(arg: Any) -> Any:
    import ray

    return ray.get(arg) if isinstance(arg, ray.ObjectRef) else arg


def _opened(pickled: bytes) -> Any:
    is_result, found = pickle.loads(pickled)
    if not is_result:
        raise found
    return found


@contextmanager
def _quiet_ray_data() -> Iterator[None]:
    """Ray Data without its bars and its reports of what it does, for as long as results come."""
    from ray.data import DataContext

    data_logger = logging.getLogger("ray.data")
    before, context = data_logger.level, DataContext.get_current()
    shows_bars, says_start = context.enable_progress_bars, context.print_on_execution_start
    data_logger.setLevel(logging.CRITICAL)
    context.enable_progress_bars = context.print_on_execution_start = False
    try:
        yield
    finally:
        data_logger.setLevel(before)
        context.enable_progress_bars, context.print_on_execution_start = shows_bars, says_start
