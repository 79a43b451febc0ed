"""A corpus of three times the memory allowed, mined in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from made import Made
from ways import SHARDS, Digests, check_same, mined

TIMES = 3  # of the memory allowed


def beyond(made: Made, scratch: Path, expected: Digests) -> dict[str, Any]:
    """With a third of the corpus as `--memory`; refused unless the output is that of a run without a limit."""
    allowed = made.n_bytes // TIMES
    run, digests = mined(SHARDS, made.flags, scratch / "work", more=["--memory", f"{allowed // 10**6}MB"])
    check_same([expected, digests])
    return {
        "corpus_bytes": made.n_bytes, "memory_allowed": allowed, "peak_anonymous": run["peak_anonymous"]["driver"],
        "run": run,
    }  # fmt: skip
