"""The ways of one run, each from an empty cache, and whether they give the same."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow.parquet as pq
from processes import Measured, foolsgold, run_measured

LOCAL: list[str] = []
SHARDS = ["--engine", "shards"]


def on_ray(n_workers: int) -> list[str]:
    """Ray on this machine."""
    return ["--engine", "ray", "--address", "local", "--workers", str(n_workers)]


WAYS = {"local": LOCAL, "Ray, 1 worker": on_ray(1), "Ray, 2 workers": on_ray(2)}
_BATCH_ROWS = 256

Digests = dict[str, str]


def compared(flags: Sequence[str], scratch: Path, rounds: int) -> tuple[dict[str, Any], Digests]:
    """All ways in each round; outputs that differ are refused.

    Args:
        flags: the collection, and what encodes it.
        scratch: a folder for outputs and caches.
        rounds: how often.

    Returns:
        All runs and medians, where ratios are medians of those within a round; and the digests of the output.
    """
    by_round: list[dict[str, dict[str, Any]]] = []
    outputs: list[Digests] = []
    for _ in range(rounds):
        found = {way: mined(engine, flags, scratch / "work") for way, engine in WAYS.items()}
        outputs += [digests for _, digests in found.values()]
        check_same(outputs)
        by_round.append({way: run for way, (run, _) in found.items()})
    result = {
        "rounds": rounds,
        "digests": outputs[0],  # of every run: check_same has seen to it
        "runs": [{"way": way, **run} for runs in by_round for way, run in runs.items()],
        "table": [_row(way, by_round) for way in WAYS],
    }
    return result, outputs[0]


def _row(way: str, by_round: Sequence[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    return {
        "way": way,
        "seconds": median(runs[way]["seconds"] for runs in by_round),
        "to_local": median(runs[way]["seconds"] / runs["local"]["seconds"] for runs in by_round),
        "processor_seconds_to_local": median(
            runs[way]["processor_seconds"] / runs["local"]["processor_seconds"] for runs in by_round
        ),
        "anonymous_together": median(runs[way]["anonymous_together"] for runs in by_round),
    }


def mined(
    engine: Sequence[str], flags: Sequence[str], work: Path, *, more: Sequence[str] = ()
) -> tuple[dict[str, Any], Digests]:
    """Mine from an empty cache.

    Args:
        engine: flags of the engine.
        flags: the collection, and what encodes it.
        work: a folder, which is emptied.
        more: settings.

    Returns:
        The run, and a digest of each of its outputs.
    """
    shutil.rmtree(work, ignore_errors=True)
    command = foolsgold(
        "mine", *flags, *engine, "--out", str(work / "out"), "--cache", str(work / "cache"), "--device", "cpu",
        "--quiet", *more,
    )  # fmt: skip
    measured = run_measured(command, name=" ".join(engine) or "local")
    run = _told(measured, work / "out")
    print(*engine, *more, json.dumps({name: run[name] for name in ("seconds", "processor_seconds", "stages")}),
          file=sys.stderr, flush=True)  # fmt: skip
    digests = digests_of(work / "out")
    shutil.rmtree(work)
    return run, digests


def check_same(digests: Sequence[Digests]) -> None:
    """Refuse outputs that differ."""
    if any(other != digests[0] for other in digests):
        raise SystemExit(f"the outputs are not the same: {json.dumps(digests, indent=1)}")


def digests_of(out: Path) -> Digests:
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
