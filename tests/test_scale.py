"""The same negatives on every engine: in shards, block by block on small parts, as in one piece."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import write_jsonl
from foolsgold import MiningSettings, PrecomputedVectors, RayEngine, ShardEngine, mine, read_pairs, select
from foolsgold.errors import SettingsError
from foolsgold.search import Candidates
from foolsgold.witness import Witnesses

N, Q, D = 240, 210, 8
TABLES = ("candidates.parquet", "hidden_positives.parquet", "negatives.parquet", "suspected_positives.parquet")
WORDS = [f"word{number}" for number in range(60)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Queries that say the same in different blocks, equal documents, answers, given and judged negatives, a run."""
    folder, draw = tmp_path_factory.mktemp("scale"), np.random.default_rng(3)
    docs = [" ".join(draw.choice(WORDS, draw.integers(2, 14))) for _ in range(N)]
    docs[10], docs[31] = docs[20], docs[30].upper()
    queries = [" ".join(draw.choice(WORDS, 4)) for _ in range(Q)]
    queries[180:200], queries[5] = queries[:20], docs[40]
    write_jsonl(folder / "corpus.jsonl", [
        {"_id": f"d{row}", "title": f"T{row % 5}" * (row % 3 == 0), "text": text} for row, text in enumerate(docs)
    ])  # fmt: skip
    write_jsonl(folder / "queries.jsonl", [
        {"_id": f"q{row}", "text": text, **({"answers": [docs[row].split()[0]]} if row % 4 == 0 else {})}
        for row, text in enumerate(queries)
    ])  # fmt: skip
    judged = [(row, (13 * row + 5 * n) % N, 1) for row in range(Q) if row % 11 for n in range(1 + (row % 3 == 0))]
    judged += [(row, (17 * row + 1) % N, 0) for row in range(Q) if (17 * row + 1) % N != (13 * row) % N]
    _write_rows(folder / "qrels" / "train.tsv", "query-id\tcorpus-id\tscore", judged)
    _write_rows(folder / "qrels" / "dev.tsv", "query-id\tcorpus-id\tscore", [(row, row, 1) for row in range(0, Q, 5)])
    _write_rows(
        folder / "given_negatives.tsv", "query-id\tcorpus-id", [(row, (19 * row + 2) % N) for row in range(0, Q, 6)]
    )
    lines = [f"q{row} Q0 d{(3 * row + 7 * rank) % N} {rank} {50 - rank} x" for row in range(Q) for rank in range(12)]
    (folder / "found.trec").write_text("\n".join(lines) + "\n")
    docs_at = draw.normal(size=(N, D)).astype(np.float32)
    np.save(folder / "docs.npy", docs_at)
    np.save(folder / "queries.npy", docs_at[(np.arange(Q) * 13) % N] + draw.normal(size=(Q, D)).astype(np.float32))
    return folder


def _write_rows(path: Path, header: str, rows: list[Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    lines = ["\t".join([f"q{row[0]}", f"d{row[1]}", *map(str, row[2:])]) for row in rows]
    path.write_text("\n".join([header, *lines]) + "\n")


def outputs(data: Path, out: Path, *, with_vectors: bool = True, **changes: Any) -> tuple[Path, Path]:
    """The output of one piece, and that of shards."""
    changes = {
        name: f"run:{data / value[4:]}" if str(value).startswith("run:") else value for name, value in changes.items()
    }
    vectors = PrecomputedVectors(data / "queries.npy", data / "docs.npy") if with_vectors else None
    for name, engine in (("whole", None), ("shards", ShardEngine())):
        settings = MiningSettings(**{"out": str(out / name), "cache": None, "quiet": True, "depth": 30, **changes})
        mine(str(data), vectors, settings, engine=engine)
    return out / "whole", out / "shards"


def assert_same(whole: Path, shards: Path) -> None:
    for name in TABLES:
        assert (whole / name).exists() == (shards / name).exists(), name
        if (whole / name).exists():
            assert pq.read_table(whole / name).to_pylist() == pq.read_table(shards / name).to_pylist(), name
    for train in whole.glob("train*"):
        files = {path.name: path.read_bytes() for path in train.rglob("*") if path.is_file()}
        in_shards = sorted(path for path in (shards / train.name).rglob("*") if path.is_file())
        if files:
            assert files == {path.name: path.read_bytes() for path in in_shards}
        elif (shards / train.name).is_dir():
            assert train.read_bytes() == b"".join(path.read_bytes() for path in in_shards)
        else:
            assert train.read_bytes() == (shards / train.name).read_bytes()
    reports = [json.loads((folder / "report.json").read_text()) | {"stages": None} for folder in (whole, shards)]
    assert reports[0] == reports[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"block_size": 64},
        {"source": "both", "format": "colbert"},
        {"source": "bm25,dense", "random_ratio": 0.5, "sampler": "softmax", "format": "flagembedding"},
        {"source": "run:found.trec,bm25,dense", "short_rows": "random", "negatives": 8},
        {"similarity": "dot", "sampler": "uniform", "short_rows": "drop", "format": "dpr"},
        {"vector_type": "float16", "sampler": "simans", "format": "labeled-pair", "short_rows": "keep"},
        {"source": "bm25", "with_vectors": False, "random_ratio": 0.25, "format": "labeled-list"},
        {"source": "run:found.trec", "with_vectors": False, "format": "beir", "min_rank": 2},
        {"depth": N, "answer_match": False, "format": "tevatron-ids"},
    ],
    ids=lambda changes: " ".join(map(str, changes.values())),
)  # fmt: skip
def test_shards_give_what_one_piece_gives(data: Path, tmp_path: Path, changes: dict[str, Any]) -> None:
    assert_same(*outputs(data, tmp_path, **changes))


@pytest.mark.parametrize("n_sampled", [1, 23])
def test_queries_of_the_sample_are_heard_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_sampled: int
) -> None:
    heard = []

    class Noted(Witnesses):
        def of(self, candidates: Candidates, *args: Any) -> Any:
            heard.append(len(candidates))
            return super().of(candidates, *args)

    for module in ("foolsgold.choose", "foolsgold.scale.pilot"):
        monkeypatch.setattr(f"{module}.SAMPLED_QUERIES", n_sampled)
    monkeypatch.setattr("foolsgold.scale.block.Witnesses", Noted)
    whole, shards = outputs(data, tmp_path, block_size=64)
    assert_same(whole, shards)
    n_hidden = pq.read_table(shards / "hidden_positives.parquet").num_rows
    assert sum(heard) == Q + n_hidden


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_workers_of_ray_give_what_one_piece_gives(data: Path, tmp_path: Path) -> None:
    outputs(data, tmp_path, source="both", random_ratio=0.5)
    settings = MiningSettings(
        out=str(tmp_path / "ray"), cache=str(tmp_path / "cache"), quiet=True, depth=30, source="both", random_ratio=0.5
    )
    vectors = PrecomputedVectors(data / "queries.npy", data / "docs.npy")
    mine(str(data), vectors, settings, engine=RayEngine("local", workers=2))
    assert_same(tmp_path / "whole", tmp_path / "ray")


def test_what_lies_in_shards_is_chosen_from_again(data: Path, tmp_path: Path) -> None:
    whole, shards = outputs(data, tmp_path)
    for folder in (whole, shards):
        select(folder, collection=str(data), negatives=2, quiet=True)
    assert_same(whole, shards)
    assert [path.name for path in (shards / "train.jsonl").iterdir()] == ["00000.jsonl"]


def test_pairs_in_python_need_no_folder() -> None:
    pairs = read_pairs([("red", "crimson")], corpus=["rose", "blue", "crimson"])
    vectors = PrecomputedVectors(np.array([[1, 0]], np.float32), np.array([[0.8, 0.6], [0, 1], [1, 0]], np.float32))
    result = mine(pairs, vectors, MiningSettings(negatives=1, quiet=True), engine=ShardEngine())
    assert result.to_dataset("triplet")[:] == {"anchor": ["red"], "positive": ["crimson"], "negative": ["rose"]}


def test_searched_blocks_are_kept_and_a_damaged_one_is_searched_again(data: Path, tmp_path: Path) -> None:
    vectors = PrecomputedVectors(data / "queries.npy", data / "docs.npy")

    def run(name: str) -> dict[Path, int]:
        settings = MiningSettings(out=str(tmp_path / name), cache=str(tmp_path / "cache"), quiet=True, depth=30)
        mine(str(data), vectors, settings, engine=ShardEngine())
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "cache" / "lists").rglob("*.safetensors")}

    first = run("first")
    assert first and run("second") == first
    damaged = next(iter(first))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\0\1")
    third = run("third")
    assert [path for path in first if third[path] != first[path]] == [damaged]
    assert_same(tmp_path / "first", tmp_path / "third")


def test_a_cross_encoder_is_for_one_machine(data: Path, tmp_path: Path) -> None:
    settings = MiningSettings(out=str(tmp_path / "out"), cross_encoder="some/model", quiet=True)
    vectors = PrecomputedVectors(data / "queries.npy", data / "docs.npy")
    with pytest.raises(SettingsError, match="foolsgold select OUT --cross-encoder"):
        mine(str(data), vectors, settings, engine=ShardEngine())
    assert not (tmp_path / "out").exists()
