"""Mining from several sources, over `beir`: six documents by angle to the query q1 at 0 degrees.

red rose (d1, positive) 10, blue sky (d2) 80, scarlet rose (d3) 20, green grass (d4) 60,
pink tulip (d5, judged not relevant) 30, azure sea (d6) 90
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import PLAIN, on_circle, write_jsonl
from foolsgold import MiningResult, MiningSettings, PrecomputedVectors, mine, read_beir, read_pairs, select
from foolsgold.cli import main
from foolsgold.errors import CollectionError, SettingsError
from foolsgold.search import Bm25Index
from foolsgold.sources import parse_sources

ANGLES = (10.0, 80, 20, 60, 30, 90)
VECTORS = PrecomputedVectors(on_circle(0, 90), on_circle(*ANGLES))


def settings(source: str, out: Path | None = None, **changes: Any) -> MiningSettings:
    values = {"negatives": 1, "quiet": True, "short_rows": "keep", "format": "triplet", "relative_margin": None}
    return MiningSettings(source=source, out=None if out is None else str(out), **{**PLAIN, **values, **changes})


def run_file(folder: Path, lines: list[str], name: str = "other.trec") -> str:
    (folder / name).write_text("".join(f"{line} x\n" for line in lines))
    return f"run:{folder / name}"


def candidates(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "candidates.parquet").to_pylist()
    return rows


def cosines(*degrees: float) -> Any:
    return pytest.approx(np.cos(np.deg2rad(degrees)), abs=1e-6)


def chosen(result: MiningResult, query_id: str = "q1") -> list[tuple[str, str]]:
    return [(row["doc_id"], row["source"]) for row in result.negatives.to_pylist() if row["query_id"] == query_id]


def test_both_are_fused_by_rank_and_scored_by_vectors(beir: Path, tmp_path: Path) -> None:
    result = mine(beir, VECTORS, settings("both", tmp_path / "out", negatives=5))
    # dense: d1 d3 d5 d4 d2 d6; bm25 finds `red` in d1 alone: d1 is first of both, and no other order changes
    row = candidates(tmp_path / "out")[0]
    assert row["doc_ids"] == ["d1", "d3", "d5", "d4", "d2", "d6"]
    assert row["sources"] == ["dense+bm25", *["dense"] * 5]
    assert row["scores"] == cosines(10, 20, 30, 60, 80, 90)
    assert result.report["search"]["fusion"] == "reciprocal rank, k = 60"
    assert result.report["search"]["sources"] == ["dense", "bm25"]
    assert result.report["search"]["index"] == "exact"


def test_the_rank_is_that_of_the_fused_list_and_the_score_the_vectors_own(beir: Path, tmp_path: Path) -> None:
    run = run_file(tmp_path, ["q1 Q0 d6 1 9", "q1 Q0 d4 2 8"])
    result = mine(beir, VECTORS, settings(f"{run},dense", tmp_path / "out", negatives=3, depth=3))
    # 1/61 + 0 for d6 (dense has no more than 3), 1/61 for d1, 1/62 for d4 and d3: ties to the run
    row = candidates(tmp_path / "out")[0]
    assert (row["doc_ids"], row["sources"]) == (["d6", "d1", "d4"], ["run:other.trec", "dense", "run:other.trec"])
    assert row["scores"] == cosines(90, 10, 60)
    negatives = result.negatives.to_pylist()
    assert [(n["doc_id"], n["rank"], n["source"]) for n in negatives if n["query_id"] == "q1"] == [
        ("d6", 0, "run:other.trec"),
        ("d4", 2, "run:other.trec"),
    ]
    assert result.report["negatives"]["by_source"] == {"dense": 2, "run:other.trec": 2}
    assert "source    2 dense, 2 run:other.trec" in result.summary()


def test_seven_sources(beir: Path, tmp_path: Path) -> None:
    runs = [run_file(tmp_path, [f"q1 Q0 d{n} 1 9", "q1 Q0 d1 2 8"], f"{n}.trec") for n in range(2, 7)]
    mine(beir, VECTORS, settings(",".join(["dense", "bm25", *runs]), tmp_path / "out"))
    row = candidates(tmp_path / "out")[0]
    assert (row["doc_ids"][0], row["sources"][0]) == (
        "d1",
        "+".join(["dense", "bm25", *(f"run:{n}.trec" for n in range(2, 7))]),
    )
    assert dict(zip(row["doc_ids"], row["sources"], strict=True))["d6"] == "dense+run:6.trec"


def test_margins_compare_similarities_whatever_found_a_candidate(beir: Path, tmp_path: Path) -> None:
    run = run_file(tmp_path, ["q1 Q0 d3 1 9", "q1 Q0 d4 2 8"])
    result = mine(beir, VECTORS, settings(run, relative_margin=0.05))
    assert chosen(result) == [("d4", "run:other.trec")]  # cos 20 > .95 cos 10
    assert result.negatives["positive_score"][0].as_py() == pytest.approx(np.cos(np.deg2rad(10)))


def test_bm25_alone_scores_by_itself(beir: Path, tmp_path: Path) -> None:
    write_jsonl(beir / "queries.jsonl", [{"_id": "q1", "text": "red rose"}, {"_id": "q2", "text": "?"}])
    result = mine(beir, None, settings("bm25", tmp_path / "out", language="en"))
    own = Bm25Index(read_beir(beir).document_texts(), language="en", quiet=True)
    first, second = candidates(tmp_path / "out")
    assert (first["doc_ids"], first["sources"]) == (["d1", "d3"], ["bm25", "bm25"])
    assert first["scores"] == own.search(["red rose"], 2)[1][0].tolist()
    assert first["positive_scores"] == [first["scores"][0]]
    assert (second["doc_ids"], second["positive_scores"]) == ([], [0])
    assert chosen(result) == [("d3", "bm25")]
    stored = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert stored["encoder"] == {}
    assert sum(stored["search"].pop("random_pairs")["counts"]) == 4_096
    assert stored["search"] == {
        "sources": ["bm25"], "scores": "bm25", "depth": 6, "seed": 42,
        "bm25": {"method": "lucene", "k1": 1.5, "b": 0.75, "language": "en", "language_guessed": False},
    }  # fmt: skip
    assert "bm25s" in stored["versions"]


def test_a_run_alone_scores_by_itself_and_may_lack_the_positive(beir: Path, tmp_path: Path) -> None:
    ranking = [f"q1 Q0 d{n} {n} {9 - n}" for n in range(2, 7)]
    run = run_file(tmp_path, [*ranking, "q2 Q0 d2 1 5", "q2 Q0 d4 1 4.9", "q2 Q0 d1 2 3"])
    changes = {"relative_margin": 0.05, "min_rank_without_positive": 2, "prefer_judged": False}
    result = mine(beir, None, settings(run, tmp_path / "out", **changes))
    first, second = candidates(tmp_path / "out")
    assert (first["doc_ids"], first["positive_scores"]) == (["d2", "d3", "d4", "d5", "d6"], [None])
    assert (second["scores"], second["positive_scores"]) == (pytest.approx([5, 4.9, 3]), [5])
    # q1: no margin without a score of the positive, but the window of queries without positives
    assert chosen(result) == [("d4", "run:other.trec")]
    assert result.negatives["positive_score"].to_pylist() == [None, 5]
    assert chosen(result, "q2") == [("d1", "run:other.trec")]  # 4.9 > .95 · 5
    assert "positive        –  T1 red rose" in result.summary()
    assert [example.query for example in result.borderline()] == ["blue thing"]
    again = select(tmp_path / "out", min_rank_without_positive=0, out=str(tmp_path / "again"), quiet=True)
    assert chosen(again) == [("d2", "run:other.trec")]
    assert select(tmp_path / "out", quiet=True, **changes).negatives.equals(result.negatives)


def test_what_the_run_held_is_reported(beir: Path, tmp_path: Path) -> None:
    run = run_file(tmp_path, ["q1 Q0 d3 1 2", "q1 Q0 d3 1 1", "q7 Q0 d3 1 1"])
    result = mine(beir, None, settings(run, max_unknown_ratio=0.5))
    said = result.report["search"]["run:other.trec"]
    assert (said["lines"], said["duplicates"], said["unknown_ids"], said["queries"]) == (3, 1, 1, 1)
    assert said["path"] == str(tmp_path / "other.trec")
    assert "note      1 lines of run:other.trec name unknown ids and were left out, the first: " in result.summary()
    (tmp_path / "other.trec").write_text("q1 Q0 d3 1 2 x\n")
    changed = mine(beir, None, settings(run)).report["search"]["run:other.trec"]["fingerprint"]
    assert changed != said["fingerprint"]


def test_paths_become_absolute_and_names_stay_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = MiningSettings(source="both, run:sub/a.trec")
    assert given.source == f"dense,bm25,run:{tmp_path}/sub/a.trec"
    assert given.replace(seed=1).source == given.source
    assert [source.name for source in parse_sources(given.source)] == ["dense", "bm25", "run:a.trec"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("splade", "source is 'splade'; it takes 'dense', 'bm25', 'both'"),
        ("", "source is ''"),
        ("dense,", "source is 'dense,'"),
        ("run:", "source is 'run:'"),
        ("dense,both", "names dense twice"),
        ("run:a/x.trec,run:b/x.trec", r"names run:x\.trec twice.*rename one"),
        (",".join(f"run:{n}" for n in range(8)), "at most 7"),
    ],
)
def test_what_is_no_source(source: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        MiningSettings(source=source)


def test_an_unknown_language() -> None:
    with pytest.raises(SettingsError, match=r"language is 'klingon'; it takes one of ar, .*Take 'none'"):
        MiningSettings(language="klingon")


@pytest.mark.parametrize("source", ["dense", "both", "bm25,run:a.trec"])
def test_without_an_encoder_there_is_one_source_that_scores(beir: Path, source: str) -> None:
    with pytest.raises(SettingsError, match="encoder is None, but source=.* needs vectors"):
        mine(beir, None, settings(source))


def test_without_an_encoder_its_settings_are_refused(beir: Path) -> None:
    with pytest.raises(SettingsError, match="similarity has no effect without a model or vectors"):
        mine(beir, None, settings("bm25", similarity="dot"))


def test_documents_without_a_word_are_said_before_encoding() -> None:
    class Never:
        def encode_queries(self, texts: Any) -> Any:
            raise AssertionError

        encode_documents = encode_queries

    with pytest.raises(CollectionError, match="BM25 has nothing to search: none of the 3 documents"):
        mine(read_pairs([("a", "?!")], ["...", "—"]), Never(), settings("both"))


def test_queries_without_a_word_in_common_lose_nothing(beir: Path) -> None:
    write_jsonl(beir / "queries.jsonl", [{"_id": "q1", "text": "x"}, {"_id": "q2", "text": "?"}])
    dense, both = (mine(beir, VECTORS, settings(source)) for source in ("dense", "both"))
    assert both.negatives.equals(dense.negatives)
    nothing = mine(beir, None, settings("bm25", short_rows="random", format="n-tuple"))
    assert nothing.report["candidates"]["total"] == 0
    assert nothing.report["negatives"]["by_source"] == {"random": 2}


RUN = """
import sys
import numpy as np
from foolsgold import MiningSettings, PrecomputedVectors, mine, read_pairs
out, block_size, source, with_vectors = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4] == "vectors"
rng = np.random.default_rng(0)
words = np.array([f"w{n}" for n in range(60)])
texts = [" ".join(words[rng.integers(0, 60, 6)]) for _ in range(400)]
collection = read_pairs([(f"w{n % 60} w{n % 7} of {n}", texts[n % 400]) for n in range(2500)], texts)
size = (collection.n_queries, collection.n_documents)
vectors = PrecomputedVectors(*(rng.standard_normal((n, 8)).astype(np.float32) for n in size))
settings = MiningSettings(out=out, block_size=block_size, source=source, depth=20, relative_margin=0.3, cache=None,
                          short_rows="random", max_unknown_ratio=0.5, quiet=True)
mine(collection, vectors if with_vectors else None, settings)
"""


@pytest.mark.slow
@pytest.mark.parametrize("source", ["bm25", "dense,bm25,run:a.trec"])
def test_the_same_bytes_whatever_hash_seed_threads_and_blocks(tmp_path: Path, source: str) -> None:
    (tmp_path / "a.trec").write_text("".join(f"q{n} Q0 d{n * 7 % 400} 1 {n % 5} x\n" for n in range(900)))
    outputs = []
    for number, (hash_seed, threads, block_size) in enumerate([("0", "1", 1024), ("1", "2", 7), ("2", "4", 1500)]):
        out = tmp_path / str(number)
        variables = {"PYTHONHASHSEED": hash_seed, "OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads}
        how = "vectors" if "dense" in source else "none"
        command = [sys.executable, "-c", RUN, str(out), str(block_size), source, how]
        subprocess.run(command, check=True, cwd=tmp_path, env={**os.environ, **variables})
        outputs.append(
            [(out / name).read_bytes() for name in ("candidates.parquet", "negatives.parquet", "train.jsonl")]
        )
    assert len(outputs[0][2].splitlines()) > 200
    assert outputs[0] == outputs[1] == outputs[2]
    found = {name for row in candidates(tmp_path / "0") for name in row["sources"]}
    assert found == {"bm25"} if source == "bm25" else len(found) > 4
    again = select(tmp_path / "2", out=str(tmp_path / "again"), block_size=1500, quiet=True)
    assert (tmp_path / "again" / "negatives.parquet").read_bytes() == outputs[0][1]
    assert (
        again.report["negatives"]["by_source"]
        == json.loads((tmp_path / "0" / "report.json").read_text())["negatives"]["by_source"]
    )


@pytest.mark.parametrize("source", ["bm25", "run"])
def test_the_command_line_without_a_model(
    beir: Path, tmp_path: Path, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    named = run_file(tmp_path, ["q1 Q0 d3 1 2", "q2 Q0 d6 1 2"]) if source == "run" else source
    flags = ["mine", "--collection", str(beir), "--out", str(tmp_path / "out"), "--negatives", "1"]
    chosen_by = ["--source", named, "--relative-margin", "none", "--min-rank-without-positive", "0"]
    assert main([*flags, *chosen_by, "--short-rows", "random"]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["negatives"]["by_source"] == ({"run:other.trec": 2} if source == "run" else {"random": 2})
    assert main([*flags, "--source", f"{named},dense"]) == 2
    assert "--model is missing" in capsys.readouterr().err
    assert main([*flags, "--source", "run:nowhere.trec"]) == 2
    assert "nowhere.trec does not exist. Give the path of a TREC run" in capsys.readouterr().err
    (tmp_path / "bad.trec").write_text("q1 d1\n")
    assert main([*flags, "--source", f"run:{tmp_path}/bad.trec"]) == 1
    assert "bad.trec:1: 2 columns; a line of a run has 6" in capsys.readouterr().err


def test_the_command_line_with_both(beir: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "q.npy", on_circle(0, 90))
    np.save(tmp_path / "d.npy", on_circle(*ANGLES))
    flags = ["--doc-vectors", str(tmp_path / "d.npy"), "--query-vectors", str(tmp_path / "q.npy"), "--language", "none"]
    flags += ["--collection", str(beir), "--out", str(tmp_path / "out"), "--negatives", "1", "--quiet"]
    assert main(["mine", *flags, "--source", "both"]) == 0
    stored = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert (stored["settings"]["source"], stored["settings"]["language"]) == ("dense,bm25", "none")
    assert candidates(tmp_path / "out")[1]["sources"][:2] == ["dense+bm25", "dense"]
