"""Does the choice of negatives make a better model? nDCG@10 after fine-tuning with each rule's negatives."""

from __future__ import annotations

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rules import DEFAULT, RULES, TUNING

SIZES = {
    "small": {"medquad": (2_000, 600, 1_000, 25), "argkp": (4_000, 1_600, 1_500, 40)},
    "large": {"medquad": (100_000, 8_000, 2_000, 500), "argkp": (100_000, 4_000, 1_000, 250)},
}
"""Documents, training queries, test queries, steps of 16 rows: for two CPU cores, and for a GPU."""


def main() -> None:
    """Run what is missing, and write results.json after each run."""
    options = _arguments()
    done = json.loads(options.out.read_text()) if options.out.is_file() else []
    known = {(run["task"], run["rule"], run["seed"]) for run in done}
    if options.part == "tuning" and options.size == "large":
        raise SystemExit("--part tuning: the large size takes all documents, so that none are left; take --size small")
    wanted = [
        (task, rule, seed)
        for seed in range(options.seeds)
        for task in options.tasks
        for rule in options.rules
        if (task, rule, seed) not in known and not (rule == "no training" and seed)
    ]
    workers = ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn"))
    with workers:
        for found in workers.map(
            _run, [(*run, options.part, options.data, options.size, options.device, options.cache) for run in wanted]
        ):
            done.append(found)
            print(json.dumps(found), flush=True)
            options.out.write_text(json.dumps(done, indent=1) + "\n")
    print(table(done))


def _run(run: tuple[str, str, int, str, Path, str, str, Path]) -> dict[str, Any]:
    """One rule on one task with one seed, in a process of its own."""
    import torch
    from fine_tune import fine_tune, load, ndcg_at_10
    from tasks import TASKS

    name, rule, seed, part, data, size, device, cache = run
    if device == "cpu":
        torch.set_num_threads(1)
    n_documents, n_train, n_test, steps = SIZES[size][name]
    task = TASKS[name](data, n_documents=n_documents, n_train=n_train, n_test=n_test, part=part)
    model = load(task, device)
    started = time.perf_counter()
    found: dict[str, Any] = {"task": name, "rule": rule, "seed": seed, "part": part, "size": size}
    if rule != "no training":
        rows, described = mined_rows(task, vectors_of(task, model, f"{part}.{size}", cache), rule, seed)
        found |= described
        fine_tune(model, rows, list(task.hidden), steps=steps, seed=seed)
    ndcg = ndcg_at_10(model, task)
    return {**found, "ndcg_at_10": float(ndcg.mean()), "queries": len(ndcg), "seconds": time.perf_counter() - started}


def vectors_of(task: Any, model: Any, version: str, cache: Path) -> Any:
    """What the model makes of the task before training, for mining; kept in `cache` for the other rules and seeds."""
    from foolsgold import MiningSettings, PrecomputedVectors
    from foolsgold.encode import encode

    files = [cache / f"training.{task.name}.{version}.{side}.npy" for side in ("queries", "documents")]
    if not all(file.is_file() for file in files):
        cache.mkdir(parents=True, exist_ok=True)
        encoded = encode(task.train, model, MiningSettings(quiet=True))
        for file, vectors in zip(files, (encoded.query_vecs, encoded.doc_vecs), strict=True):
            np.save(file, vectors.values)
    return PrecomputedVectors(*map(str, files))


def mined_rows(task: Any, vectors: Any, rule: str, seed: int) -> tuple[list[list[str]], dict[str, Any]]:
    """Rows of (query, positive, negatives …) by a rule, with the share of false negatives among them."""
    from foolsgold import MiningSettings, mine

    settings = {**RULES, **TUNING}[rule]
    result = mine(task.train, vectors, MiningSettings(**{**(settings or {}), "seed": seed, "quiet": True}))
    rows = [list(row.values()) for row in result.to_dataset("n-tuple").to_list()]
    if settings is None:
        return [row[:2] for row in rows], {"rows": len(rows)}
    place = {text: row for row, text in enumerate(task.documents)}
    false = [place[negative] in task.hidden[row[0]] for row in rows for negative in row[2:]]
    return rows, {
        "rows": len(rows),
        "false_negative_ratio": float(np.mean(false)),
        "expected_false_negative_ratio": result.report["expected_false_negative_ratio"],
        "hardness": result.hardness,
    }


def table(done: list[dict[str, Any]]) -> str:
    """Mean and standard deviation over seeds, and how far the default is ahead with the same seeds, as Markdown."""
    tasks = sorted({run["task"] for run in done})
    lines = [
        "| negatives | "
        + " | ".join(f"{task}: false negatives | nDCG@10 | foolsgold ahead by" for task in tasks)
        + " | mean |"
    ]
    lines.append("|---|" + "---|---|---|" * len(tasks) + "---|")
    for rule in dict.fromkeys((*RULES, *TUNING)):
        cells, means = [], []
        for task in tasks:
            runs = [run for run in done if run["task"] == task and run["rule"] == rule]
            scores = [run["ndcg_at_10"] for run in runs]
            false = [run["false_negative_ratio"] for run in runs if "false_negative_ratio" in run]
            cells.append(f"{np.mean(false):.1%}" if false else "")
            spread = f" ± {np.std(scores):.4f}" if len(scores) > 1 else ""
            cells += [f"{np.mean(scores):.4f}{spread}" if scores else "", _ahead(done, task, runs)]
            means += [np.mean(scores)] if scores else []
        if means:
            mean = f"{np.mean(means):.4f}" if len(means) == len(tasks) else ""
            lines.append(f"| {rule} | " + " | ".join([*cells, mean]) + " |")
    return "\n".join(lines)


def _ahead(done: list[dict[str, Any]], task: str, runs: list[dict[str, Any]]) -> str:
    """By how much the default is ahead in the mean, and with how many of the seeds that both were run with."""
    default = {run["seed"]: run["ndcg_at_10"] for run in done if run["task"] == task and run["rule"] == DEFAULT}
    ahead = [default[run["seed"]] - run["ndcg_at_10"] for run in runs if run["seed"] in default]
    if not ahead or runs[0]["rule"] == DEFAULT:
        return ""
    return f"{np.mean(ahead):+.4f}, {sum(each > 0 for each in ahead)} of {len(ahead)}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of collections in BEIR layout")
    parser.add_argument(
        "--part", default="test", choices=["test", "tuning"], help="tuning: other documents and queries"
    )
    parser.add_argument(
        "--out", type=Path, help="raw numbers; default: results.json, for tuning tuning.json, beside this"
    )
    parser.add_argument("--cache", type=Path, default=Path("benchmarks/.cache"), help="where vectors are kept")
    parser.add_argument("--tasks", nargs="+", default=["medquad", "argkp"])
    parser.add_argument("--rules", nargs="+", default=list(RULES), choices=[*RULES, *TUNING])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--size", default="small", choices=list(SIZES))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=2, help="runs at once, each with one thread on a CPU")
    options = parser.parse_args()
    options.out = options.out or Path(__file__).with_name("results.json" if options.part == "test" else "tuning.json")
    return options


if __name__ == "__main__":
    main()
