"""How fast a corpus is read, and in how much memory: a million documents in JSON lines, generated.

`measure(rounds, scratch)` writes the files, and reads each time in a process of its own.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

N_DOCUMENTS = 1_000_000
_WORDS_A_DOCUMENT = 70
_MEGABYTE = 1e6

_READ = """
import json, sys
from time import perf_counter
import pyarrow
from foolsgold.collection import read_files
def resident(what):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))
before, start = resident("RssAnon"), perf_counter()
collection = read_files(*sys.argv[1:4])
seconds = perf_counter() - start
peak = resident("VmHWM")
print(json.dumps({
    "documents": collection.n_documents,
    "text_bytes": collection.corpus.nbytes,
    "seconds": seconds,
    "peak_bytes_above_start": peak - before,
    "private_bytes_above_start": resident("RssAnon") - before,
}))
"""


def measure(rounds: int, scratch: Path, n_documents: int = N_DOCUMENTS) -> dict[str, Any]:
    """Read a generated corpus several times.

    Args:
        rounds: how often; medians are given.
        scratch: an empty folder on a disk; the files are removed again.
        n_documents: in the corpus.

    Returns:
        Documents, bytes of the files, seconds, the peak of resident memory above the interpreter's start, and how much
        private memory is left when all is read: what is mapped from a file is the system's to drop.
    """
    paths = [scratch / name for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv")]
    try:
        _write(paths, n_documents)
        n_bytes = sum(path.stat().st_size for path in paths)
        runs = [_read(paths) for _ in range(rounds)]
    finally:
        for path in paths:
            path.unlink(missing_ok=True)
    middle = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return {"file_bytes": n_bytes, **middle, "rounds": rounds}


def _write(paths: list[Path], n_documents: int) -> None:
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"word{number:x}" for number in range(50_000)])
    corpus, queries, qrels = paths
    with corpus.open("w") as file:
        for first in range(0, n_documents, 10_000):
            chosen = rng.integers(0, len(vocabulary), (min(10_000, n_documents - first), _WORDS_A_DOCUMENT))
            for row, words in enumerate(vocabulary[chosen].tolist(), start=first):
                file.write(json.dumps({"_id": f"document-{row}", "title": words[0], "text": " ".join(words)}) + "\n")
    queries.write_text("".join(json.dumps({"_id": f"q{row}", "text": f"question {row}"}) + "\n" for row in range(1000)))
    qrels.write_text("query-id\tcorpus-id\tscore\n" + "".join(f"q{row}\tdocument-{row}\t1\n" for row in range(1000)))


def _read(paths: list[Path]) -> dict[str, float]:
    found = subprocess.run([sys.executable, "-c", _READ, *map(str, paths)], capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(found.stdout)
    return result


if __name__ == "__main__":
    print(json.dumps(measure(rounds=3, scratch=Path(sys.argv[1])), indent=2))
