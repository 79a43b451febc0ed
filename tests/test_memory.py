"""The limit that --memory sets, kept by a real process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import write_jsonl

N_DOCUMENTS, N_QUERIES, DIMENSIONS = 60_000, 4_000, 256

# The most memory that is no file's, sampled 200 times a second, and what was in use before any work.
RUN = """
import sys, threading, time
import torch, scipy.sparse, bm25s  # what mine imports on its way
def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))
peak = [anonymous()]
def watch():
    while True:
        peak[0] = max(peak[0], anonymous())
        time.sleep(0.005)
threading.Thread(target=watch, daemon=True).start()
from foolsgold.cli import main
status = main(sys.argv[1:])
print(peak[0])
sys.exit(status)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_limit_for_memory_is_kept_and_changes_no_byte(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    write_jsonl(tmp_path / "corpus.jsonl", [{"_id": f"d{n}", "text": f"text {n}"} for n in range(N_DOCUMENTS)])
    write_jsonl(tmp_path / "queries.jsonl", [{"_id": f"q{n}", "text": f"query {n}"} for n in range(N_QUERIES)])
    judged = "".join(f"q{n}\td{n}\t1\n" for n in range(N_QUERIES))
    (tmp_path / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}", encoding="utf-8")
    docs = rng.standard_normal((N_DOCUMENTS, DIMENSIONS), dtype=np.float32)
    np.save(tmp_path / "docs.npy", docs)
    np.save(tmp_path / "queries.npy", docs[:N_QUERIES] + rng.standard_normal((N_QUERIES, DIMENSIONS), np.float32))
    free, limited = (
        mined(tmp_path, name, *limit) for name, limit in (("free", ()), ("limited", ("--memory", "600MB")))
    )
    assert limited < 600e6 < free
    for name in ("train.jsonl", "negatives.parquet", "candidates.parquet"):
        assert (tmp_path / "free" / name).read_bytes() == (tmp_path / "limited" / name).read_bytes()


def mined(folder: Path, out: str, *flags: str) -> int:
    """The peak of a run."""
    command = [
        sys.executable, "-c", RUN, "mine", "--collection", str(folder), "--doc-vectors", str(folder / "docs.npy"),
        "--query-vectors", str(folder / "queries.npy"), "--out", str(folder / out), "--cache", "none", "--quiet",
        *flags,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])
