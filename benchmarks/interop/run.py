"""Read what foolsgold writes with the real loaders of training frameworks, each in an environment of its own.

python benchmarks/interop/run.py --envs benchmarks/.cache/interop [--sources DIR] [--only "PyLate" "ColBERT"]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from files import write_files
from frameworks import FRAMEWORKS, Framework

from foolsgold.errors import FoolsgoldError
from foolsgold.review.decision_log import DECISIONS_FILE, DecisionLog
from foolsgold.review.exchange import import_answers

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_TORCH_INDEX = os.environ.get("TORCH_CPU_INDEX", "https://download.pytorch.org/whl/cpu")
_PIP = ("-m", "pip", "install", "--quiet", "-c", str(_ROOT / "constraints.txt"))
_VARIABLES = {
    "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0",
}  # fmt: skip


def main() -> None:
    """Make environments, write files, run checks, print a table; results of frameworks not run again are kept."""
    options = _options()
    chosen = [framework for framework in FRAMEWORKS if options.only is None or framework.name in options.only]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = folder / "files"
        write_files(files)
        results = {}
        for framework in chosen:
            print(f"{framework.name} …", file=sys.stderr, flush=True)
            results[framework.name] = _try(framework, options.envs, options.sources, files, folder)
    path = _HERE / "results.json"
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    merged = {each.name: {**known, **results}[each.name] for each in FRAMEWORKS if each.name in {**known, **results}}
    path.write_text(json.dumps(merged, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print("\n".join(_table(merged)))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Try the loaders of training frameworks on foolsgold's files.")
    parser.add_argument("--envs", type=Path, default=_ROOT / "benchmarks" / ".cache" / "interop", metavar="DIR")
    parser.add_argument("--sources", type=Path, default=Path("none"), metavar="DIR", help="checkouts by name")
    parser.add_argument("--only", nargs="+", choices=[framework.name for framework in FRAMEWORKS], metavar="NAME")
    return parser.parse_args()


def _try(framework: Framework, envs: Path, sources: Path, files: Path, scratch: Path) -> dict[str, Any]:
    """What a framework's checks found, or why it could not be tried."""
    found: dict[str, Any] = {"python": platform.python_version(), "checkout": _checkout(framework, sources)}
    if framework.source and not (sources / framework.source).is_dir():
        return {**found, "why": f"not in the package index, and no checkout at --sources/{framework.source}"}
    python = envs / framework.checks / "bin" / "python"
    try:
        _make_environment(framework, python)
    except subprocess.CalledProcessError as error:
        return {**found, "why": f"could not be installed: {error.stderr.strip().splitlines()[-1]}"}
    out, own = scratch / f"{framework.checks}.json", scratch / framework.checks
    own.mkdir()
    command = [str(python), str(_HERE / "checks" / f"{framework.checks}.py"), "--files", str(files)]
    command += ["--sources", str(sources.resolve()), "--scratch", str(own), "--out", str(out)]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, env={**variables, **_VARIABLES}, capture_output=True, text=True, check=False)
    if not out.exists():
        return {**found, "why": f"its checks ended: {done.stderr.strip().splitlines()[-1]}"}
    report = json.loads(out.read_text("utf-8"))
    return {**found, **report, "results": [*report["results"], *_taken_in(own / "answers", files / "mined")]}


def _taken_in(answers: Path, mined: Path) -> list[dict[str, Any]]:
    """What foolsgold reads of the answers that an annotation tool exported."""
    results = []
    for path in sorted(answers.glob("*.json"), key=lambda path: path.stem):
        log = mined / DECISIONS_FILE
        log.unlink(missing_ok=True)
        result = {"form": "decisions.jsonl", "loader": f"foolsgold review --import, from {path.stem}"}
        try:
            n_added = import_answers(mined, path).added
            labels = [[*pair, label] for pair, label in DecisionLog(log).labels.items()]
            passed = sorted(labels) == sorted(json.loads((answers / "expected.txt").read_text("utf-8")))
            results.append({**result, "rows": n_added, "passed": passed and not import_answers(mined, path).added})
        except FoolsgoldError as error:
            results.append({**result, "rows": 0, "passed": False, "why": str(error)})
    return results


def _make_environment(framework: Framework, python: Path) -> None:
    """A virtual environment, unless it is there with the very same packages; torch comes first, for CPUs."""
    folder, wanted = python.parents[1], json.dumps([framework.packages, framework.alone])
    ready = folder / ".ready"
    if ready.exists() and ready.read_text("utf-8") == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", str(folder)])
    if framework.needs_torch:
        _run([str(python), *_PIP, "--no-deps", "--retries", "1", "--extra-index-url", _TORCH_INDEX, "torch"])
    _run([str(python), *_PIP, *(("torch",) if framework.needs_torch else ()), *framework.packages])
    if framework.alone:
        _run([str(python), *_PIP, "--no-deps", *framework.alone])
    ready.write_text(wanted, encoding="utf-8")


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


def _checkout(framework: Framework, sources: Path) -> str | None:
    """The commit of a checkout, and its day."""
    if framework.source is None or not (sources / framework.source).is_dir():
        return None
    command = ["git", "-C", str(sources / framework.source), "log", "-1", "--format=%h of %cs"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or None


def _table(results: dict[str, Any]) -> list[str]:
    lines = ["| framework | version | `--format` | read with | rows | |", "|---|---|---|---|---|---|"]
    for name, found in results.items():
        version = found["checkout"] or next(iter(found.get("versions", {}).values()), "")
        for each in found.get("results", [{"form": "", "loader": "", "rows": 0, "why": found.get("why")}]):
            verdict = "passed" if each.get("passed") else each.get("why") or "failed"
            cells = [name, version, each["form"], each["loader"], str(each["rows"] or ""), verdict]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
