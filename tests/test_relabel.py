"""select --relabel on six documents by angle to two queries, as `beir` has them.

q1 lies at 0 degrees: d1 at 10 is its positive, d3 at 20 stands within the margin, d5 at 30 was judged not relevant,
then d4 at 60, d2 at 80, d6 at 90. q2 lies at 90: d6 at 90, d2 at 80 is its positive, d4 60, d5 30, d3 20, d1 10.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import PLAIN, on_circle, write_jsonl
from foolsgold import (
    FoolsgoldError,
    MiningResult,
    MiningSettings,
    PrecomputedVectors,
    export_negatives,
    mine,
    read_beir,
    read_pairs,
    select,
)
from foolsgold.cli import main
from foolsgold.errors import CollectionError, SettingsError
from foolsgold.push_negatives import read_result
from test_mine import VECTORS, contents

DECISIONS = [("q1", "d3", "positive"), ("q1", "d4", "drop"), ("q2", "d6", "negative")]


@pytest.fixture
def out(beir: Path, tmp_path: Path) -> Path:
    mine(beir, VECTORS, MiningSettings(**PLAIN, negatives=2, quiet=True, out=str(tmp_path / "out")))
    return tmp_path / "out"


def chosen(result: MiningResult) -> dict[str, list[str]]:
    """The negatives of each pair."""
    pairs: dict[str, list[str]] = {}
    for row in result.negatives.to_pylist():
        pairs.setdefault(f"{row['query_id']} {row['positive_id']}", []).append(row["doc_id"])
    return pairs


def fates(result: MiningResult) -> dict[str, int]:
    return {name: count for name, count in result.report["candidates"]["by_fate"].items() if count}


def test_without_relabelling(out: Path) -> None:
    result = select(out, quiet=True)
    assert chosen(result) == {"q1 d1": ["d5", "d4"], "q2 d2": ["d4", "d5"]}  # d3 and d6: within the margin
    assert result.report["relabelled"] is None


def test_positive_gets_rows_of_its_own_with_its_score_as_candidate(out: Path) -> None:
    result = select(out, relabel=[("q1", "d3", "positive")], quiet=True)
    assert chosen(result) == {"q1 d1": ["d5", "d4"], "q1 d3": ["d5", "d4"], "q2 d2": ["d4", "d5"]}
    new = result.negatives.to_pylist()[2]
    assert (new["positive_id"], new["positive_score"]) == ("d3", pytest.approx(np.cos(np.deg2rad(20)), abs=1e-6))
    assert [row["positive"] for row in result.to_dataset()] == ["T1 red rose", "T3 scarlet rose", "T2 blue sky"]
    assert result.report["collection"]["positives"] == 3
    assert result.report["pairs"]["total"] == 3


def test_the_margin_is_that_of_the_new_positive(out: Path) -> None:
    """d4 at cos 60 lies far below d1 at cos 10, and above d2 at cos 80, which becomes a positive."""
    result = select(out, relabel=[("q1", "d2", "positive")], quiet=True)
    assert chosen(result) == {"q1 d1": ["d5", "d4"], "q1 d2": ["d5", "d6"], "q2 d2": ["d4", "d5"]}


def test_negative_passes_what_only_guesses(out: Path) -> None:
    result = select(out, relabel=[("q2", "d6", "negative")], quiet=True, negatives=1)
    assert chosen(result) == {"q1 d1": ["d5"], "q2 d2": ["d6"]}
    assert result.report["collection"]["judged_negatives"] == 2


def test_drop_is_neither_positive_nor_negative(out: Path) -> None:
    result = select(out, relabel=[("q1", "d5", "drop"), ("q1", "d4", "drop")], quiet=True)
    assert chosen(result) == {"q1 d1": ["d2", "d6"], "q2 d2": ["d4", "d5"]}
    assert fates(result)["relabelled_drop"] == 2
    assert sum(fates(result).values()) == 12
    # nor at random: d3 scores above .5, d2 and d6 below
    result = select(out, quiet=True, negatives=3, short_rows="random", relative_margin=None, min_score=0.5)
    assert chosen(result)["q1 d1"][0] == "d3"
    assert set(chosen(result)["q1 d1"]) == {"d3", "d2", "d6"}


def test_drop_bars_texts_that_say_the_same(tmp_path: Path) -> None:
    collection = read_pairs([("q", "near")], ["near", "Same", "same ", "far"])
    mine(collection, PrecomputedVectors(on_circle(0), on_circle(0, 40, 50, 80)),
         MiningSettings(**PLAIN, negatives=1, quiet=True, out=str(tmp_path / "out")))  # fmt: skip
    result = select(tmp_path / "out", relabel=[("q0", "d1", "drop")], quiet=True, short_rows="random")
    assert chosen(result) == {"q0 d0": ["d3"]}
    assert fates(result)["relabelled_drop"] == 2
    # what is no candidate is barred from random fill, too
    mine(collection, PrecomputedVectors(on_circle(0), on_circle(0, 40, 50, 80)),
         MiningSettings(**PLAIN, depth=1, negatives=1, quiet=True, out=str(tmp_path / "shallow")))  # fmt: skip
    result = select(tmp_path / "shallow", relabel=[("q0", "d1", "drop")], quiet=True, short_rows="random")
    assert chosen(result) == {"q0 d0": ["d3"]}


def test_the_report_and_the_summary_count(out: Path) -> None:
    decisions = [*DECISIONS, ("q1", "d6", None), ("q1", "d2", " "), ("q2", "d1", float("nan"))]
    result = select(out, relabel=decisions, quiet=True)
    counts = {name: count for name, count in result.report["relabelled"].items() if name != "fingerprint"}
    assert counts == {
        "positive": 1, "negative": 1, "drop": 1, "undecided": 3, "taken_back": 0, "overruled_positives": 0,
        "overruled_judged_negatives": 0, "held_out": 0, "positives_without_score": 0,
    }  # fmt: skip
    assert "relabel   1 positive, 1 negative, 1 drop, 3 undecided" in result.summary()


def test_a_decision_overrules_the_qrels_and_is_counted(out: Path) -> None:
    decisions = [("q1", "d5", "positive"), ("q1", "d1", "drop"), ("q2", "d2", "negative"), ("q2", "d6", "positive")]
    result = select(out, relabel=decisions, quiet=True, negatives=1)
    assert chosen(result) == {"q1 d5": ["d4"], "q2 d6": ["d2"]}
    assert result.report["relabelled"]["overruled_positives"] == 2
    assert result.report["relabelled"]["overruled_judged_negatives"] == 1
    assert "2 known positives were overruled by relabelling" in result.summary()
    # and back again: the score that the search gave it is still there
    again = select(out, relabel=[("q1", "d1", "positive")], quiet=True)
    assert chosen(again)["q1 d1"] == ["d4"]
    assert again.negatives["positive_score"][0].as_py() == pytest.approx(np.cos(np.deg2rad(10)), abs=1e-6)


def test_a_query_may_lose_its_only_positive(out: Path) -> None:
    result = select(out, relabel=[("q2", "d2", "drop")], quiet=True, negatives=1)
    assert result.report["collection"]["queries_without_positives"] == 1
    assert [row["anchor"] for row in result.to_dataset()] == ["red flower"]


def test_a_positive_that_is_no_candidate_is_no_negative_and_has_no_row(beir: Path, tmp_path: Path) -> None:
    mine(beir, VECTORS, MiningSettings(**PLAIN, negatives=1, depth=3, quiet=True, out=str(tmp_path / "out")))
    result = select(tmp_path / "out", relabel=[("q1", "d6", "positive")], quiet=True)
    assert chosen(result) == {"q1 d1": ["d5"], "q2 d2": ["d4"]}
    assert result.report["relabelled"]["positives_without_score"] == 1
    assert "1 positives are no candidates and have no score" in result.summary()
    filled = select(tmp_path / "out", quiet=True, negatives=3, short_rows="random", max_score=0.1)
    assert set(chosen(filled)["q1 d1"]) == {"d5", "d2", "d4"}  # d5 was judged; d6 is not taken at random


def test_positives_of_other_splits_stay_held_out(beir: Path, tmp_path: Path) -> None:
    (beir / "qrels").mkdir()
    (beir / "qrels.tsv").rename(beir / "qrels" / "train.tsv")
    (beir / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td4\t1\nq1\td3\t1\n")
    mine(beir, VECTORS, MiningSettings(**PLAIN, negatives=1, quiet=True, out=str(tmp_path / "out")))
    decisions = [("q1", "d3", "positive"), ("q1", "d4", "negative")]
    result = select(tmp_path / "out", relabel=decisions, quiet=True, negatives=2)
    assert chosen(result) == {"q1 d1": ["d5", "d2"], "q2 d2": ["d4", "d5"]}
    assert result.report["relabelled"]["held_out"] == 2
    assert "2 relabelled pairs are positives of another split" in result.summary()


def test_decisions_last_and_later_ones_override(out: Path, tmp_path: Path) -> None:
    first = select(out, relabel=DECISIONS, quiet=True)
    assert pq.read_table(out / "relabelled.parquet").to_pylist() == [
        {"query_id": query, "doc_id": doc, "label": label} for query, doc, label in DECISIONS
    ]
    assert json.loads((out / "settings.json").read_text())["relabelled"]["positive"] == 1
    assert select(out, quiet=True).negatives.equals(first.negatives)
    derived = select(out, quiet=True, out=str(tmp_path / "derived"))
    assert derived.negatives.equals(first.negatives)
    later = select(tmp_path / "derived", relabel=[("q1", "d3", "negative"), ("q1", "d2", "drop")], quiet=True)
    assert chosen(later) == {"q1 d1": ["d3", "d5"], "q2 d2": ["d6", "d4"]}
    assert [later.report["relabelled"][label] for label in ("positive", "negative", "drop")] == [0, 2, 2]
    assert select(out, quiet=True).negatives.equals(first.negatives)  # the first folder has its own


def test_the_same_decisions_give_the_same_bytes_however_they_come(out: Path, tmp_path: Path) -> None:
    at_once, by_and_by, shuffled = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    select(out, relabel=DECISIONS, quiet=True, out=str(at_once))
    select(out, relabel=DECISIONS[2:], quiet=True, out=str(by_and_by))
    select(by_and_by, relabel=DECISIONS[:2], quiet=True)
    select(out, relabel=[*reversed(DECISIONS), DECISIONS[0]], quiet=True, out=str(shuffled), block_size=1)
    for name in ("relabelled.parquet", "negatives.parquet", "train.jsonl"):
        files = {(folder / name).read_bytes() for folder in (at_once, by_and_by, shuffled)}
        assert len(files) == 1, name


def test_the_collection_is_untouched_and_mined_anew_without_decisions(out: Path, beir: Path) -> None:
    before = contents(beir)
    select(out, relabel=DECISIONS, quiet=True)
    assert contents(beir) == before
    assert (out / "relabelled.parquet").is_file()
    mine(beir, VECTORS, MiningSettings(**PLAIN, negatives=2, quiet=True, out=str(out)))
    assert not (out / "relabelled.parquet").exists()
    assert select(out, quiet=True).report["relabelled"] is None


def test_a_collection_made_in_python_is_kept_as_it_was_mined(tmp_path: Path) -> None:
    collection = read_pairs([("red", "rose"), ("blue", "sky")], ["x", "y"])
    vectors = PrecomputedVectors(on_circle(0, 90), on_circle(50, 60, 10, 80))
    out = tmp_path / "out"
    mine(collection, vectors, MiningSettings(**PLAIN, negatives=1, quiet=True, out=str(out)))
    result = select(out, relabel=[("q0", "d0", "positive")], quiet=True)
    assert chosen(result) == {"q0 d2": ["d1"], "q0 d0": ["d1"], "q1 d3": ["d1"]}
    assert read_beir(out / "collection").fingerprint == collection.fingerprint
    assert select(out, quiet=True).negatives.equals(result.negatives)


def test_decisions_go_on_to_another_run_over_the_same_collection(out: Path, beir: Path, tmp_path: Path) -> None:
    first = select(out, relabel=DECISIONS, quiet=True)
    again = MiningSettings(**PLAIN, negatives=2, quiet=True, out=str(tmp_path / "again"))
    with pytest.raises(SettingsError, match="was relabelled by select. Give mine the collection as it was read"):
        mine(first.collection, VECTORS, again)
    mine(beir, VECTORS, again)
    result = select(tmp_path / "again", relabel=out / "relabelled.parquet", quiet=True)
    assert result.negatives.equals(first.negatives)
    # mined anew, probabilities take the new positives into account
    mined = mine(first.collection, VECTORS, replace(again, out=None)).negatives
    known = "false_negative_probability"
    assert mined.drop_columns(known).equals(first.negatives.drop_columns(known))


def test_export_writes_the_new_positives(out: Path) -> None:
    select(out, relabel=DECISIONS, quiet=True)
    path = export_negatives(out, "flagembedding", quiet=True)
    first = json.loads(path.read_text().splitlines()[0])
    assert first == {
        "query": "red flower",
        "pos": ["T1 red rose", "T3 scarlet rose"],
        "neg": ["T5 pink tulip", "T2 blue sky"],
    }
    with pytest.raises(SettingsError, match="not the path of a training file"):
        export_negatives(out, "triplet", out=out / "relabelled.parquet", quiet=True)


@pytest.mark.parametrize("format", ["beir", "trec"])
def test_export_writes_the_judgements_that_select_writes(out: Path, tmp_path: Path, format: Any) -> None:
    """d3 of q1 is a positive now; d4 of q1 and d6 of q2 are none."""
    select(out, relabel=[*DECISIONS, ("q2", "d2", "negative"), ("q2", "d3", "positive")], quiet=True)
    select(out, format=format, out=str(tmp_path / "chosen"), quiet=True)
    exported = export_negatives(out, format, out=tmp_path / "exported", quiet=True)
    assert contents(exported) == contents(tmp_path / "chosen" / "train")
    assert read_result(out).collection.fingerprint == select(out, quiet=True).collection.fingerprint


HEADER = ("query_id", "doc_id", "probability", "label")
ROWS = [
    ("q1", "d3", 0.9, "Positive"),
    ("q1", "d4", 0.8, " drop "),
    ("q2", "d6", 0.7, "NEGATIVE"),
    ("q2", "d1", 0.6, ""),
]


def written(path: Path) -> Path:
    records = [dict(zip(HEADER, row, strict=True)) for row in ROWS]
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind == "jsonl":
        records[-1]["label"] = None  # type: ignore[assignment]
        text = "".join(json.dumps(record) + "\n" for record in records)
    elif kind == "parquet":
        pq.write_table(pa.table({name: [record[name] for record in records] for name in HEADER}), path)
        return path
    else:
        separator = {"csv": ",", "tsv": "\t"}[kind]
        text = "".join(separator.join(map(str, row)) + "\n" for row in (HEADER, *ROWS))
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.csv", "x.csv.gz", "x.tsv", "x.tsv.gz", "x.parquet"])
def test_every_file_type_says_the_same(name: str, out: Path, tmp_path: Path) -> None:
    expected = select(out, relabel=DECISIONS, quiet=True, out=str(tmp_path / "expected"))
    result = select(out, relabel=written(tmp_path / name), quiet=True)
    assert result.negatives.equals(expected.negatives)
    assert result.report["relabelled"]["undecided"] == 1


def test_values_in_python_say_the_same(out: Path, tmp_path: Path) -> None:
    expected = select(out, relabel=DECISIONS, quiet=True, out=str(tmp_path / "expected"))
    records = [{"query-id": query, "corpus-id": doc, "label": label, "note": 1} for query, doc, label in DECISIONS]
    columns = {"qid": ["q1", "q1", "q2"], "pid": ["d3", "d4", "d6"], "label": ["positive", "drop", "negative"]}
    for values in (records, iter(DECISIONS), columns, pa.table(columns), pd.DataFrame(columns)):
        assert select(out, relabel=values, quiet=True, out=str(tmp_path / "x")).negatives.equals(expected.negatives)
        assert not (out / "relabelled.parquet").exists()


MISTAKES: dict[str, tuple[list[dict[str, Any]], str]] = {
    "unknown query": (
        [{"query_id": "q9", "doc_id": "d1", "label": "drop"}],
        '{file}:1: the collection has no query "q9"',
    ),
    "unknown document": (
        [{"query_id": "q1", "doc_id": "d1", "label": "drop"}, {"query_id": "q1", "doc_id": "d9", "label": "drop"}],
        '{file}:2: the collection has no document "d9"',
    ),
    "unknown label": (
        [{"query_id": "q1", "doc_id": "d1", "label": "maybe"}],
        "{file}:1: the label is 'maybe' (str); it takes positive, negative, drop, or nothing where it is undecided.",
    ),
    "a number": ([{"query_id": "q1", "doc_id": "d1", "label": 1}], "{file}:1: the label is 1 (int); it takes positive"),
    "no label": ([{"query_id": "q1", "doc_id": "d1"}], '{file}:1: a decision needs a field "label"; the fields there'),
    "no document": ([{"query_id": "q1", "label": "drop"}], '{file}:1: a decision needs a field "corpus-id" (or '),
    "two labels": (
        [
            {"query_id": "q1", "doc_id": "d3", "label": "positive"},
            {"query_id": "q1", "doc_id": "d3", "label": None},
            {"query_id": "q1", "doc_id": "d3", "label": "negative"},
        ],
        '{file}: query "q1" and document "d3" are labelled positive at {file}:1 and negative at {file}:3.',
    ),
    "undecided": ([{"query_id": "q1", "doc_id": "d3", "label": ""}], "{file}: no decisions: all 1 rows are undecided."),
    "empty": ([], "{file}: no decisions. Give at least one row"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_name_file_and_line_and_change_nothing(
    mistake: str, out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    select(out, relabel=DECISIONS[:1], quiet=True)
    before = contents(out)
    rows, message = MISTAKES[mistake]
    file = write_jsonl(tmp_path / "decisions.jsonl", rows)
    assert main(["select", str(out), "--relabel", str(file), "--negatives", "1"]) == 1
    printed = capsys.readouterr()
    assert message.format(file=file) in printed.err
    assert printed.err.startswith("foolsgold select: error: ")
    assert printed.out == ""
    assert contents(out) == before


def test_wrong_use(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "decisions.txt").touch()
    for path, message in [
        ("nowhere.jsonl", "does not exist"),
        ("decisions.txt", "unknown ending"),
        (".", "is a folder"),
    ]:
        assert main(["select", str(out), "--relabel", str(tmp_path / path)]) == 2
        assert message in capsys.readouterr().err
    for given, message in [
        (7, "relabel is a int; it takes a path, a list of"),
        ([("q1", "d1")], r"relabel\[0\]: .* is no decision; it takes \(query_id, doc_id, label\)"),
        ([("q1", "d1", "drop"), ("q1", "d8", "drop")], r'relabel\[1\]: the collection has no document "d8"'),
        ([], "relabel: no decisions"),
        (b"x", "relabel is a bytes"),
        ({("q1", "d3"): "drop"}, "relabel is a dict of single values; it takes a path, a list"),
    ]:
        with pytest.raises(FoolsgoldError, match=message):
            select(out, relabel=given, quiet=True)
    (tmp_path / "half.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(CollectionError, match="half.parquet: not a readable parquet file"):
        select(out, relabel=tmp_path / "half.parquet", quiet=True)


def test_the_command_line(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["select", str(out), "--relabel", str(written(tmp_path / "x.csv"))]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{out}\n"
    assert "relabel   1 positive, 1 negative, 1 drop, 1 undecided" in printed.err
    assert main(["export", str(out), "--format", "triplet", "--quiet"]) == 0
    assert len(Path(capsys.readouterr().out.strip()).read_text().splitlines()) == 6


def test_kept_decisions_that_are_gone_or_changed_are_said(out: Path) -> None:
    select(out, relabel=DECISIONS, quiet=True)
    kept = pq.read_table(out / "relabelled.parquet")
    pq.write_table(kept.slice(1), out / "relabelled.parquet")
    with pytest.raises(CollectionError, match=r"relabelled.parquet has changed since .* --relabel FILE"):
        select(out, quiet=True)
    (out / "relabelled.parquet").unlink()
    with pytest.raises(CollectionError, match=r"relabelled.parquet, which holds the decisions .* is gone"):
        select(out, quiet=True)


RUN = """
import sys
from foolsgold import select
from test_relabel import DECISIONS
select(sys.argv[1], relabel=DECISIONS, sampler="uniform", short_rows="random", out=sys.argv[2], quiet=True)
"""


@pytest.mark.slow
def test_the_same_bytes_whatever_the_hash_seed(out: Path, tmp_path: Path) -> None:
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    outputs = []
    for seed in ("0", "1"):
        variables = {**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", RUN, str(out), str(tmp_path / seed)], check=True, env=variables)
        files = contents(tmp_path / seed)
        outputs.append([files[name] for name in ("relabelled.parquet", "negatives.parquet", "train.jsonl")])
    assert outputs[0] == outputs[1]
