"""A limit for the memory of a whole run, watched from outside."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from conftest import write_jsonl

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="memory that is no file's is told apart on Linux alone"),
]
N_DOCUMENTS, N_QUERIES, DIMENSIONS = 20_000, 10_000, 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collection of drawn words with vectors: query i asks for document i."""
    folder = tmp_path_factory.mktemp("drawn")
    generator = np.random.default_rng(0)
    words = generator.integers(0, 5_000, (N_DOCUMENTS, 48))
    texts = [" ".join(f"w{word}" for word in row) + f" no{i}" for i, row in enumerate(words)]
    docs = [{"_id": f"d{i}", "title": "", "text": text} for i, text in enumerate(texts)]
    queries = [{"_id": f"q{i}", "text": " ".join(texts[i].split()[:8]) + f" q{i}"} for i in range(N_QUERIES)]
    write_jsonl(folder / "corpus.jsonl", docs)
    write_jsonl(folder / "queries.jsonl", queries)
    judged = "".join(f"q{i}\td{i}\t1\n" for i in range(N_QUERIES))
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}", encoding="utf-8")
    doc_vecs = generator.normal(size=(N_DOCUMENTS, DIMENSIONS)).astype(np.float32)
    noise = generator.normal(size=(N_QUERIES, DIMENSIONS)).astype(np.float32)
    np.save(folder / "docs.npy", doc_vecs)
    np.save(folder / "queries.npy", doc_vecs[:N_QUERIES] + np.float32(0.7) * noise)
    return folder


def watched(folder: Path, *options: str) -> tuple[int, int, str]:
    """Exit status, the most memory that was no file's, and messages."""
    command = [
        sys.executable, "-m", "foolsgold.cli", "mine", "--collection", str(folder),
        "--doc-vectors", str(folder / "docs.npy"), "--query-vectors", str(folder / "queries.npy"),
        "--cache", "none", "--quiet", *options,
    ]  # fmt: skip
    process = psutil.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = 0
    while process.poll() is None:
        try:
            memory = process.memory_info()
            peak = max(peak, memory.rss - memory.shared)
        except psutil.Error:
            pass
        time.sleep(0.01)
    return process.returncode, peak, process.communicate()[1]


def test_a_whole_run_keeps_to_its_limit(folder: Path, tmp_path: Path) -> None:
    free = watched(folder, "--out", str(tmp_path / "free"))
    held = watched(folder, "--out", str(tmp_path / "held"), "--memory", "400MB")
    assert (free[0], held[0]) == (0, 0), free[2] + held[2]
    assert held[1] < min(400e6, free[1])
    for name in ("candidates.parquet", "negatives.parquet", "train.jsonl"):
        assert (tmp_path / "held" / name).read_bytes() == (tmp_path / "free" / name).read_bytes()


def test_a_limit_that_leaves_nothing_to_work_with(folder: Path, tmp_path: Path) -> None:
    status, _, message = watched(folder, "--out", str(tmp_path / "out"), "--memory", "100MB")
    assert status == 2
    assert "memory is 100MB" in message
    assert "Give at least" in message
    assert not (tmp_path / "out").exists()
