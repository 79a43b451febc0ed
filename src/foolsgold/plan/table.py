"""A plan as text, at most 120 columns wide."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from foolsgold.plan.units import show_bytes, show_count, show_seconds

if TYPE_CHECKING:
    from foolsgold.plan.run_plan import RunPlan

_WIDTH = 120
_HEAD = ("stage", "time", "share", "bound by", "memory a worker", "in sum", "disk", "network")


def plan_lines(plan: RunPlan) -> Iterator[str]:
    """The plan: sizes, a row a stage, what is needed where, notes, and the constants with their sources."""
    yield from _wrapped(_about(plan))
    yield ""
    yield from _columns([_HEAD, *_rows(plan)])
    yield ""
    share = plan.dominant.seconds / plan.seconds
    yield f"{plan.dominant.name} dominates: {share:.0%} of the time, bound by the {plan.dominant.bound_by}."
    yield from _needs(plan)
    for note in plan.notes:
        yield from _wrapped(f"note: {note}")
    yield ""
    yield "An estimate, from these constants:"
    for one in plan.constants:
        yield from _wrapped(f"{one}  ({one.source})", indent="  ")


def _about(plan: RunPlan) -> str:
    work, machine = plan.work, plan.machine
    model = f"a model of {show_count(work.model_parameters)} parameters" if work.model_parameters else "vectors given"
    device = "" if machine.device is None else f"one {machine.name} and "
    return (
        f"{show_count(work.documents)} documents of {work.tokens_per_document} tokens and {work.bytes_per_document} "
        f"bytes, {show_count(work.queries)} queries of {work.tokens_per_query} tokens; {model}, {work.dim} dimensions "
        f"in {work.vector_type}; the {work.candidates} nearest, {work.negatives} negatives. Workers: {plan.workers}, "
        f"each with {device}{machine.cores} cores, {show_bytes(machine.memory_bytes)} of memory and "
        f"{machine.network_gbit:g} Gbit/s."
    )


def _rows(plan: RunPlan) -> Iterator[Sequence[str]]:
    for stage in plan.stages:
        yield (
            stage.name, show_seconds(stage.seconds), f"{stage.seconds / plan.seconds:.0%}", stage.bound_by,
            show_bytes(stage.worker_bytes), show_bytes(stage.worker_bytes * plan.workers),
            show_bytes(stage.disk_bytes), show_bytes(stage.network_bytes),
        )  # fmt: skip
    yield (
        "total", show_seconds(plan.seconds), "100%", "", show_bytes(plan.worker_bytes),
        show_bytes(plan.worker_bytes * plan.workers), show_bytes(plan.disk_bytes), show_bytes(plan.network_bytes),
    )  # fmt: skip


def _needs(plan: RunPlan) -> Iterator[str]:
    if plan.machine.device is not None:
        yield (
            f"device memory a worker: {show_bytes(plan.device_bytes)} of {show_bytes(plan.machine.device.memory)}, "
            f"{show_bytes(plan.device_bytes * plan.workers)} in sum"
        )
    yield f"disk a worker, where the cache is spread over them: {show_bytes(plan.disk_bytes / plan.workers)}"
    yield f"memory of the driver: {show_bytes(plan.driver_bytes)}"


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) if place in (0, 3) else cell.rjust(width)
                 for place, (cell, width) in enumerate(zip(row, widths, strict=True))]  # fmt: skip
        yield "  ".join(cells).rstrip()


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")
