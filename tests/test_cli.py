from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import cross_encoder_saying, on_circle, write_jsonl
from foolsgold import MiningSettings
from foolsgold.cli import main

ANGLES = (10.0, 80, 20, 60, 30, 90)


@pytest.fixture
def flags(beir: Path, tmp_path: Path) -> list[str]:
    """A whole command line for `beir`, with vectors."""
    np.save(tmp_path / "q.npy", on_circle(0, 90))
    np.save(tmp_path / "d.npy", on_circle(*ANGLES))
    vectors = ["--doc-vectors", str(tmp_path / "d.npy"), "--query-vectors", str(tmp_path / "q.npy")]
    plain = ["--max-false-negative-rate", "none", "--max-similarity-to-positive", "none",
             "--max-similarity-to-negative", "none", "--short-rows", "drop"]  # fmt: skip
    return ["mine", "--collection", str(beir), *vectors, "--out", str(tmp_path / "out"), "--negatives", "2", *plain]


def test_mine_select_export(flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert main(flags) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{out}\n"
    assert "yield     100.0% of queries" in printed.err
    assert "query              red flower" in printed.err
    assert main(["select", out, "--negatives", "1", "--relative-margin", "none", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert json.loads((tmp_path / "out" / "settings.json").read_text())["settings"]["relative_margin"] is None
    assert main(["export", out, "--format", "flagembedding", "--quiet"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert json.loads(path.read_text().splitlines()[0]) == {
        "query": "red flower",
        "pos": ["T1 red rose"],
        "neg": ["T5 pink tulip"],  # judged not relevant
    }


@pytest.mark.slow
def test_three_files_and_every_setting_by_flag(beir: Path, tmp_path: Path) -> None:
    files = ["--corpus", f"{beir}/corpus.jsonl", "--queries", f"{beir}/queries.jsonl", "--qrels", f"{beir}/qrels.tsv"]
    given = {
        "negatives": 1, "depth": 5, "min_rank": 1, "max_rank": 4, "relative_margin": 0.1, "absolute_margin": 0.01,
        "margin_min_probability": 0.01,
        "max_score": 0.99, "min_score": -0.5, "min_rank_without_positive": 3, "sampler": "uniform",
        "cross_encoder": str(cross_encoder_saying({"rose": 1.0}, tmp_path / "reranker")), "cross_encoder_margin": 2.5,
        "cross_encoder_max_probability": 0.5, "max_false_negative_rate": 0.2, "max_false_negative_probability": 0.9,
        "max_similarity_to_positive": 0.9, "max_similarity_to_negative": 0.8, "suspect_probability": 0.7,
        "answer_match": False, "sample_from": 4, "softmax_temperature": 0.5, "simans_a": 1.0, "simans_b": -0.5,
        "prefer_judged": False, "random_ratio": 0.5, "short_rows": "keep", "doubtful_ratio": 0.02,
        "format": "triplet", "file_type": "parquet", "with_scores": False, "source": "dense,bm25",
        "language": "en", "index": "voyager", "similarity": "dot", "query_prompt": "q: ",
        "document_prompt": "d: ", "batch_size": 8, "device": "cpu", "num_workers": 1, "block_size": 3, "memory": "64GB",
        "seed": 7,
        "precision": "int8", "vector_type": "float16", "cache": str(tmp_path / "cache"),
        "on_bad_line": "skip", "max_unknown_ratio": 0.5, "trust_remote_code": True, "quiet": True,
        "out": str(tmp_path / "all"),
    }  # fmt: skip
    of_endpoints = {"base_url": None}  # no part of a model that is loaded here
    assert {*given, *of_endpoints} == {field.name for field in dataclasses.fields(MiningSettings)}
    as_flags = [part for name, value in given.items() for part in as_flag(name.replace("_", "-"), value)]
    assert main(["mine", *files, "--model", "offline", *as_flags]) == 0
    assert json.loads((tmp_path / "all" / "settings.json").read_text())["settings"] == given | of_endpoints


def as_flag(name: str, value: object) -> list[str]:
    return [f"--{'' if value else 'no-'}{name}"] if isinstance(value, bool) else [f"--{name}", str(value)]


def test_what_is_on_is_switched_off_and_on_again(flags: list[str], tmp_path: Path) -> None:
    def chosen() -> str:
        return (tmp_path / "out" / "train.jsonl").read_text()

    alone = [*flags, "--negatives", "1", "--relative-margin", "none"]
    assert main([*alone, "--no-prefer-judged"]) == 0
    assert "T3 scarlet rose" in chosen() and "T5 pink tulip" not in chosen()
    assert main(["select", str(tmp_path / "out"), "--prefer-judged"]) == 0
    assert "T5 pink tulip" in chosen()
    assert main(["select", str(tmp_path / "out"), "--seed", "1"]) == 0  # stays as it was
    assert "T5 pink tulip" in chosen()


def test_export_in_any_format(flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*flags, "--negatives", "1", "--max-false-negative-rate", "none"]) == 0
    out, colbert = str(tmp_path / "out"), str(tmp_path / "colbert")
    capsys.readouterr()
    assert main(["export", out, "--format", "colbert", "--out", colbert, "--quiet"]) == 0
    assert capsys.readouterr().out == f"{colbert}\n"
    assert sorted(path.name for path in Path(colbert).iterdir()) == ["collection.tsv", "queries.tsv", "triples.jsonl"]
    assert main(["export", out, "--format", "colbert", "--out", colbert]) == 2
    assert f"{colbert} is not a new or empty folder" in capsys.readouterr().err
    assert main(["export", out, "--format", "triplet", "--with-scores", "--quiet"]) == 0
    rows = Path(capsys.readouterr().out.strip()).read_text("utf-8").splitlines()
    assert all(len(json.loads(row)["scores"]) == 2 for row in rows)
    assert main(["export", out, "--format", "beir", "--with-scores"]) == 2
    assert "'beir' has no place for scores" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["export", out, "--format", "csv"])
    assert ended.value.code == 2
    assert "msmarco-hard-negatives" in capsys.readouterr().err


@pytest.mark.slow
def test_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(tmp_path / "docs")]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'docs'}\n"


def replaced(flags: list[str], flag: str, *values: str) -> list[str]:
    where = flags.index(flag)
    return flags[:where] + list(values) + flags[where + 2 :]


MISTAKES = {
    "no collection": (lambda f: replaced(f, "--collection"), 2, "give a folder (--collection"),
    "wrong folder": (lambda f: replaced(f, "--collection", "--collection", "nowhere"), 2, "nowhere does not exist"),
    "folder and file": (lambda f: [*f, "--corpus", "x.jsonl"], 2, "leave out --corpus"),
    "no out": (lambda f: replaced(f, "--out"), 2, "--out is missing"),
    "no model": (lambda f: replaced(replaced(f, "--doc-vectors"), "--query-vectors"), 2, "--model is missing"),
    "model and vectors": (lambda f: [*f, "--model", "offline"], 2, "exclude each other"),
    "half the vectors": (lambda f: replaced(f, "--doc-vectors"), 2, "give both"),
    "misspelt flag": (lambda f: [*f, "--negativ", "3"], 2, "did you mean --negatives?"),
    "misspelt verb": (lambda f: ["mien", *f[1:]], 2, "invalid choice"),
    "no number": (lambda f: [*f, "--depth", "many"], 2, "'many' is not a whole number"),
    "no margin": (lambda f: [*f, "--max-score", "high"], 2, "'high' is not a number or 'none'"),
    "unknown format": (lambda f: [*f, "--format", "csv"], 2, "invalid choice: 'csv'"),
    "prompts for vectors": (lambda f: [*f, "--query-prompt", "q: "], 2, "have no effect on a PrecomputedVectors"),
    "split of files": (lambda f: [*replaced(f, "--collection"), "--split", "dev"], 2, "--split names a file"),
    "impossible window": (lambda f: [*f, "--min-rank", "99"], 2, "[99, 100) holds 1 candidates"),
    "too many negatives": (lambda f: [*f, "--negatives", "6"], 2, "has only 6 documents"),
    "out is a file": (lambda f: replaced(f, "--out", "--out", __file__), 2, "is a file"),
    "no vectors there": (lambda f: replaced(f, "--doc-vectors", "--doc-vectors", "no.npy"), 2, "no.npy does not exist"),
    "no such device": (
        lambda f: [*replaced(replaced(f, "--doc-vectors"), "--query-vectors"), "--model", "offline", "--device", "x"],
        2,
        "device is 'x', which torch cannot use here",
    ),
    "no such model": (
        lambda f: [*replaced(replaced(f, "--doc-vectors"), "--query-vectors"), "--model", "./nowhere"], 1,
        "model: ./nowhere does not exist",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_get_one_message_and_a_status(
    mistake: str, flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, status, message = MISTAKES[mistake]
    try:
        returned = main(change(flags))
    except SystemExit as stop:  # from argparse
        returned = int(str(stop.code))
    printed = capsys.readouterr()
    assert (returned, printed.out) == (status, "")
    assert message in printed.err
    assert "error:" in printed.err
    assert "Traceback" not in printed.err
    assert not (tmp_path / "out").exists()


def test_a_bad_line_and_how_to_skip_it(flags: list[str], beir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (beir / "queries.jsonl").open("a") as file:
        file.write("{oops\n")
    assert main(flags) == 1
    assert "queries.jsonl:3: malformed JSON" in capsys.readouterr().err
    assert main([*flags, "--on-bad-line", "skip"]) == 0
    assert "1 bad lines were skipped, the first: " in capsys.readouterr().err


def test_control_characters_do_not_reach_the_terminal(
    flags: list[str], beir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_jsonl(
        beir / "queries.jsonl", [{"_id": "q1", "text": "red \x1b[2J\u202eflower"}, {"_id": "q2", "text": "blue"}]
    )
    assert main(flags) == 0
    assert "red [2J flower" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["mine", "select", "export", "sample"])
def test_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([verb, "--help"])
    assert stop.value.code == 0
    assert f"usage: foolsgold {verb}" in capsys.readouterr().out


def test_help_is_fast_and_imports_nothing_heavy() -> None:
    code = "import sys, foolsgold.cli; print(sorted({'torch', 'transformers', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    times = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "foolsgold.cli", "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - started)
    assert min(times) < 1.0  # 0.2 s on an idle machine
