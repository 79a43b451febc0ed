"""plan_run(): what a run would take, before it is begun."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from foolsgold.errors import SettingsError
from foolsgold.plan import constant, stages
from foolsgold.plan.constant import Constant
from foolsgold.plan.machine import Machine
from foolsgold.plan.stage import Stage
from foolsgold.plan.stages import Job
from foolsgold.plan.units import show_bytes
from foolsgold.plan.workload import Workload

_MOST_WORKERS = 1_000_000


@dataclass(frozen=True)
class RunPlan:
    """What a run would take: an estimate, from the constants that it names.

    Attributes:
        work: what is mined.
        machine: each worker.
        workers: how many.
        stages: in order; they are added up, though searching and choosing overlap where they need different things.
        notes: what does not fit, and what helps.
    """

    work: Workload
    machine: Machine
    workers: int
    stages: tuple[Stage, ...]
    notes: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Of the whole run."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def dominant(self) -> Stage:
        """The stage that takes longest."""
        return max(self.stages, key=lambda stage: stage.seconds)

    @property
    def worker_bytes(self) -> float:
        """Host memory of each worker, at most."""
        return max(stage.worker_bytes for stage in self.stages)

    @property
    def device_bytes(self) -> float:
        """Memory of each worker's device, at most."""
        return max(stage.device_bytes for stage in self.stages)

    @property
    def driver_bytes(self) -> float:
        """Memory of the driver, at most."""
        return max(stage.driver_bytes for stage in self.stages)

    @property
    def disk_bytes(self) -> float:
        """Written in sum: pieces, vectors, found lists, output."""
        return sum(stage.disk_bytes for stage in self.stages)

    @property
    def network_bytes(self) -> float:
        """Sent in sum; with one worker it stays on the machine."""
        return sum(stage.network_bytes for stage in self.stages)

    @property
    def constants(self) -> tuple[Constant, ...]:
        """All that the numbers rest on, each once."""
        used = [one for stage in self.stages for one in stage.constants]
        of_device = () if self.machine.device is None else self.machine.device.constants()
        return tuple(dict.fromkeys((*of_device, *used)))

    def seconds_by_stage(self) -> dict[str, float]:
        """To be put beside what a run took."""
        return {stage.name: stage.seconds for stage in self.stages}

    def as_dict(self) -> dict[str, Any]:
        """All numbers, for JSON: seconds and bytes."""
        sums = ("seconds", "worker_bytes", "device_bytes", "driver_bytes", "disk_bytes", "network_bytes")
        return {
            "workload": self.work.as_dict(),
            "worker": self.machine.as_dict(),
            "workers": self.workers,
            "stages": [stage.as_dict() for stage in self.stages],
            "total": {name: getattr(self, name) for name in sums} | {"dominant": self.dominant.name},
            "notes": list(self.notes),
            "constants": [one.as_dict() for one in self.constants],
        }

    def __str__(self) -> str:
        from foolsgold.plan.table import plan_lines

        return "\n".join(plan_lines(self))


def plan_run(documents: int, queries: int, dim: int, *, machine: Machine | None = None, workers: int = 1,
             **sizes: Any) -> RunPlan:  # fmt: skip
    """Estimate what a run takes: time by stage and what bounds it, memory, disk and network.

    Args:
        documents: N.
        queries: Q.
        dim: dimensions of the vectors.
        machine: what a worker can do, such as `Machine.of_device("h100")`; None is eight cores.
        workers: how many.
        **sizes: the other fields of `Workload`: model_parameters, tokens_per_document, depth, ...

    Raises:
        SettingsError: a value out of its range.

    >>> plan = plan_run(1_000_000, 20_000, 384, machine=Machine.of_device("h100"))
    >>> [stage.name for stage in plan.stages]
    ['start', 'read', 'index', 'search', 'choose', 'export']
    """
    machine = machine or Machine()
    unknown = set(sizes) - set(Workload.__dataclass_fields__)
    if unknown:
        raise SettingsError(
            f"plan_run takes no {', '.join(sorted(unknown))}; it takes {', '.join(Workload.__dataclass_fields__)}."
        )
    work = Workload(documents, queries, dim, **sizes)
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= _MOST_WORKERS:
        raise SettingsError(f"workers is {workers!r}; it takes a whole number from 1 to {_MOST_WORKERS:,}.")
    if workers > documents:
        raise SettingsError(
            f"workers is {workers}, more than the {documents} documents, so that some would hold none. Lower workers."
        )
    job = Job(work, machine, workers)
    steps = [stages.start, stages.read, stages.encode, stages.index, stages.search, stages.choose, stages.export]
    if not work.model_parameters:
        steps.remove(stages.encode)  # vectors are given
    return RunPlan(work, machine, workers, tuple(step(job) for step in steps), tuple(_notes(job)))


def _notes(job: Job) -> Iterator[str]:
    """What does not fit, and what helps."""
    machine, work = job.machine, job.work
    per_document = work.word_bytes + constant.HUB_BYTES.value
    free = machine.memory_bytes - constant.PROCESS_BYTES.value
    if free <= 0 or job.index_share > free:
        helps = "" if free <= 0 else f" Take {math.ceil(work.documents * per_document / free)} workers or more, or"
        yield (
            f"does not fit: words and hubs of a worker's share, {show_bytes(job.index_share)}, and the process, "
            f"{show_bytes(constant.PROCESS_BYTES.value)}, in {show_bytes(machine.memory_bytes)} of memory."
            f"{helps or ' Give'} workers more (--memory)."
        )
    if not job.fits_device:
        needed = math.ceil(work.documents * work.vector_bytes / machine.device_bytes)
        yield (
            f"vectors of a share, {show_bytes(job.vector_share)}, are more than the {show_bytes(machine.device_bytes)} "
            f"of device memory that they may take: they are copied anew for every "
            f"{constant.SWEEP_QUERIES.value:,} queries. With {needed} workers they stay there."
        )
    if not job.on_device and not job.fits_memory:
        per_document += work.vector_bytes
        needed = math.ceil(work.documents * per_document / free) if free > 0 else 0
        yield (
            f"vectors of a share, {show_bytes(job.vector_share)}, do not fit in memory: they are mapped from disk, and "
            f"read for every {constant.SWEEP_QUERIES.value:,} queries."
            + (f" With {needed} workers they stay in memory." if needed else "")
        )
    if job.driver_bytes > machine.memory_bytes:
        yield f"the driver needs {show_bytes(job.driver_bytes)}: run the command where there is as much."
