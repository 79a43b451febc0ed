"""Runs on every engine, measured: raw numbers in results.json.

python benchmarks/scale/run.py --data DATA
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import growth
import memory
import ways
from made import make

HERE = Path(__file__).parent
N_DOCUMENTS, N_QUERIES = 1_000_000, 20_000


def parts(data: Path, rounds: int, scratch: Path) -> dict[str, Callable[[], Any]]:
    """What is measured, by name."""
    medquad = ["--collection", str(data / "medquad"), "--model", "offline"]
    return {
        "growth": lambda: growth.measure(scratch, N_QUERIES, rounds),
        "made": lambda: of_made(scratch, rounds),
        "medquad": lambda: ways.compared(medquad, scratch, rounds)[0],
    }


def of_made(scratch: Path, rounds: int) -> dict[str, Any]:
    """A million vectors on each engine, and in a third of the memory that they would fill."""
    made = make(scratch / "made", N_DOCUMENTS, N_QUERIES)
    limited, digests = memory.beyond(made, scratch)
    result, others = ways.compared(made.flags, scratch, rounds)
    ways.check_same([digests, others])
    return {**result, "beyond": limited}


def main() -> None:
    """Measure the parts asked for, and keep the others' numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the collection medquad")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", metavar="PART", help="growth made medquad")
    parser.add_argument("--scratch", type=Path, help="a folder with room for 8 GB (default: the system's own)")
    parser.add_argument("--out", type=Path, default=HERE / "results.json")
    options = parser.parse_args()
    results = json.loads(options.out.read_text("utf-8")) if options.out.is_file() else {}
    for name in options.only or parts(options.data, options.rounds, HERE):
        with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
            measured = parts(options.data, options.rounds, Path(scratch))[name]()
        results[name] = {"machine": machine(), "result": measured}
        options.out.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
        print(name, json.dumps(measured.get("table", measured), indent=1), flush=True)


def machine() -> dict[str, Any]:
    """Processor, cores and versions."""
    cores = len(os.sched_getaffinity(0))
    return {"processor": platform.machine(), "cores": cores, "python": platform.python_version(), "ray": version("ray")}


if __name__ == "__main__":
    main()
