"""Answers of queries: read, kept, and looked for in candidates."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import write_jsonl
from foolsgold import Collection, PrecomputedVectors, mine, read_beir, read_files, read_pairs, select
from foolsgold.cli import main
from foolsgold.collection import words, write_beir_parquet
from foolsgold.collection.collection import ANSWERS_FIELD
from foolsgold.errors import BadRowError
from test_filters import OFF, chosen_docs, circle_collection, fates, mined
from test_mine import settings


def with_answers(collection: Collection, answers: list[list[str]]) -> Collection:
    column = pa.array(answers, ANSWERS_FIELD.type)
    return replace(collection, queries=collection.queries.append_column(ANSWERS_FIELD, column))


TEXTS = ["zero", "The capital is Paris.", "two", "paris, of all towns", "four", "five"]
ANGLES = [10.0, 20, 30, 40, 50, 60]


def test_candidates_that_contain_an_answer_are_dropped() -> None:
    collection = with_answers(circle_collection(TEXTS, [[0]]), [["Lutetia", "PARIS"]])
    result = mined(collection, ANGLES, OFF.replace(negatives=3))
    assert chosen_docs(result) == ["d2", "d4", "d5"]
    assert fates(result) == {"known_positive_id": 1, "answer_match": 2, "chosen": 3}


def test_it_can_be_switched_off() -> None:
    collection = with_answers(circle_collection(TEXTS, [[0]]), [["Paris"]])
    result = mined(collection, ANGLES, OFF.replace(negatives=3, answer_match=False))
    assert chosen_docs(result) == ["d1", "d2", "d3"]
    assert "answer_match" not in result.report["candidates"]["by_fate"]


def test_each_query_has_its_own_answers_for_all_its_positives() -> None:
    collection = with_answers(circle_collection(TEXTS, [[0, 5], [0], [2]]), [["paris"], [], ["four", "capital is"]])
    for block_size in (1, 2, 3):
        result = mined(collection, ANGLES, OFF.replace(negatives=2, block_size=block_size), (0, 0, 0))
        assert chosen_docs(result, "q0", "d0") == chosen_docs(result, "q0", "d5") == ["d2", "d4"]
        assert chosen_docs(result, "q1") == ["d1", "d2"]
        assert chosen_docs(result, "q2") == ["d0", "d3"]


def test_what_was_judged_not_relevant_may_contain_an_answer() -> None:
    collection = with_answers(circle_collection(TEXTS, [[0]], judged=[[3]]), [["Paris"]])
    assert chosen_docs(mined(collection, ANGLES, OFF.replace(negatives=2))) == ["d2", "d3"]


def test_a_title_counts() -> None:
    collection = with_answers(circle_collection(TEXTS, [[0]]), [["Rome"]])
    titles = pa.array(["", "", "Rome", "", "", ""], pa.large_string())
    collection = replace(collection, corpus=collection.corpus.set_column(1, "title", titles))
    assert chosen_docs(mined(collection, ANGLES, OFF.replace(negatives=2))) == ["d1", "d3"]


@pytest.mark.parametrize(
    ("answer", "document", "contained"),
    [
        ("art", "a party of artists", False),
        ("art", "Modern Art!", True),
        ("J. R. R. Tolkien", "a book by J.R.R. TOLKIEN", True),
        ("19", "in 1984", False),
        ("Straße", "STRASSE 5", True),
        ("ﬁne", "a fine day", True),
        ("cafe", "café", False),
        ("cafe\u0301", "Café", True),
        ("été", "l’été dernier", True),
        ("coop", "a co\u00adop", True),
        ("का", "की", False),  # a vowel sign is part of the word
        ("twenty one", "twenty-one", True),
        ("one two", "one three two", False),
        ("two one", "one two", False),
        ("東京", "日本の首都は東京です", True),
        ("東京", "京東", False),
        ("เชียงใหม่", "ฉันอยู่เชียงใหม่มานาน", True),
        ("ਭਾਸ਼ਾ", "ਭਾਸ਼ਾਵਾਂ", False),
        ("ສະບາຍ", "ສະບາຍດີ", True),
        ("ភ្នំពេញ", "រាជធានីភ្នំពេញ", True),
        ("ရန်ကုန်", "မြန်မာရန်ကုန်မြို့", True),
        ("ﾊﾝﾄﾞ", "ハンドボール", True),
        ("A股", "中国a股市场", True),
        ("A股", "China股市", False),
        ("...", "what...", False),
        ("", "anything", False),
    ],
)
def test_answers_are_found_word_by_word(answer: str, document: str, contained: bool) -> None:
    collection = with_answers(circle_collection(["zero", document, "other"], [[0]]), [[answer]])
    dropped = mined(collection, ANGLES[:3], OFF.replace(negatives=2)).report["candidates"]["by_fate"]["answer_match"]
    assert dropped == contained


@given(st.lists(st.text(min_size=1)), st.data())
def test_what_stands_in_a_text_is_found_there(parts: list[str], data: Any) -> None:
    """Whole words of a text, in order, are in it; and words are those of a text without its breaks."""
    found = words(" ".join(parts)).split()
    start = data.draw(st.integers(0, len(found)))
    stop = data.draw(st.integers(start, len(found)))
    phrase = words(" ".join(found[start:stop]))
    assert f" {phrase} " in f" {' '.join(found)} " or not phrase
    assert words(" ".join(found)).split() == found


ROWS = [
    {"_id": "q1", "text": "red flower", "answers": ["pink tulip", "Rose"]},
    {"_id": "q2", "text": "blue thing", "answers": "sky"},
]


@pytest.fixture
def asked(beir: Path) -> Path:
    """`beir`, with answers."""
    write_jsonl(beir / "queries.jsonl", ROWS)
    return beir


def test_answers_are_read_from_jsonl_and_parquet(asked: Path, tmp_path: Path) -> None:
    collection = read_beir(asked)
    assert [collection.answers(0), collection.answers(1)] == [["pink tulip", "Rose"], ["sky"]]
    lists = [{**row, "answers": answers} for row, answers in zip(ROWS, (["pink tulip", "Rose"], ["sky"]), strict=True)]
    pq.write_table(pa.Table.from_pylist(lists), tmp_path / "queries.parquet")
    again = read_files(asked / "corpus.jsonl", tmp_path / "queries.parquet", asked / "qrels.tsv")
    assert again.fingerprint == collection.fingerprint


@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_table_of_text_holds_one_answer_a_query(separator: str, asked: Path, tmp_path: Path) -> None:
    path = tmp_path / f"queries.{'csv' if separator == ',' else 'tsv'}"
    lines = (("_id", "text", "answers"), ("q1", "red flower", "pink tulip"), ("q2", "blue thing", ""))
    path.write_text("".join(separator.join(line) + "\n" for line in lines))
    collection = read_files(asked / "corpus.jsonl", path, asked / "qrels.tsv")
    assert [collection.answers(0), collection.answers(1)] == [["pink tulip"], []]


def test_answers_are_part_of_the_fingerprint(asked: Path, beir: Path) -> None:
    prints = set()
    for answers in (["a", "b"], ["ab"], ["b", "a"], [], None):
        write_jsonl(beir / "queries.jsonl", [{**ROWS[0], "answers": answers}, {**ROWS[1], "answers": None}])
        prints.add(read_beir(beir).fingerprint)
    assert len(prints) == 4  # none is none
    write_jsonl(beir / "queries.jsonl", [{name: row[name] for name in ("_id", "text")} for row in ROWS])
    assert read_beir(beir).fingerprint in prints
    assert not read_beir(beir).has_answers


@pytest.mark.parametrize("answers", [7, ["a", 7], {"text": ["a"]}, ["a", None], ["a\ud800"], True])
def test_answers_of_the_wrong_type(beir: Path, answers: Any) -> None:
    line = json.dumps({"_id": "q3", "text": "t", "answers": answers})
    with (beir / "queries.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(BadRowError, match=r'queries.jsonl:3: .*answers? of query "q3".*--on-bad-line skip'):
        read_beir(beir)
    assert read_beir(beir, on_bad_line="skip").n_queries == 2


def test_answers_follow_their_queries_where_other_splits_are_left_out(asked: Path) -> None:
    (asked / "qrels").mkdir()
    for name, line in (("train", "q2\td2\t1"), ("test", "q1\td1\t1")):
        (asked / "qrels" / f"{name}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{line}\n")
    collection = read_beir(asked)
    assert (collection.query_ids.to_pylist(), collection.answers(0)) == (["q2"], ["sky"])


RECORDS = [
    {"query": "red?", "positive": "rose", "answers": ["tulip", "peony"]},
    {"query": "blue?", "positive": "sky", "answers": None},
    {"query": "red?", "positive": "blood", "answers": ["peony", "fire"]},
]


@pytest.mark.parametrize("form", [list, pd.DataFrame, pa.Table.from_pylist])
def test_pairs_with_answers(form: Any, tmp_path: Path) -> None:
    collection = read_pairs(form(RECORDS))
    assert [collection.answers(0), collection.answers(1)] == [["tulip", "peony", "fire"], []]
    write_beir_parquet(collection, tmp_path / "copy")
    assert read_beir(tmp_path / "copy").fingerprint == collection.fingerprint


def test_pairs_whose_answers_are_the_positives() -> None:
    collection = read_pairs(pa.table({"question": ["red?"], "answers": ["rose"]}))
    assert (collection.has_answers, collection.document_texts()) == (False, ["rose"])


def test_pairs_with_answers_of_the_wrong_type() -> None:
    with pytest.raises(BadRowError, match=r"pairs\[1\]: the answers of the query are 5 \(int\)"):
        read_pairs([RECORDS[0], {**RECORDS[1], "answers": 5}])
    with pytest.raises(BadRowError, match=r"pairs\[0\]: the answers of the query: a set has no stable order"):
        read_pairs([{**RECORDS[0], "answers": {"a"}}])


VECTORS = PrecomputedVectors(np.array([[1, 0]], np.float32), np.array([[1, 0], [0.9, 0.4], [0.8, 0.6]], np.float32))


def test_select_on_a_collection_made_in_python_keeps_its_answers(tmp_path: Path) -> None:
    collection = read_pairs([{"query": "red?", "positive": "rose", "answers": "tulip"}], ["rose", "a tulip", "grass"])
    options = {"negatives": 1, "relative_margin": None}
    mined_here = mine(collection, VECTORS, settings(tmp_path / "a", **options))
    assert mined_here.negatives["doc_id"].to_pylist() == ["d2"]
    again = select(tmp_path / "a", out=str(tmp_path / "b"), answer_match=False)
    assert again.negatives["doc_id"].to_pylist() == ["d1"]
    assert select(tmp_path / "b", answer_match=True).negatives["doc_id"].to_pylist() == ["d2"]


def test_on_the_command_line(asked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "q.npy", np.eye(2, dtype=np.float32))
    np.save(tmp_path / "d.npy", np.array([[1, 0.1 * n] for n in range(6)], np.float32))
    vectors = ["--doc-vectors", str(tmp_path / "d.npy"), "--query-vectors", str(tmp_path / "q.npy")]
    out = str(tmp_path / "out")
    arguments = [
        "mine",
        "--collection",
        str(asked),
        *vectors,
        "--out",
        out,
        "--negatives",
        "1",
        "--relative-margin",
        "none",
    ]
    assert main(arguments) == 0
    # q1: d3 and d1 say rose; the tulip d5 is judged not relevant. q2: d2 says sky and is its positive
    assert "2 answer_match" not in capsys.readouterr().err
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["candidates"]["by_fate"]["answer_match"] == 1
    assert main(["select", out, "--no-answer-match"]) == 0
    assert "answer_match" not in capsys.readouterr().err
