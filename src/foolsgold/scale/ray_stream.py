"""Items through one object a worker, over Ray Data."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from foolsgold.cache_folder import code_fingerprint
from foolsgold.errors import FoolsgoldError, WorkerError
from foolsgold.scale.ray_errors import REPEATS, answer, name_of, on_driver

if TYPE_CHECKING:
    import pyarrow as pa

_COLUMN = "pickled"  # items and results are any objects: Ray Data carries their bytes
_AHEAD = 2  # items of each actor: the next is there when one is done


def stream_over_ray_data(
    make: Callable[..., Any],
    args: tuple[Any, ...],
    items: Iterable[Any],
    *,
    n_workers: int,
    gpus: float,
    environment: dict[str, Any],
    places: Sequence[Any],
) -> Iterator[Any]:
    """Results as they come.

    Args:
        make: makes an object that is called with an item each, once a worker.
        args: of it.
        items: each a block of its own to Ray Data.
        n_workers: actors.
        gpus: of each.
        environment: runtime environment of the actors.
        places: a scheduling strategy for each actor.

    Raises:
        FoolsgoldError: of the object, or WorkerError.
    """
    import ray

    rows = [{_COLUMN: pickle.dumps(item)} for item in items]
    if not rows:
        return
    stage, given = name_of(make), [arg.held if hasattr(arg, "held") else arg for arg in args]
    with _quiet_context():
        blocks = ray.data.from_items(rows, override_num_blocks=len(rows))
        pool = ray.data.ActorPoolStrategy(size=min(n_workers, len(rows)), max_tasks_in_flight_per_actor=_AHEAD)
        results = blocks.map_batches(
            Streamed, fn_constructor_args=(code_fingerprint(), stage, make, given), batch_size=1,
            batch_format="pyarrow", compute=pool, num_cpus=0, num_gpus=gpus or None,
            max_restarts=-1, max_task_retries=REPEATS, runtime_env=environment, ray_remote_args_fn=_InTurn(places),
        )  # fmt: skip
        try:
            for row in results.iter_rows():
                yield _opened(row[_COLUMN])
        except ray.exceptions.RayError as error:
            raise on_driver(error, stage) from None


class Streamed:
    """What an actor of Ray Data runs: an object, made when the first item comes, and each item through it."""

    def __init__(self, fingerprint: str, stage: str, make: Callable[..., Any], args: Sequence[Any]) -> None:
        self._fingerprint = fingerprint
        self._stage = stage
        self._make = make
        self._args = args
        self._object: Any = None

    def __call__(self, batch: pa.Table) -> pa.Table:
        """The results of a batch of items; an error is a result too, since Ray Data would wrap it up."""
        import pyarrow as pa

        results = [pickle.dumps(self._answer(item.as_py())) for item in batch[_COLUMN]]
        return pa.table({_COLUMN: pa.array(results, pa.large_binary())})

    def _answer(self, pickled: bytes) -> tuple[bool, Any]:
        try:
            return True, answer(self._fingerprint, self._stage, self._call, pickled)
        except FoolsgoldError as error:
            return False, error

    def _call(self, pickled: bytes) -> Any:
        if self._object is None:
            self._object = self._make(*map(_fetched, self._args))
        return self._object(pickle.loads(pickled))


class _InTurn:
    """Options of each actor that Ray Data starts: the places in turn."""

    def __init__(self, places: Sequence[Any]) -> None:
        self._places = places
        self._next = 0

    def __call__(self) -> dict[str, Any]:
        self._next += 1
        return {"scheduling_strategy": self._places[(self._next - 1) % len(self._places)]}


def _fetched(arg: Any) -> Any:
    import ray

    return ray.get(arg) if isinstance(arg, ray.ObjectRef) else arg


def _opened(pickled: bytes) -> Any:
    is_result, found = pickle.loads(pickled)
    if is_result:
        return found
    raise found if isinstance(found, FoolsgoldError) else WorkerError(str(found))


@contextmanager
def _quiet_context() -> Iterator[None]:
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
