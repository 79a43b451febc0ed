"""Whole runs on MedQuAD, from files to a training file, with the same encoder in float32; and the run after it.

Each run is a process of its own, imports and loading included, and starts without a cache:

* foolsgold: `foolsgold mine` with its defaults, four negatives a pair; then the same with another margin.
* sentence-transformers: `mine_hard_negatives` with four negatives below 95% of the positive's score, without FAISS and
  with it, written by `to_json`.
* RAGatouille's way: documents in batches into a Voyager index, then one encoder call and one index call per query, four
  negatives from rank 10 on, written as triplets.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from peak import peak_bytes

from foolsgold import read_beir
from foolsgold.cli import main as foolsgold
from foolsgold.encode.load_model import offline_model_folder

N_NEGATIVES, DEPTH, MIN_RANK = 4, 100, 10
FIRST = "foolsgold"
ORDER = (FIRST, "foolsgold, second run", "sentence-transformers", "sentence-transformers, FAISS", "RAGatouille's way")


def measure(data: Path, rounds: int, *, n_documents: int | None, ways: Sequence[str] = ORDER) -> dict[str, Any]:
    """Seconds and peak memory of each, in interleaved rounds.

    Args:
        data: the folder with the collection medquad.
        rounds: runs of each.
        n_documents: take so many, spread evenly, and the queries that have a positive among them; None: all.
        ways: some of `ORDER`, foolsgold's first run among them.
    """
    raw: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        collection = Path(scratch) / "medquad"
        sizes = write_part(data / "medquad", collection, n_documents)
        for _ in range(rounds):
            shutil.rmtree(Path(scratch) / "work", ignore_errors=True)
            raw += [_in_new_process(way, collection, Path(scratch) / "work") for way in ways]
    rows = [{"way": way, **_medians([run for run in raw if run["way"] == way], raw)} for way in ways]
    return {**sizes, "rounds": rounds, "runs": raw, "table": rows}


def _medians(runs: list[dict[str, Any]], all_runs: list[dict[str, Any]]) -> dict[str, float]:
    """Of one way; ratios are medians of the rounds' ratios to foolsgold's first run."""
    firsts = [run for run in all_runs if run["way"] == FIRST]
    found = {name: median(run[name] for run in runs) for name in ("seconds", "processor_seconds", "peak_bytes")}
    for name in ("seconds", "processor_seconds"):
        found[f"{name}_to_foolsgold"] = median(run[name] / first[name] for run, first in zip(runs, firsts, strict=True))
    return found


def write_part(source: Path, target: Path, n_documents: int | None) -> dict[str, int]:
    """A part of a BEIR folder in another."""
    docs = [json.loads(line) for line in (source / "corpus.jsonl").open(encoding="utf-8")]
    kept = docs if n_documents is None else [docs[i] for i in np.linspace(0, len(docs) - 1, n_documents).astype(int)]
    ids = {doc["_id"] for doc in kept}
    header, *lines = (source / "qrels.tsv").read_text(encoding="utf-8").splitlines()
    judged = [line for line in lines if line.split("\t")[1] in ids and line.split("\t")[2] != "0"]
    asked = {line.split("\t")[0] for line in judged}
    queries = [line for line in (source / "queries.jsonl").open(encoding="utf-8") if json.loads(line)["_id"] in asked]
    target.mkdir(parents=True)
    (target / "corpus.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in kept), encoding="utf-8")
    (target / "queries.jsonl").write_text("".join(queries), encoding="utf-8")
    (target / "qrels.tsv").write_text("\n".join([header, *judged]) + "\n", encoding="utf-8")
    return {"n_documents": len(kept), "n_queries": len(queries), "n_pairs": len(judged)}


def of_foolsgold(collection: Path, work: Path, *, margin: str) -> None:
    """The command line."""
    status = foolsgold(
        ["mine", "--collection", str(collection), "--model", "offline", "--out", str(work / "mined"), "--cache",
         str(work / "cache"), "--relative-margin", margin, "--device", "cpu"]
    )  # fmt: skip
    if status:
        raise SystemExit(status)


def of_sentence_transformers(collection: Path, work: Path, *, use_faiss: bool) -> None:
    """Its own function, on its own kind of dataset."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.util import mine_hard_negatives

    read = read_beir(collection)
    docs, queries, positives = read.document_texts(), read.query_texts(), read.positives
    pairs = Dataset.from_dict(
        {
            "anchor": [queries[row] for row in positives.query_rows],
            "positive": [docs[row] for row in positives.doc_rows],
        }
    )
    mined = mine_hard_negatives(
        pairs, SentenceTransformer(str(offline_model_folder()), device="cpu"), corpus=docs, num_negatives=N_NEGATIVES,
        range_max=DEPTH, relative_margin=0.05, output_format="n-tuple", use_faiss=use_faiss,
    )  # fmt: skip
    mined.to_json(str(work / "st.jsonl"))


def of_ragatouille(collection: Path, work: Path) -> None:
    """One encoder call and one index call per query."""
    import voyager
    from sentence_transformers import SentenceTransformer

    read = read_beir(collection)
    docs, queries, positives = read.document_texts(), read.query_texts(), read.positives
    model = SentenceTransformer(str(offline_model_folder()), device="cpu")
    index = voyager.Index(voyager.Space.Cosine, model.get_embedding_dimension(), max_elements=len(docs))
    index.add_items(model.encode(docs, batch_size=128))
    rows = range(MIN_RANK, min(MIN_RANK + DEPTH, len(docs)))
    with (work / "ragatouille.jsonl").open("w", encoding="utf-8") as file:
        for row, query in enumerate(queries):
            found, _ = index.query(model.encode(query), k=rows.stop)
            negatives = [docs[doc] for doc in found[rows.start :][:N_NEGATIVES]]
            for positive in positives.of(row):
                for negative in negatives:
                    file.write(json.dumps([query, docs[positive], negative]) + "\n")


WAYS: dict[str, Callable[[Path, Path], None]] = {
    FIRST: lambda collection, work: of_foolsgold(collection, work, margin="0.05"),
    "foolsgold, second run": lambda collection, work: of_foolsgold(collection, work, margin="0.1"),
    "sentence-transformers": lambda collection, work: of_sentence_transformers(collection, work, use_faiss=False),
    "sentence-transformers, FAISS": lambda collection, work: of_sentence_transformers(collection, work, use_faiss=True),
    "RAGatouille's way": of_ragatouille,
}


def _in_new_process(way: str, collection: Path, work: Path) -> dict[str, Any]:
    """Seconds of the whole process, by the clock and of processors, and the most memory that it held."""
    work.mkdir(exist_ok=True)
    started, used = time.perf_counter(), _processor_seconds()
    done = subprocess.run(
        [sys.executable, __file__, "--way", way, "--collection", str(collection), "--work", str(work)],
        capture_output=True, text=True,
    )  # fmt: skip
    seconds = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"{way} failed:\n{done.stderr[-2_000:]}")
    run = {
        "way": way, "seconds": seconds, "processor_seconds": _processor_seconds() - used,
        "peak_bytes": int(done.stdout.split()[-1]),
    }  # fmt: skip
    print(run, file=sys.stderr, flush=True)
    return run


def _processor_seconds() -> float:
    """Of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure all, or be one of the processes that are measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with medquad in it")
    parser.add_argument("--documents", type=int, help="a part of them (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=ORDER, default=ORDER)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--collection", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        WAYS[options.way](options.collection, options.work)
        print(peak_bytes())
        return
    result = measure(options.data, options.rounds, n_documents=options.documents, ways=options.ways)
    print(json.dumps(result["table"], indent=1))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
