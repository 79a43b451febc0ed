"""The ways of one run, each from an empty cache, and whether they give the same."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from processes import Measured, foolsgold, run_measured

LOCAL = "local"
WAYS: dict[str, list[str]] = {
    LOCAL: [],
    "shards": ["--engine", "shards"],
    "Ray, 1 worker": ["--engine", "ray", "--address", "local", "--workers", "1"],
    "Ray, 2 workers": ["--engine", "ray", "--address", "local", "--workers", "2"],
}
_BATCH_ROWS = 256


class Run(dict[str, Any]):
    """What one run took, as JSON has it."""


def mined(
    way: str, flags: Sequence[str], work: Path, *, more: Sequence[str] = (), with_shared: bool = False
) -> tuple[Run, dict[str, str]]:
    """Mine from an empty cache.

    Args:
        way: a key of `WAYS`, or flags of the engine.
        flags: the collection, and what encodes it.
        work: a folder, which is emptied.
        more: settings.
        with_shared: see `run_measured`.

    Returns:
        The run, and a digest of each of its outputs.
    """
    shutil.rmtree(work, ignore_errors=True)
    command = foolsgold(
        "mine", *flags, *WAYS[way], "--out", str(work / "out"), "--cache", str(work / "cache"), "--device", "cpu",
        "--quiet", *more,
    )  # fmt: skip
    measured = run_measured(command, name=way, with_shared=with_shared)
    run = Run(way=way, **_told(measured, work / "out"))
    print({name: run[name] for name in ("way", "seconds", "processor_seconds", "stages")}, file=sys.stderr, flush=True)
    digests = digests_of(work / "out")
    shutil.rmtree(work)
    return run, digests


def check_same(digests: Sequence[dict[str, str]]) -> None:
    """Refuse outputs that differ."""
    if any(other != digests[0] for other in digests):
        raise SystemExit(f"the outputs are not the same: {json.dumps(digests, indent=1)}")


def digests_of(out: Path) -> dict[str, str]:
    """Of the training file's bytes, and of the rows of candidates and negatives, whatever shards they lie in."""
    names = ("candidates.parquet", "negatives.parquet")
    return {"train.jsonl": _of_bytes(out / "train.jsonl"), **{name: _of_rows(out / name) for name in names}}


def _of_bytes(path: Path) -> str:
    digest = blake2b(digest_size=16)
    for file in _files(path):
        with file.open("rb") as opened:
            while content := opened.read(1 << 20):
                digest.update(content)
    return digest.hexdigest()


def _of_rows(path: Path) -> str:
    digest = blake2b(digest_size=16)
    for file in _files(path):
        for batch in pq.ParquetFile(file).iter_batches(_BATCH_ROWS):
            for row in batch.to_pylist():
                digest.update(repr(row).encode())
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def _told(measured: Measured, out: Path) -> dict[str, Any]:
    """With the stages of the report, in seconds."""
    report = json.loads((out / "report.json").read_text("utf-8"))
    return {**measured.as_dict(), "stages": {stage["stage"]: stage["seconds"] for stage in report["stages"]}}
