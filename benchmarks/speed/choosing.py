"""Choosing and writing, measured against the same step of sentence-transformers' `mine_hard_negatives`.

Both get the same scored candidates: 100,000 queries with one positive each, 100 candidates a query, 10 negatives a pair
to be chosen, and triplets to be written. The collection is made of real documents, cut to about a hundred words and
made distinct by a word at the end; the candidates and their scores are drawn.

* foolsgold: `select` on a folder that holds the candidates. Counted is what it does after it has read the collection,
  and found which of its texts say the same, up to its return: negatives.parquet, suspected_positives.parquet,
  report.json and the training file are written then.
* sentence-transformers: `mine_hard_negatives` itself, and then `to_json` or `to_parquet` of what it returns. Counted is
  what it does after its last search has ended, equal texts having been joined before: in place of FAISS's index
  stands one that answers from the stored candidates, and in place of the model vectors in the plane, whose cosines are
  the positives' scores. Nothing of its code is replaced or changed; the margin is the same.
* what no choosing can go below: foolsgold's joining of texts and writing of the training file alone, negatives being in
  memory; and the writing of that file's bytes alone, also in memory.

Every measurement is a process of its own, whose peak memory is read at the end; texts and candidates that it holds
count, as they would in use.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from peak import peak_bytes

from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.collection import Collection, read_beir
from foolsgold.export import STORED_COLUMNS, TrainingFile, stored_rows
from foolsgold.mine import select
from foolsgold.provenance import NEGATIVES_FILE, Provenance
from foolsgold.search import Candidates, CandidateStore, Estimates
from foolsgold.settings import MiningSettings

N_NEGATIVES = 10
DEPTH = 100
RELATIVE_MARGIN = 0.05
N_QUERIES = 100_000
_SIZES = (20_000, N_QUERIES)  # queries; documents stay as many, so that memory can be compared
_WORDS = 100
_BLOCK = 1_024
_POSITIVE_AT_MOST = 10  # a positive's rank among its candidates


def measure(data: Path, rounds: int, scratch: Path) -> dict[str, Any]:
    """Seconds and peak memory of both, each the median of `rounds` interleaved runs.

    Args:
        data: a BEIR folder, whose documents are used.
        rounds: runs of each.
        scratch: an empty folder for collections and results; about 4 GB.
    """
    for n_queries in _SIZES:
        make_run(data, scratch / str(n_queries), n_queries)
    runs: list[dict[str, Any]] = []
    for _ in range(rounds):
        for n_queries in _SIZES:
            for file_type in ("jsonl", "parquet"):
                runs.append(_in_new_process("foolsgold", scratch / str(n_queries), file_type))
        for file_type in ("jsonl", "parquet"):
            for who in ("sentence-transformers", "texts and writing alone", "bytes alone"):
                runs.append(_in_new_process(who, scratch / str(N_QUERIES), file_type))
    return {"n_documents": N_QUERIES, "depth": DEPTH, "negatives": N_NEGATIVES, "runs": runs, "table": _table(runs)}


def _table(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Medians of the runs of the same kind."""
    kinds = list(dict.fromkeys((run["who"], run["n_queries"], run["file_type"]) for run in runs))
    rows = []
    for kind in kinds:
        same = [run for run in runs if (run["who"], run["n_queries"], run["file_type"]) == kind]
        numbers = {name: median(run[name] for run in same) for name in ("seconds", "peak_bytes", "n_rows")}
        rows.append({"who": kind[0], "n_queries": kind[1], "file_type": kind[2], **numbers})
    return rows


def _in_new_process(who: str, folder: Path, file_type: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--who", who, "--folder", str(folder), "--file-type", file_type]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"who": who, "file_type": file_type, **found}


def make_run(data: Path, folder: Path, n_queries: int) -> None:
    """Write a collection, and the output folder of a run over it that has found its candidates."""
    write_collection(data, folder / "collection", n_queries)
    collection = read_beir(folder / "collection")
    out = folder / "out"
    out.mkdir()
    CandidateStore(collection, out / "candidates.parquet").write(candidates_of(collection))
    settings = MiningSettings(out=str(out), depth=DEPTH, quiet=True)
    origin = Provenance.of_run(collection, settings, {}, {}, {"method": "default", "leak_test": False, "seed": 42})
    (out / "settings.json").write_text(json.dumps(origin.settings_file(settings)), "utf-8")


def write_collection(data: Path, folder: Path, n_queries: int) -> None:
    """A BEIR folder of real documents in new mixtures: query i asks for document i."""
    texts = [json.loads(line)["text"].split() for line in (data / "corpus.jsonl").open(encoding="utf-8")]
    texts = [words for words in texts if len(words) >= _WORDS // 2]
    folder.mkdir(parents=True)
    with (folder / "corpus.jsonl").open("w", encoding="utf-8") as corpus:
        for row in range(N_QUERIES):
            words = texts[row % len(texts)]
            start = (row // len(texts)) * 7 % max(1, len(words) - _WORDS)
            text = " ".join([*words[start : start + _WORDS], f"no{row}"])
            corpus.write(json.dumps({"_id": f"doc{row}", "title": "", "text": text}, ensure_ascii=False) + "\n")
    with (folder / "queries.jsonl").open("w", encoding="utf-8") as queries:
        for row in range(n_queries):
            words = texts[row % len(texts)][:12]
            queries.write(json.dumps({"_id": f"query{row}", "text": " ".join([*words, f"query{row}"])}) + "\n")
    with (folder / "qrels.tsv").open("w", encoding="utf-8") as qrels:
        qrels.write("query-id\tcorpus-id\tscore\n" + "".join(f"query{i}\tdoc{i}\t1\n" for i in range(n_queries)))


def candidates_of(collection: Collection) -> Iterator[Candidates]:
    """Each query's positive at one of the first ranks among drawn documents, as likely to be relevant as they score."""
    generator = np.random.default_rng(0)
    for start in range(0, collection.n_queries, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, collection.n_queries))
        shape = (len(rows), DEPTH)
        steps = np.cumsum(generator.integers(1, collection.n_documents // DEPTH, shape), axis=1)
        doc_rows = generator.permuted((rows[:, None] + steps) % collection.n_documents, axis=1).astype(np.int32)
        scores = -np.sort(-generator.normal(0.45, 0.08, shape), axis=1).astype(np.float32)
        ranks = generator.integers(0, _POSITIVE_AT_MOST, len(rows))
        here = np.arange(len(rows))
        doc_rows[here, ranks] = rows
        logits = 12 * (scores - 0.8)
        own = np.broadcast_to(np.arange(DEPTH, dtype=np.int16), shape)
        similarities = generator.uniform(0.1, 0.9, shape).astype(np.float32)
        yield Candidates(
            query_rows=rows,
            doc_rows=doc_rows,
            scores=scores,
            positive_offsets=np.arange(len(rows) + 1),
            positive_rows=rows.astype(np.int32),
            positive_scores=scores[here, ranks],
            sources=np.zeros(shape, np.int8),
            source_names=("dense",),
            estimates=Estimates(
                (1 / (1 + np.exp(-logits))).astype(np.float32), similarities, np.zeros(shape, np.bool_), own
            ),
        )


def choose_and_write(folder: Path, file_type: str) -> dict[str, Any]:
    """Foolsgold's step."""
    collection = read_beir(folder / "collection")
    len(collection.document_keys)  # made here, as `mine` makes them before it searches
    started = time.perf_counter()
    result = select(
        folder / "out", collection=collection, negatives=N_NEGATIVES, relative_margin=RELATIVE_MARGIN, format="triplet",
        file_type=file_type, out=str(folder / "chosen"), quiet=True,
    )  # fmt: skip
    total = time.perf_counter() - started
    stages = {stage["stage"]: stage["seconds"] for stage in result.report["stages"]}
    return {
        "seconds": total - stages["read"],
        "stages": stages,
        "n_queries": result.collection.n_queries,
        "n_rows": result.report["negatives"]["training_rows"],
    }


def write_again(folder: Path, file_type: str) -> dict[str, Any]:
    """Foolsgold's texts and training file, of what it chose before."""
    collection = read_beir(folder / "collection")
    len(collection.document_keys)
    settings = MiningSettings(format="triplet", file_type=file_type, quiet=True)  # type: ignore[arg-type]
    stored = ChosenNegatives(folder / "chosen" / NEGATIVES_FILE).batches(STORED_COLUMNS)
    rows = list(stored_rows(stored, collection))
    started = time.perf_counter()
    with TrainingFile(folder / f"again.{file_type}", collection, settings) as file:
        for part in rows:
            file.write(part)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "stages": {}, "n_queries": collection.n_queries, "n_rows": file.n_rows}


def write_bytes(folder: Path, file_type: str) -> dict[str, Any]:
    """The bytes of the file that foolsgold wrote before."""
    content = (folder / f"again.{file_type}").read_bytes()
    started = time.perf_counter()
    (folder / f"copy.{file_type}").write_bytes(content)
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "stages": {}, "n_queries": N_QUERIES, "n_rows": 0, "n_bytes": len(content)}


STEPS: dict[str, Callable[[Path, str], dict[str, Any]]] = {
    "foolsgold": choose_and_write,
    "sentence-transformers": lambda folder, file_type: peer_chooses_and_writes(folder, file_type),
    "texts and writing alone": write_again,
    "bytes alone": write_bytes,
}


class _StoredSearch:
    """In place of FAISS's index: answers from the stored candidates, in the order of the queries."""

    def __init__(self, doc_rows: np.ndarray, scores: np.ndarray) -> None:
        self._doc_rows, self._scores = doc_rows, scores
        self._next = 0
        self.ended = 0.0

    def add(self, vectors: np.ndarray) -> None:
        """Nothing to be indexed."""

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Scores and rows of the next queries."""
        part = slice(self._next, self._next + len(queries))
        self._next = part.stop
        self.ended = time.perf_counter()
        return self._scores[part, :k], self._doc_rows[part, :k]


class _StoredModel:
    """In place of the model: vectors in the plane, the cosine of a query and its positive being the positive's score.

    All documents lie in one direction; a query's angle to it is that of the score.
    """

    def __init__(self, positive_scores: np.ndarray) -> None:
        from sentence_transformers import util

        self.device = "cpu"
        self._positive_scores = positive_scores
        self.similarity_pairwise = util.pairwise_cos_sim

    def encode_document(self, texts: list[str], **_: Any) -> np.ndarray:
        """Shape (N, 2)."""
        return np.tile(np.array([1, 0], np.float32), (len(texts), 1))

    def encode_query(self, texts: list[str], **_: Any) -> np.ndarray:
        """Shape (Q, 2)."""
        return np.stack([self._positive_scores, np.sqrt(1 - self._positive_scores**2)], axis=1)

    def get_embedding_dimension(self) -> int:
        """Of the plane."""
        return 2


def peer_chooses_and_writes(folder: Path, file_type: str) -> dict[str, Any]:
    """The step of sentence-transformers."""
    import faiss
    from datasets import Dataset
    from sentence_transformers.util import mine_hard_negatives

    corpus = [json.loads(line)["text"] for line in (folder / "collection" / "corpus.jsonl").open(encoding="utf-8")]
    queries = [json.loads(line)["text"] for line in (folder / "collection" / "queries.jsonl").open(encoding="utf-8")]
    doc_rows, scores, positive_scores = _stored_candidates(folder)
    search = _StoredSearch(doc_rows, scores)
    setattr(faiss, "IndexFlatIP", lambda dimensions: search)  # noqa: B010
    chosen = mine_hard_negatives(
        Dataset.from_dict({"anchor": queries, "positive": corpus[: len(queries)]}),
        _StoredModel(positive_scores),  # type: ignore[arg-type]
        corpus=corpus,
        range_max=DEPTH - 1,  # and a positive: as many candidates
        relative_margin=RELATIVE_MARGIN,
        num_negatives=N_NEGATIVES,
        use_faiss=True,
        verbose=False,
    )
    mined = time.perf_counter()
    path = str(folder / f"peer.{file_type}")
    chosen.to_json(path) if file_type == "jsonl" else chosen.to_parquet(path)
    ended = time.perf_counter()
    return {
        "seconds": ended - search.ended,
        "stages": {"choose": mined - search.ended, "write": ended - mined},
        "n_queries": len(queries),
        "n_rows": len(chosen),
    }


def _stored_candidates(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """doc_rows (Q, K), scores (Q, K) and scores of positives (Q,) as the peer holds them: all in memory."""
    collection = read_beir(folder / "collection")
    blocks = list(CandidateStore(collection, folder / "out" / "candidates.parquet").blocks(_BLOCK))
    return (
        np.concatenate([block.doc_rows for block in blocks]).astype(np.int64),
        np.concatenate([block.scores for block in blocks]),
        np.concatenate([block.positive_scores for block in blocks]),
    )


def _print_table(found: dict[str, Any]) -> None:
    peers = {row["file_type"]: row["seconds"] for row in found["table"] if row["who"] == "sentence-transformers"}
    print(f"{'who':24}{'queries':>9}  {'file':8}{'rows':>11}{'seconds':>9}{'peak MiB':>10}{'peer is':>10}")
    for row in found["table"]:
        ratio = peers[row["file_type"]] / row["seconds"] if row["n_queries"] == N_QUERIES else float("nan")
        print(
            f"{row['who']:24}{row['n_queries']:>9,}  {row['file_type']:8}{row['n_rows']:>11,.0f}"
            f"{row['seconds']:>9.1f}{row['peak_bytes'] / 2**20:>10,.0f}{ratio:>9.1f}x"
        )


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a BEIR folder, whose documents are used")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--who", choices=STEPS, help=argparse.SUPPRESS)  # these: a measurement
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--file-type", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.who is not None:
        found = STEPS[given.who](given.folder, given.file_type)
        print(json.dumps({**found, "peak_bytes": peak_bytes()}))
        return
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(given.data, given.rounds, Path(scratch))
    _print_table(found)
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    _main()
