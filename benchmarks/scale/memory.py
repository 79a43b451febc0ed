"""A corpus of three times the memory allowed, mined in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from made import Made
from ways import SHARDS, Digests, mined

TIMES = 3  # of the memory allowed


def beyond(made: Made, scratch: Path) -> tuple[dict[str, Any], Digests]:
    """With a third of the corpus as `--memory`: the run, and the digests of its output."""
    allowed = made.n_bytes // TIMES
    run, digests = mined(SHARDS, made.flags, scratch / "work", more=["--memory", f"{allowed // 10**6}MB"])
    result = {
        "corpus_bytes": made.n_bytes, "memory_allowed": allowed, "peak_anonymous": run["peak_anonymous"]["driver"],
        "run": run,
    }  # fmt: skip
    return result, digests
