"""Calls and actors, wherever they run: the contract of a pool, and the pool that is this process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from foolsgold.cores import n_cores

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)
Item = TypeVar("Item")
R = TypeVar("R")


@dataclass(frozen=True)
class Ref(Generic[R]):
    """A result that may still be under way; as an argument of a call it stands for that result. Can be pickled."""

    held: Any  # the result itself, or what the pool finds it by
    stage: str = "A call"  # what messages call it


class Actor(Protocol[A_co]):
    """An object that lives in a worker. Can be pickled, and called from a worker too.

    It is made again by the same call when its process or node dies, and what was asked of it meanwhile is asked again:
    what it answers must follow from how it was made and from the arguments.
    """

    def call(self, method: str, *args: Any) -> Ref[Any]:
        """Begin a call of one of the object's methods; a Ref among the arguments is resolved."""
        ...

    def result(self, method: str, *args: Any) -> Any:
        """Call, and wait for what it returns; errors as those of `Pool.get`."""
        ...

    def stop(self) -> None:
        """Free what the object holds; it takes no call afterwards."""
        ...


class Pool(Protocol):
    """Workers, and what runs on them; a context manager, which ends what it started.

    Functions, classes and arguments are sent to workers: they stand at the top of a module, and can be pickled.
    An error of foolsgold arrives as itself; anything else that goes wrong on another process is a WorkerError.
    """

    n_workers: int
    """How many share the work of holding and encoding."""
    threads_per_worker: int
    """What each of those may use."""
    gpus_per_worker: float
    """What each of those has; 0 is none."""
    on_one_machine: bool
    """Whether all of them are on this one, whatever comes: what a file holds is then mapped rather than sent."""

    @property
    def n_nodes(self) -> int:
        """Machines that are there to work on now."""
        ...

    def submit(self, call: Callable[..., R], *args: Any) -> Ref[R]:
        """Begin a call that keeps no state; it is repeated when its process dies. A Ref among `args` is resolved."""
        ...

    def actors(
        self, make: Callable[..., A], args: Sequence[tuple[Any, ...]], *, gpus: float = 0, concurrency: int = 1
    ) -> list[Actor[A]]:
        """An actor for each tuple, spread over the nodes.

        Args:
            make: makes the object; a class, or a function.
            args: of each call of it; Refs among them are resolved.
            gpus: of each actor; a share is allowed.
            concurrency: calls that an actor answers at the same time, in threads.
        """
        ...

    def put(self, value: R) -> Ref[R]:
        """Send a value to where workers find it, once for all calls that name it."""
        ...

    def get(self, ref: Ref[R]) -> R:
        """Wait for a result, and raise what it raised."""
        ...

    def ordered(self, calls: Iterable[Callable[[], Ref[R]]], *, ahead: int) -> Iterator[R]:
        """Results of calls, in order; at most `ahead` are under way or waiting to be taken.

        Args:
            calls: each begins a call (of `submit` or of an actor); one whose result is lost with its node is begun
                again.
            ahead: how many, at least 1.
        """
        ...

    def map(self, call: Callable[[Item], R], items: Iterable[Item]) -> Iterator[R]:
        """`call` of each item, in order, on all workers; a bounded number under way."""
        ...

    def stream(
        self,
        make: Callable[..., Callable[[Item], R]],
        args: tuple[Any, ...],
        items: Iterable[Item],
        *,
        gpus: float = 0,
        on_each_core: bool = False,
    ) -> Iterator[R]:
        """Items through one object a worker, results as they come; a bounded number under way.

        Args:
            make: makes the object that is called with an item each; a class with `__call__`, or a function.
            args: of `make`; large ones are best put behind a path.
            items: whatever can be pickled; a few thousand at most, of any size.
            gpus: of each worker.
            on_each_core: an object for each core rather than one a worker, for what computes on one core.
        """
        ...

    def over(
        self, actors: Sequence[Actor[Any]], method: str, args: tuple[Any, ...], items: Iterable[Any]
    ) -> Iterator[Any]:
        """Items through actors that are there, results as they come: none has two items while another has none.

        Args:
            actors: as many as work at the same time, at least one; they stay.
            method: of each, called with `args` and an item.
            args: the same in each call.
            items: whatever can be pickled.
        """
        ...

    def close(self) -> None:
        """End what the pool started."""
        ...

    def __enter__(self) -> Pool: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


class LocalActor(Generic[A]):
    """An object of this process, made when it is first called."""

    def __init__(self, make: Callable[..., A], args: tuple[Any, ...]) -> None:
        self._make = make
        self._args = args
        self._object: A | None = None

    def call(self, method: str, *args: Any) -> Ref[Any]:
        """Call it at once."""
        return Ref(self.result(method, *args))

    def result(self, method: str, *args: Any) -> Any:
        """Call it at once."""
        if self._object is None:
            self._object = self._make(*_resolved(self._args))
        return getattr(self._object, method)(*_resolved(args))

    def stop(self) -> None:
        """Forget the object."""
        self._object = None


class InProcessPool:
    """Everything at once, in this process, with all its cores; errors are raised where a call begins."""

    n_workers = 1
    n_nodes: int = 1
    gpus_per_worker: float = 0.0
    on_one_machine = True

    def __init__(self) -> None:
        self.threads_per_worker = n_cores()

    def submit(self, call: Callable[..., R], *args: Any) -> Ref[R]:
        """Call at once."""
        return Ref(call(*_resolved(args)))

    def actors(
        self, make: Callable[..., A], args: Sequence[tuple[Any, ...]], *, gpus: float = 0, concurrency: int = 1
    ) -> list[Actor[A]]:
        """Objects of this process, each made when it is first called."""
        return [LocalActor(make, each) for each in args]

    def put(self, value: R) -> Ref[R]:
        """The value."""
        return Ref(value)

    def get(self, ref: Ref[R]) -> R:
        """What was found."""
        result: R = ref.held
        return result

    def ordered(self, calls: Iterable[Callable[[], Ref[R]]], *, ahead: int) -> Iterator[R]:
        """One after the other."""
        for call in calls:
            yield self.get(call())

    def map(self, call: Callable[[Item], R], items: Iterable[Item]) -> Iterator[R]:
        """One after the other."""
        return map(call, items)

    def stream(
        self,
        make: Callable[..., Callable[[Item], R]],
        args: tuple[Any, ...],
        items: Iterable[Item],
        *,
        gpus: float = 0,
        on_each_core: bool = False,
    ) -> Iterator[R]:
        """One after the other, through one object."""
        call = make(*_resolved(args))
        for item in items:
            yield call(item)

    def over(
        self, actors: Sequence[Actor[Any]], method: str, args: tuple[Any, ...], items: Iterable[Any]
    ) -> Iterator[Any]:
        """One after the other, all by the first."""
        for item in items:
            yield actors[0].result(method, *args, item)

    def close(self) -> None:
        """Nothing to end."""

    def __enter__(self) -> InProcessPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def in_order(
    calls: Iterable[Callable[[], Ref[R]]], *, ahead: int, get: Callable[[Callable[[], Ref[R]], Ref[R]], R]
) -> Iterator[R]:
    """Begin up to `ahead` calls, and get their results in order; a result is let go as soon as it is taken.

    Args:
        calls: each begins a call.
        ahead: how many are begun before the first of them is waited for.
        get: waits for the result of a begun call, which it may begin again.
    """
    waiting = iter(calls)
    begun: deque[tuple[Callable[[], Ref[R]], Ref[R]]] = deque()
    while True:
        while len(begun) < ahead and (call := next(waiting, None)) is not None:
            begun.append((call, call()))
        if not begun:
            return
        yield get(*begun.popleft())


def _resolved(args: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(arg.held if isinstance(arg, Ref) else arg for arg in args)
