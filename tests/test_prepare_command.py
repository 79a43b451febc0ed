from __future__ import annotations

import argparse
import inspect
from pathlib import Path

import pytest

from conftest import write_jsonl
from foolsgold import prepare_training_data
from foolsgold.cli import main
from foolsgold.prepare_command import add_prepare_arguments

ROWS = [
    {"query": "aa", "positive": "aab", "negative": "ccc"},
    {"query": "bb", "positive": ["bba", "bbb"], "negative": ["ddd", "eee"]},
]
NAMES = ["corpus.train.colbert.tsv", "queries.train.colbert.tsv", "triples.train.colbert.jsonl"]


@pytest.fixture
def raw(tmp_path: Path) -> str:
    return str(write_jsonl(tmp_path / "raw.jsonl", ROWS))


def test_the_folder_on_stdout_the_numbers_on_stderr(
    raw: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "data")
    assert main(["prepare", raw, "--out", out, "--num-new-negatives", "0", "--max-triples-per-query", "3"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{out}\n"
    assert printed.err.splitlines()[-3:] == [
        "queries   2",
        "passages  6",
        "triples   4; a query has 1 (min), 2 (median), 3 (max); 0 without any",
    ]
    assert sorted(path.name for path in Path(out).iterdir()) == NAMES


def test_each_parameter_is_a_flag_with_the_same_default() -> None:
    parser = argparse.ArgumentParser()
    add_prepare_arguments(parser)
    parameters = inspect.signature(prepare_training_data).parameters
    names = {"all_documents": "documents", "data_out_path": "out"}
    given = vars(parser.parse_args(["raw.jsonl"]))
    assert {names.get(name, name) for name in parameters} == set(given)
    assert all(given[names.get(name, name)] == p.default for name, p in parameters.items() if name != "raw_data")


def test_warnings_come_in_any_case(raw: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_jsonl(tmp_path / "raw.jsonl", [ROWS[0]])
    assert main(["prepare", raw, "--out", str(tmp_path / "data"), "--no-mine-hard-negatives", "--quiet"]) == 0
    assert capsys.readouterr().err.startswith("warning   1 query without new negatives: all passages are")


@pytest.mark.slow
def test_mined_with_documents_and_scores(raw: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    documents = write_jsonl(tmp_path / "corpus.jsonl", [{"_id": f"d{n}", "text": f"document {n}"} for n in range(30)])
    out = tmp_path / "data"
    command = ["prepare", raw, "--documents", str(documents), "--out", str(out), "--model", "offline"]
    assert main([*command, "--num-new-negatives", "1", "--seed", "7"]) == 0
    capsys.readouterr()
    passages = [line.split("\t")[1] for line in (out / NAMES[0]).read_text().splitlines()]
    scores = [{"query": row["query"], "passage": text, "score": 0.5} for row in ROWS for text in passages]
    score_file = str(write_jsonl(tmp_path / "scores.jsonl", scores))
    triples = (out / NAMES[2]).read_text()
    assert main([*command, "--num-new-negatives", "1", "--seed", "7", "--scores", score_file]) == 0
    assert (out / NAMES[2]).read_text() == triples
    assert len((out / "nway.train.colbert.jsonl").read_text().splitlines()) == 3
    assert "n-way     3 rows; train with nway up to 3" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_labels_of_a_file(ending: str, tmp_path: Path) -> None:
    path, out = tmp_path / f"raw.{ending}", tmp_path / "data"
    rows = [("q", "p", "yes"), ("q", "n", "no")]
    separator = "," if ending == "csv" else "\t"
    path.write_text("\n".join(separator.join(row) for row in [("query", "passage", "label"), *rows]) + "\n")
    if ending == "jsonl":
        write_jsonl(path, [{"query": query, "passage": text, "label": label} for query, text, label in rows])
    command = ["prepare", str(path), "--out", str(out), "--num-new-negatives", "0", "--quiet"]
    assert main([*command, "--positive-label", "yes", "--negative-label", "no"]) == 0
    assert (out / NAMES[2]).read_text() == "[0, 0, 1]\n"
    path.write_text(path.read_text().replace("yes", "1").replace("no", "0"))
    assert main(command) == 0


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["gone.jsonl"], 2, "raw_data: gone.jsonl does not exist."),
        (["RAW", "--num-new-negatives", "-1"], 2, "num_new_negatives is -1"),
        (["RAW", "--documents", "gone.csv"], 2, "all_documents: gone.csv does not exist."),
        (["RAW", "--pairs-with-labels"], 1, "raw.jsonl:1 is a triplet"),
        (["RAW", "--scores", "RAW"], 1, 'raw.jsonl:1: a score needs a field "score"'),
        (["RAW", "--model", "nowhere/at-all"], 1, "nowhere/at-all"),
    ],
)
def test_wrong_use_and_failures(
    arguments: list[str], status: int, message: str, raw: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    out = tmp_path / "data"
    command = [raw if argument == "RAW" else argument for argument in arguments]
    assert main(["prepare", *command, "--out", str(out), "--quiet"]) == status
    printed = capsys.readouterr()
    assert printed.err.startswith("foolsgold prepare: error: ") and message in printed.err
    assert printed.out == "" and not out.exists()
