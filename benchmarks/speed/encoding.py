"""Encoding: SentenceTransformer.encode as it comes, against foolsgold's encoder in float32 and in lower precision.

    python benchmarks/speed/encoding.py --data shared/data --json encoding.json

Speed: the same documents, all ways in turn within each round, medians over the rounds. Exactness: cosine with the
vectors of sentence-transformers, and for each query the share of its top 100 documents in common.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold import read_beir
from foolsgold.encode import SentenceTransformerEncoder

Vectors = NDArray[np.float32]
TOP = 100
_PEER = "sentence-transformers"


def measure(
    data: Path,
    rounds: int = 3,
    *,
    documents: int = 600,
    compared_documents: int = 2_000,
    compared_queries: int = 300,
    model: str = "offline",
    device: str | None = None,
) -> dict[str, Any]:
    """Times and exactness on MedQuAD.

    Args:
        data: folder that holds the collection `medquad` in BEIR layout.
        rounds: of each way, taken in turn.
        documents: how many are timed, evenly spread over the corpus and in its order.
        compared_documents: how many are searched for the share in common; they are encoded once more by each way.
        compared_queries: how many of them search, evenly spread.
        model: hub id or folder.
        device: None is the best there is.
    """
    collection = read_beir(data / "medquad")
    texts = _spread(list(dict.fromkeys(collection.document_texts())), documents)
    ways = _ways(model, device)
    for encode in ways.values():
        encode(texts[:64], "documents")  # weights read, graph written, kernels chosen
    times, vecs = _timed(ways, texts, rounds)
    corpus = _spread(list(dict.fromkeys(collection.document_texts())), compared_documents)
    queries = _spread(list(dict.fromkeys(collection.query_texts())), compared_queries)
    tops = {way: _top(encode(queries, "queries"), encode(corpus, "documents")) for way, encode in ways.items()}
    peer = statistics.median(times[_PEER])
    return {
        "machine": _machine(device),
        "model": model,
        "documents": len(texts),
        "mean_tokens": _mean_tokens(model, texts),
        "compared": {"documents": len(corpus), "queries": len(queries), "top": TOP},
        "ways": {
            way: {
                "seconds": times[way],
                "texts_per_second": len(texts) / statistics.median(times[way]),
                "times_faster": peer / statistics.median(times[way]),
                **_exactness(vecs[way], vecs[_PEER]),
                "top_in_common": _in_common(tops[way], tops[_PEER]),
            }
            for way in ways
        },
    }


def table(result: dict[str, Any]) -> str:
    """The result as a Markdown table."""
    lines = [
        f"| {result['model']}, {result['documents']:,} documents of {result['mean_tokens']:.0f} tokens | texts/s | "
        f"times {_PEER} | cosine, mean | least | top {TOP} in common |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for way, row in result["ways"].items():
        lines.append(
            f"| {way} | {row['texts_per_second']:,.1f} | {row['times_faster']:.2f} | {row['mean_cosine']:.6f} | "
            f"{row['least_cosine']:.6f} | {row['top_in_common']:.1%} |"
        )
    return "\n".join(lines)


def _ways(model: str, device: str | None) -> dict[str, Callable[[list[str], Any], Vectors]]:
    own = SentenceTransformerEncoder(model, device=device, num_workers=1)
    peer = own.model  # the same weights on the same device

    def as_it_comes(texts: list[str], side: str) -> Vectors:
        return np.asarray(peer.encode(texts, show_progress_bar=False), np.float32)

    others = ("float32", "int8") if peer.device.type == "cpu" else ("float32", "float16", "bfloat16")
    encoders = {name: SentenceTransformerEncoder(peer, num_workers=1, precision=name) for name in others}
    return {_PEER: as_it_comes, **{f"foolsgold, {name}": encoder.encode for name, encoder in encoders.items()}}


def _timed(
    ways: dict[str, Callable[[list[str], Any], Vectors]], texts: list[str], rounds: int
) -> tuple[dict[str, list[float]], dict[str, Vectors]]:
    times: dict[str, list[float]] = {way: [] for way in ways}
    vecs: dict[str, Vectors] = {}
    for _ in range(rounds):
        for way, encode in ways.items():
            start = time.perf_counter()
            vecs[way] = encode(texts, "documents")
            times[way].append(time.perf_counter() - start)
    return times, vecs


def _spread(texts: list[str], number: int) -> list[str]:
    rows = np.unique(np.linspace(0, len(texts) - 1, number).astype(int))
    return [texts[row] for row in rows]


def _unit(vecs: Vectors) -> NDArray[np.float64]:
    rows = vecs.astype(np.float64)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _exactness(vecs: Vectors, others: Vectors) -> dict[str, float]:
    cosines = (_unit(vecs) * _unit(others)).sum(axis=1)
    return {
        "mean_cosine": float(cosines.mean()),
        "least_cosine": float(cosines.min()),
        "largest_difference": float(np.abs(vecs - others).max()),
    }


def _top(query_vecs: Vectors, doc_vecs: Vectors) -> NDArray[np.int64]:
    return np.argsort(-(_unit(query_vecs) @ _unit(doc_vecs).T), axis=1, kind="stable")[:, :TOP]  # (Q, 100)


def _in_common(top: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    return float(np.mean([len(np.intersect1d(*rows)) for rows in zip(top, other, strict=True)]) / top.shape[1])


def _mean_tokens(model: str, texts: list[str]) -> float:
    tokens = SentenceTransformerEncoder(model, device="cpu").model.preprocess(texts)["attention_mask"]
    return float(tokens.sum(dim=1).double().mean())


def _machine(device: str | None) -> dict[str, Any]:
    import torch

    gpu = device != "cpu" and torch.cuda.is_available()
    return {
        "device": torch.cuda.get_device_name() if gpu else platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "torch": torch.__version__,
    }


def main() -> None:
    """Measure, print the table, keep the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the collection medquad")
    parser.add_argument("--json", type=Path, help="where the numbers are kept")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--documents", type=int, default=600, help="how many are timed")
    parser.add_argument("--compared-documents", type=int, default=2_000, help="how many are searched")
    parser.add_argument("--model", default="offline", help="hub id or folder")
    parser.add_argument("--device", help="cpu, cuda (default: the best there is)")
    options = parser.parse_args()
    result = measure(
        options.data, options.rounds, documents=options.documents, compared_documents=options.compared_documents,
        model=options.model, device=options.device,
    )  # fmt: skip
    print(table(result))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
