"""Memory of workers against the size of their shards, and a corpus of three times the memory allowed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from made import Made, make
from ways import LOCAL, SHARDS, check_same, mined, on_ray

SHARES = ((250_000, 2), (250_000, 1), (500_000, 2), (500_000, 1), (1_000_000, 2), (1_000_000, 1))  # documents, workers
TIMES = 3  # of the memory allowed


def measure(scratch: Path, n_documents: int, n_queries: int) -> dict[str, Any]:
    """Both."""
    table = [_of_share(scratch, n_queries, *each) for each in SHARES]
    made = make(scratch / "made", n_documents, n_queries)
    return {"n_queries": n_queries, "table": table, "beyond": _beyond(made, scratch)}


def _of_share(scratch: Path, n_queries: int, n_documents: int, n_workers: int) -> dict[str, Any]:
    """The most memory of a holder: its own, and with its part of the files that it maps."""
    made = make(scratch / "made", n_documents, n_queries)
    run, _ = mined(on_ray(n_workers), made.flags, scratch / "work", with_shared=True)
    shutil.rmtree(scratch / "made")
    return {
        "n_documents": n_documents, "n_workers": n_workers, "share_bytes": made.n_bytes // n_workers,
        "holder_anonymous": run["peak_anonymous"]["holder"], "holder_proportional": run["peak_proportional"]["holder"],
        "driver_anonymous": run["peak_anonymous"]["driver"], "run": run,
    }  # fmt: skip


def _beyond(made: Made, scratch: Path) -> dict[str, Any]:
    """Mined with a third of its size as memory allowed, and again without a limit: the same?"""
    allowed = made.n_bytes // TIMES
    limited, of_limited = mined(SHARDS, made.flags, scratch / "work", more=_limit(allowed))
    free, of_free = mined(LOCAL, made.flags, scratch / "work")
    check_same([of_limited, of_free])
    return {
        "corpus_bytes": made.n_bytes, "memory_allowed": allowed, "peak_anonymous": limited["peak_anonymous"]["driver"],
        "limited": limited, "unlimited": free,
    }  # fmt: skip


def _limit(n_bytes: int) -> list[str]:
    return ["--memory", f"{n_bytes // 10**6}MB"]
