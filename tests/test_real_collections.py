"""Every real collection, mined whole, and checked with code that shares nothing with the package.

The encoder is a fast static one; `FOOLSGOLD_MODEL=offline pytest -s tests/test_real_collections.py` takes the real
model (half an hour on two cores) and prints what it found.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from conftest import REAL_COLLECTIONS, real_collection
from foolsgold import MiningSettings, mine, select

pytestmark = pytest.mark.slow
MODEL = os.environ.get("FOOLSGOLD_MODEL")


def fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def read_jsonl(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return {record["_id"]: record for record in map(json.loads, file)}


def joined(document: dict[str, str]) -> str:
    return f"{document['title']} {document['text']}" if document["title"] else document["text"]


class Real:
    """A collection as its files say, read without the package."""

    def __init__(self, folder: Path) -> None:
        self.corpus, self.queries = read_jsonl(folder / "corpus.jsonl"), read_jsonl(folder / "queries.jsonl")
        self.positives: dict[str, set[str]] = defaultdict(set)
        self.zeros: dict[str, set[str]] = defaultdict(set)
        for line in (folder / "qrels.tsv").read_text("utf-8").splitlines()[1:]:
            query_id, doc_id, score = line.split("\t")
            (self.positives if int(score) > 0 else self.zeros)[query_id].add(doc_id)


@pytest.mark.parametrize("name", REAL_COLLECTIONS)
def test_mined_whole(name: str, tmp_path: Path, static_encoder: Any) -> None:
    folder, out = real_collection(name), tmp_path / "out"
    # mean embeddings all point one way: a cosine of .95 is no near-duplicate there
    near = {} if MODEL else {"max_similarity_to_positive": 0.9999, "max_similarity_to_negative": 0.9999}
    settings = MiningSettings(out=str(out), quiet=not MODEL, **near)
    result = mine(str(folder), MODEL or static_encoder, settings)
    real = Real(folder)
    check_negatives(real, pq.read_table(out / "negatives.parquet").to_pylist())
    check_training_file(real, out / "train.jsonl")
    report = json.loads((out / "report.json").read_text())
    check_report(real, report)
    check_false_negatives(report["false_negatives"], several=sum(len(docs) > 1 for docs in real.positives.values()))
    strict = {"short_rows": "drop", "max_false_negative_rate": None, "out": str(tmp_path / "below")}
    check_negatives(real, select(out, **strict).negatives.to_pylist(), margin=0.05, bound_from=0.05)
    below = select(out, **strict, margin_min_probability=0.0)
    check_negatives(real, below.negatives.to_pylist(), margin=0.05)
    again = select(out, sampler="uniform", relative_margin=None, short_rows="random", out=str(tmp_path / "again"))
    check_negatives(real, again.negatives.to_pylist())
    sys.stderr.write(f"\n== {name}\n{result.summary()}\n")


def check_negatives(
    real: Real, rows: list[dict[str, Any]], *, margin: float | None = None, bound_from: float = 0.0
) -> None:
    assert rows
    texts = {doc_id: fold(document["text"]) for doc_id, document in real.corpus.items()}
    positive_texts = {query_id: {texts[doc_id] for doc_id in docs} for query_id, docs in real.positives.items()}
    chosen: Counter[tuple[str, str | None]] = Counter()
    seen = set()
    for row in rows:
        query_id, doc_id, pair = row["query_id"], row["doc_id"], (row["query_id"], row["positive_id"])
        assert doc_id not in real.positives[query_id]
        assert texts[doc_id] not in positive_texts.get(query_id, set())
        assert texts[doc_id] != fold(real.queries[query_id]["text"])
        assert (*pair, texts[doc_id]) not in seen
        seen.add((*pair, texts[doc_id]))
        chosen[pair] += 1
        bound = row["positive_id"] is not None and doc_id not in real.zeros[query_id]
        if margin is not None and bound and row["false_negative_probability"] >= bound_from:
            assert row["score"] <= row["positive_score"] - margin * abs(row["positive_score"]) + 1e-6
    assert set(chosen.values()) == {4}


def check_false_negatives(found: dict[str, Any], several: int) -> None:
    """What was expected of queries with hidden positives is what was found, within the interval and a factor."""
    assert 0 <= found["expected_ratio"] <= 0.301
    if several < 30:
        assert found["calibration"]["method"] == "base rate"
        return
    leak = found["leak_test"]
    assert found["calibration"]["method"] == "calibrated" and leak["queries"] == min(several, 2_000)
    low, high = leak["false_negative_ratio_interval"]
    assert low / 1.5 - 0.005 <= leak["expected_false_negative_ratio"] <= high * 1.5 + 0.005


def check_training_file(real: Real, path: Path) -> None:
    """Titles, texts and ids are intact: each text of each row is one of the collection's, on its own side."""
    queries = {query["text"] for query in real.queries.values()}
    documents = {joined(document) for document in real.corpus.values()}
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            assert list(row) == ["anchor", "positive", "negative_1", "negative_2", "negative_3", "negative_4"]
            assert row["anchor"] in queries
            assert documents.issuperset(list(row.values())[1:])


def check_report(real: Real, report: dict[str, Any]) -> None:
    candidates = report["candidates"]
    assert candidates["total"] == len(real.queries) * 100
    assert sum(candidates["by_fate"].values()) == candidates["total"]
    assert report["collection"]["positives"] == sum(map(len, real.positives.values()))
    assert (
        report["pairs"]["complete"] * 4 + report["queries_without_positives"]["complete"] * 4
        == (report["negatives"]["total"])
    )
