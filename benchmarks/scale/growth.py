"""Time and memory against the number of documents, on Ray with two workers, and what `foolsgold plan` says of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from statistics import median
from typing import Any

from made import DIMENSIONS, Made, make
from ways import mined, on_ray

from foolsgold.plan import Machine, RunPlan, plan_run
from foolsgold.plan.measure import MeasureSizes

DOCUMENTS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
N_WORKERS = 2
SIZES = MeasureSizes(documents=262_144, queries=8_192, texts=10_000, heard=1_024, keys=1_000_000)


def measure(scratch: Path, n_queries: int, rounds: int) -> dict[str, Any]:
    """Each size in each round, with its plan: the machine is measured at the beginning of the round."""
    runs: list[dict[str, Any]] = []
    for _ in range(rounds):
        machine = Machine.measured(cores=1, sizes=SIZES)
        for n_documents in DOCUMENTS:
            made = make(scratch / "made", n_documents, n_queries)
            planned = _plan(made, machine, n_documents, n_queries)
            run, _ = mined(on_ray(N_WORKERS), made.flags, scratch / "work")
            runs.append({
                "n_documents": n_documents, "corpus_bytes": made.n_bytes, "planned_seconds": planned.seconds,
                "planned_stages": planned.seconds_by_stage(), **run,
            })  # fmt: skip
            shutil.rmtree(scratch / "made")
    return {"n_queries": n_queries, "rounds": rounds, "runs": runs, "table": [_row(runs, n) for n in DOCUMENTS]}


def _plan(made: Made, machine: Machine, n_documents: int, n_queries: int) -> RunPlan:
    return plan_run(
        n_documents, n_queries, DIMENSIONS, machine=machine, workers=N_WORKERS,
        bytes_per_document=round(made.text_bytes / n_documents),
    )  # fmt: skip


def _row(runs: list[dict[str, Any]], n_documents: int) -> dict[str, float]:
    of_size = [run for run in runs if run["n_documents"] == n_documents]
    return {
        "n_documents": n_documents,
        "share_bytes": of_size[0]["corpus_bytes"] // N_WORKERS,
        "worker_anonymous": median(run["peak_anonymous"]["holder or encoder"] for run in of_size),
        "driver_anonymous": median(run["peak_anonymous"]["driver"] for run in of_size),
        "seconds": median(run["seconds"] for run in of_size),
        "planned_seconds": median(run["planned_seconds"] for run in of_size),
        "planned_to_taken": median(run["planned_seconds"] / run["seconds"] for run in of_size),
    }
