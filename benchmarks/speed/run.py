"""All benchmarks of speed in one command: raw numbers in results.json, and a figure of cost against N and Q.

python benchmarks/speed/run.py --data DATA
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import choosing
import encoding
import passes
import reading
import search
import voyager_parameters
import whole

HERE = Path(__file__).parent


def parts(data: Path, rounds: int, scratch: Path, n_documents: int | None) -> dict[str, Callable[[], Any]]:
    """What is measured, by name."""
    return {
        "search": lambda: search.measure(rounds),
        "gpu": lambda: search.measure_gpu(rounds),
        "growth": lambda: search.measure_growth(rounds, scratch),
        "voyager": lambda: voyager_parameters.measure(data),
        "choosing": lambda: choosing.measure(data / "medquad", rounds, scratch),
        "encoding": lambda: encoding.measure(data, rounds),
        "passes": lambda: passes.measure(data, rounds),
        "whole": lambda: whole.measure(data, rounds, n_documents=n_documents),
        "reading": lambda: reading.measure(rounds, scratch),
    }


def figure(growth: dict[str, Any], path: Path) -> None:
    """Seconds against documents and against queries, beside the multiplication alone."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "foolsgold", "font.size": 9})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3.2))
    rows = growth["table"]
    by_documents = [row for row in rows if row["n_queries"] == max(row["n_queries"] for row in rows)]
    fixed = next(row["n_documents"] for row in rows if row["n_queries"] < by_documents[0]["n_queries"])
    by_queries = sorted((row for row in rows if row["n_documents"] == fixed), key=lambda row: row["n_queries"])
    for axis, points, name, label in (
        (axes[0], by_documents, "n_documents", f"documents ({by_documents[0]['n_queries']:,} queries)"),
        (axes[1], by_queries, "n_queries", f"queries ({fixed:,} documents)"),
    ):
        x = [row[name] for row in points]
        bare = [row["seconds"] / row["to_multiplication"] for row in points]
        axis.plot(x, bare, "--", color="0.6", label="float32 multiplication alone")
        axis.plot(x, [row["seconds"] for row in points], "o-", color="#b8860b", label="exact_topk")
        axis.set(xlabel=label, ylabel="seconds", xlim=(0, None), ylim=(0, None))
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.tick_params(axis="x", labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].legend(frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure the parts asked for, and keep the others' numbers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the collection medquad")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--documents", type=int, help="of whole runs: a part of medquad (default: all)")
    parser.add_argument("--only", nargs="+", metavar="PART", help="search growth choosing encoding whole reading …")
    parser.add_argument("--out", type=Path, default=HERE)
    options = parser.parse_args()
    path = options.out / "results.json"
    results = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, measure in parts(options.data, options.rounds, Path(scratch), options.documents).items():
            if options.only is None or name in options.only:
                results[name] = {"machine": machine(), "result": measure()}
                path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
                print(name, json.dumps(results[name]["result"], indent=1), flush=True)
    if "growth" in results:
        figure(results["growth"]["result"], options.out / "growth.svg")


def machine() -> dict[str, Any]:
    """Processor and cores."""
    return {"processor": platform.machine(), "cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}


if __name__ == "__main__":
    main()
