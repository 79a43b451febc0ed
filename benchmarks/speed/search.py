"""Exact search beside the bare multiplication, FAISS, sentence-transformers and Voyager; and how it grows.

Vectors are drawn at random, of unit length: the hardest case for any bound on scores, since they lie closest together.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from foolsgold import exact_topk

N, Q, D, K = 100_000, 20_000, 384, 110
GROWTH = [(n, 20_000) for n in (125_000, 250_000, 500_000, 1_000_000)] + [(250_000, q) for q in (2_500, 5_000, 10_000)]
GPU = 1_000_000, 100_000
_TILE, _BLOCK = 1_024, 8_192
_FAISS_BATCH = 16_384  # as sentence-transformers has it

Floats = NDArray[np.float32]


def measure(rounds: int) -> dict[str, Any]:
    """Seconds of each way to find the 110 nearest of 100,000 documents to 20,000 queries, in interleaved rounds."""
    docs, queries = unit_vecs(N, seed=1), unit_vecs(Q, seed=2)
    ways: dict[str, Callable[[Floats, Floats], object]] = {
        "multiplication alone": bare_multiplication,
        "foolsgold, float32": lambda q, d: exact_topk(q, d, K, first_pass="float32"),
        "foolsgold, int8": lambda q, d: exact_topk(q, d, K, first_pass="int8"),
        "foolsgold": lambda q, d: exact_topk(q, d, K),
        "sentence-transformers": of_sentence_transformers,
        "FAISS IndexFlatIP": faiss_flat,
        "Voyager, build and query": voyager_query,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    memory: dict[str, int] = {}
    for _ in range(rounds):
        for name, way in ways.items():
            with peak_anonymous_memory() as peak:
                seconds[name].append(timed(way, queries, docs))
            memory[name] = max(memory.get(name, 0), peak.n_bytes)
    rows = [
        {"way": name, "seconds": median(values), "to_multiplication": _ratio(values, seconds["multiplication alone"]),
         "to_foolsgold": _ratio(values, seconds["foolsgold"]), "memory_above_vectors_bytes": memory[name]}
        for name, values in seconds.items()
    ]  # fmt: skip
    return {"n_documents": N, "n_queries": Q, "dimensions": D, "k": K, "raw_seconds": seconds, "table": rows}


def measure_growth(rounds: int, scratch: Path) -> dict[str, Any]:
    """Seconds and memory beside memory-mapped vectors, for more documents and more queries."""
    path = scratch / "docs.npy"
    write_unit_vecs(path, max(n for n, _ in GROWTH))
    docs, queries = np.load(path, mmap_mode="r"), unit_vecs(max(q for _, q in GROWTH), seed=2)
    rows = []
    for n_docs, n_queries in GROWTH:
        seconds, memory = [], []
        bare = [timed(bare_multiplication, queries[:n_queries], docs[:n_docs])]
        for _ in range(rounds):
            with peak_anonymous_memory() as peak:
                seconds.append(timed(lambda q, d: exact_topk(q, d, K), queries[:n_queries], docs[:n_docs]))
            memory.append(peak.n_bytes)
        rows.append({"n_documents": n_docs, "n_queries": n_queries, "seconds": median(seconds),
                     "to_multiplication": median(seconds) / bare[0], "memory_beside_vectors_bytes": max(memory),
                     "raw_seconds": seconds, "raw_multiplication_seconds": bare})  # fmt: skip
    return {"dimensions": D, "k": K, "table": rows}


def measure_gpu(rounds: int) -> dict[str, Any] | None:
    """100,000 queries in 1,000,000 documents on a GPU, beside the multiplication there; None without a GPU."""
    if not torch.cuda.is_available():
        return None
    docs, queries = unit_vecs(GPU[0], seed=1), unit_vecs(GPU[1], seed=2)
    exact_topk(queries[:1_000], docs[:10_000], K, device="cuda")  # sets up
    bare, seconds = [], []
    for _ in range(rounds):
        bare.append(timed(bare_multiplication_on_gpu, queries, docs))
        seconds.append(timed(lambda q, d: exact_topk(q, d, K, device="cuda"), queries, docs))
    return {"device": torch.cuda.get_device_name(), "n_documents": GPU[0], "n_queries": GPU[1], "raw_seconds": seconds,
            "raw_multiplication_seconds": bare, "to_multiplication": _ratio(seconds, bare)}  # fmt: skip


def unit_vecs(n: int, *, seed: int) -> Floats:
    """Shape (n, D)."""
    vecs = np.random.default_rng(seed).standard_normal((n, D), dtype=np.float32)
    return vecs / np.linalg.norm(vecs, axis=1, keepdims=True)


def write_unit_vecs(path: Path, n: int) -> None:
    """The same into a file, block by block."""
    file = np.lib.format.open_memmap(path, "w+", np.float32, (n, D))
    for start in range(0, n, 50_000):
        file[start : start + 50_000] = unit_vecs(min(50_000, n - start), seed=start + 10)
    file.flush()


def bare_multiplication(queries: Floats, docs: Floats) -> None:
    """All products, block by block into one buffer, and nothing else."""
    buffer = np.empty(_TILE * _BLOCK, np.float32)
    for start in range(0, len(queries), _TILE):
        tile = queries[start : start + _TILE]
        for first in range(0, len(docs), _BLOCK):
            block = docs[first : first + _BLOCK]
            np.matmul(tile, block.T, out=buffer[: len(tile) * len(block)].reshape(len(tile), len(block)))


def bare_multiplication_on_gpu(queries: Floats, docs: Floats) -> None:
    """Likewise, of vectors that lie on the device already."""
    q, d = torch.from_numpy(queries).cuda(), torch.from_numpy(docs).cuda()
    torch.cuda.synchronize()
    for start in range(0, len(q), 8_192):
        for first in range(0, len(d), 32_768):
            torch.mm(q[start : start + 8_192], d[first : first + 32_768].T)
    torch.cuda.synchronize()


def of_sentence_transformers(queries: Floats, docs: Floats) -> None:
    """What its `mine_hard_negatives` does without FAISS."""
    from sentence_transformers import util

    corpus = torch.as_tensor(docs)
    for start in range(0, len(queries), _FAISS_BATCH):
        torch.topk(util.cos_sim(queries[start : start + _FAISS_BATCH], corpus), k=K, dim=1)


def faiss_flat(queries: Floats, docs: Floats) -> None:
    """What it does with FAISS."""
    import faiss

    index = faiss.IndexFlatIP(D)
    index.add(docs)
    for start in range(0, len(queries), _FAISS_BATCH):
        index.search(queries[start : start + _FAISS_BATCH], k=K)


def voyager_query(queries: Floats, docs: Floats) -> None:
    """Its defaults, all threads, one call."""
    import voyager

    index = voyager.Index(voyager.Space.InnerProduct, D, max_elements=len(docs))
    index.add_items(docs)
    index.query(queries, k=K)


def timed(way: Callable[[Floats, Floats], object], queries: Floats, docs: Floats) -> float:
    """Seconds."""
    started = time.perf_counter()
    way(queries, docs)
    return time.perf_counter() - started


class Peak:
    """Bytes above where it began."""

    n_bytes = 0


@contextmanager
def peak_anonymous_memory() -> Iterator[Peak]:
    """The most memory in use at once that is no file's, above where it began; sampled 100 times a second."""
    before, peak, stop = _anonymous_bytes(), Peak(), threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            peak.n_bytes = max(peak.n_bytes, _anonymous_bytes() - before)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _anonymous_bytes() -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no RssAnon; this benchmark needs Linux")


def _ratio(values: list[float], others: list[float]) -> float:
    """The median of the ratios of the rounds."""
    return median(value / other for value, other in zip(values, others, strict=True))


def main() -> None:
    """Print a table, and write the raw numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--growth", action="store_true", help="also the growth with documents and queries")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    result: dict[str, Any] = {"search": measure(options.rounds), "gpu": measure_gpu(options.rounds)}
    if options.growth:
        with tempfile.TemporaryDirectory() as scratch:
            result["growth"] = measure_growth(options.rounds, Path(scratch))
    print(json.dumps(result, indent=1))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
