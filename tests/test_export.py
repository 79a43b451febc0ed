"""A golden file per format, from one small run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from conftest import PLAIN, on_circle
from foolsgold import MiningSettings, PrecomputedVectors, export_negatives, mine, read_files, read_pairs
from foolsgold.errors import FoolsgoldError, SettingsError
from foolsgold.settings import TrainingFormat

GOLDEN = Path(__file__).parent / "golden"
TEXTS = ["red rose\n", "dunkel & „rot“", "blaßrot\t", "草", "pink 🌷", "azure"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """By angle: q1 has d1 0, d3 30, d2 40, d5 50, d6 60; d1 and d2 are its positives. q2 has only short rows."""
    rows = [{"_id": f"d{n}", "title": "T" if n == 3 else "", "text": text} for n, text in enumerate(TEXTS, 1)]
    (tmp_path / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "q.jsonl").write_text('{"_id": "q1", "text": "red \\"flower\\""}\n{"_id": "q2", "text": "green"}\n')
    (tmp_path / "r.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t1\nq2\td4\t1\n")
    collection = read_files(tmp_path / "c.jsonl", tmp_path / "q.jsonl", tmp_path / "r.tsv")
    vectors = PrecomputedVectors(on_circle(0, 80), on_circle(0, 40, 30, 170, 50, 60))
    settings = MiningSettings(**PLAIN, negatives=2, out=str(tmp_path / "out"), quiet=True)
    mine(collection, vectors, settings)
    return tmp_path / "out"


@pytest.mark.parametrize("name", ["triplet", "n-tuple", "labeled-pair", "labeled-list", "flagembedding"])
def test_golden(run: Path, name: TrainingFormat) -> None:
    written = export_negatives(run, name, quiet=True).read_text("utf-8")
    assert written == (GOLDEN / f"{name}.jsonl").read_text("utf-8")


@pytest.mark.parametrize("name", ["triplet", "n-tuple", "labeled-pair", "labeled-list"])
def test_parquet_holds_what_jsonl_holds(run: Path, name: TrainingFormat) -> None:
    table = pq.read_table(export_negatives(run, name, file_type="parquet", quiet=True))
    assert table.to_pylist() == [
        json.loads(line) for line in (GOLDEN / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]


def test_a_text_stands_once_in_a_row_by_query(tmp_path: Path) -> None:
    """d2 and d3 say the same; each is the first of the two below the margin of one of the positives."""
    pairs = [("q", "near"), ("q", "far")]
    collection = read_pairs(pairs, ["x", "same", "SAME ", "y", "near", "far"])
    vectors = PrecomputedVectors(on_circle(0), on_circle(85, 30, 50, 80, 0, 40))
    result = mine(collection, vectors, MiningSettings(**PLAIN, negatives=2, quiet=True))
    assert result.negatives["doc_id"].to_pylist() == ["d1", "d3", "d2", "d3"]
    assert list(result.to_dataset("flagembedding")["neg"]) == [["same", "y"]]
    assert [sorted(neg) for neg in result.to_dataset("labeled-list")["docs"]] == [["far", "near", "same", "y"]]


def test_datasets_reads_what_was_written(run: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    path = str(export_negatives(run, "triplet", quiet=True))
    dataset: Any = load_dataset("json", data_files=path, split="train", cache_dir=str(tmp_path / "cache"))
    assert dataset.column_names == ["anchor", "positive", "negative"]


def test_where_it_is_written(run: Path, tmp_path: Path) -> None:
    assert export_negatives(run, "triplet", out=tmp_path / "my.jsonl", quiet=True) == tmp_path / "my.jsonl"
    with pytest.raises(SettingsError, match="not the path of a training file"):
        export_negatives(run, "triplet", out=tmp_path / "no" / "where.jsonl", quiet=True)
    with pytest.raises(SettingsError, match="does not exist; it takes a folder that"):
        export_negatives(tmp_path / "nowhere", "triplet")
    with pytest.raises(SettingsError, match="has no settings.json"):
        export_negatives(tmp_path, "triplet")
    with pytest.raises(SettingsError, match="not the path of a training file"):
        export_negatives(run, "triplet", out=run / "candidates.parquet", quiet=True)
    with pytest.raises(SettingsError, match="ends in .parquet, but file_type is 'jsonl'"):
        export_negatives(run, "triplet", out=run / "x.parquet", file_type="jsonl", quiet=True)
    assert pq.read_table(export_negatives(run, "triplet", out=run / "x.parquet", quiet=True)).num_rows == 4
    (run / "negatives.parquet").unlink()
    with pytest.raises(FoolsgoldError, match="no readable negatives.parquet"):
        export_negatives(run, "triplet")
