"""Negatives that the training data has already: documents at 10 to 60 degrees, the query at 0, its positive at 10."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import cross_encoder_saying, on_circle
from foolsgold import (
    Collection,
    MiningResult,
    PrecomputedVectors,
    export_negatives,
    mine,
    read_beir,
    read_pairs,
    select,
)
from foolsgold.collection import write_beir_parquet
from foolsgold.collection.collection import Judgements
from foolsgold.errors import CollectionError
from foolsgold.push_negatives import read_result
from test_filters import ANGLES, OFF, TEXTS, chosen_docs, circle_collection, fates, mined

SIX = circle_collection(TEXTS, [[0]])


def giving(collection: Collection, *docs: list[int]) -> Collection:
    """The collection with some given negatives for each query."""
    pairs = np.array([(q, doc) for q, rows in enumerate(docs) for doc in rows], np.int64).reshape(-1, 2)
    given = Judgements.from_pairs(pairs[:, 0], pairs[:, 1], n_queries=collection.n_queries)
    return replace(collection, given_negatives=given)


def given_fates(result: MiningResult) -> dict[str, int]:
    given = result.report["given_negatives"]
    assert sum(given["by_fate"].values()) == given["total"]
    return {name: count for name, count in given["by_fate"].items() if count}


def test_of_several_splits_those_of_the_others_are_left_out(beir: Path) -> None:
    (beir / "qrels").mkdir()
    (beir / "qrels.tsv").unlink()
    for split, row in {"train": "q1\td1\t1", "dev": "q2\td2\t1"}.items():
        (beir / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{row}\n", encoding="utf-8")
    (beir / "given_negatives.tsv").write_text("query-id\tcorpus-id\nq2\td3\nq1\td4\n", encoding="utf-8")
    for split, query, row in (("train", "q1", 3), ("dev", "q2", 2)):
        collection = read_beir(beir, split)
        assert collection.query_ids.to_pylist() == [query]
        assert collection.given_negatives is not None
        assert collection.given_negatives.of(0).tolist() == [row]
        assert collection.reading["unknown_ids"] == 0
    (beir / "given_negatives.tsv").write_text("query-id\tcorpus-id\nq3\td3\nq2\td4\n", encoding="utf-8")
    with pytest.raises(CollectionError, match=r'1 of 1 judgements .* such as .*:2: query "q3", document "d3"'):
        read_beir(beir)


def test_they_come_first_in_their_order_and_are_marked() -> None:
    result = mined(giving(SIX, [5, 3]), ANGLES, OFF.replace(negatives=4))
    rows = result.negatives.to_pylist()
    assert [row["doc_id"] for row in rows] == ["d5", "d3", "d1", "d2"]
    assert [row["source"] for row in rows] == ["given", "given", "dense", "dense"]
    assert [row["rank"] for row in rows] == [5, 3, 1, 2]
    assert [row["score"] for row in rows] == pytest.approx(np.cos(np.deg2rad([60, 40, 20, 30])), abs=1e-6)
    assert [row["false_negative_probability"] for row in rows[:2]] == [None, None]
    assert fates(result) == {"given": 2, "known_positive_id": 1, "not_needed": 1, "chosen": 2}
    assert given_fates(result) == {"chosen": 2}
    assert result.report["negatives"]["by_source"] == {"dense": 2, "given": 2}
    assert "given     2 negatives of the training data: 2 chosen" in result.summary()


def test_nothing_but_a_known_positive_speaks_against_them() -> None:
    """d1 lies above the margin, outside the window and above the bounds, and repeats the query."""
    collection = circle_collection([TEXTS[0], "what?", *TEXTS[2:]], [[0]], queries=["what?"])
    rules = OFF.replace(negatives=2, relative_margin=0.0, min_rank=3, max_score=0.7, sampler="uniform")
    result = mined(giving(collection, [1]), [10.0, 5, 30, 40, 50, 60], rules)
    assert chosen_docs(result)[0] == "d1"
    assert result.negatives["source"].to_pylist() == ["given", "dense"]


def test_without_a_place_among_the_candidates_they_have_a_score_and_no_rank() -> None:
    rows = mined(giving(SIX, [5]), ANGLES, OFF.replace(negatives=2, depth=3)).negatives.to_pylist()
    assert [(row["doc_id"], row["rank"]) for row in rows] == [("d5", None), ("d1", 1)]
    assert rows[0]["score"] == pytest.approx(0.5, abs=1e-6)


def test_a_known_positive_is_none_by_id_or_by_text_and_is_counted() -> None:
    collection = circle_collection(["zero", " ZERO", *TEXTS[2:]], [[0]])
    result = mined(giving(collection, [0, 1, 4]), ANGLES, OFF.replace(negatives=2))
    assert chosen_docs(result) == ["d4", "d2"]
    assert given_fates(result) == {"known_positive": 2, "chosen": 1}
    assert "2 given negatives are known positives of their query: left out" in result.summary()


def test_equal_texts_come_once_given_or_mined() -> None:
    collection = circle_collection(["zero", "one", "two", "ONE", "four", "TWO"], [[0]])
    result = mined(giving(collection, [3, 1]), ANGLES, OFF.replace(negatives=4))
    assert chosen_docs(result) == ["d3", "d2", "d4"]
    assert given_fates(result) == {"chosen": 1, "repeated_text": 1}
    assert fates(result) == {"given": 2, "known_positive_id": 1, "duplicate_text": 1, "chosen": 2}


def test_more_than_asked_for_are_all_kept_and_nothing_is_mined() -> None:
    result = mined(giving(SIX, [5, 4, 3]), ANGLES, OFF.replace(negatives=2))
    assert chosen_docs(result) == ["d5", "d4", "d3"]
    assert (result.yield_ratio, fates(result)["not_needed"]) == (1.0, 2)


@pytest.mark.parametrize(
    ("format", "texts", "beyond"), [("n-tuple", ["five", "four"], 1), ("triplet", ["five", "four", "three"], 0)]
)
def test_rows_of_fixed_length_take_the_first(tmp_path: Path, format: Any, texts: list[str], beyond: int) -> None:
    chosen = OFF.replace(negatives=2, format=format, short_rows="drop", out=str(tmp_path / "out"))
    result = mined(giving(SIX, [5, 4, 3]), ANGLES, chosen)
    rows = [json.loads(line) for line in (tmp_path / "out" / "train.jsonl").read_text("utf-8").splitlines()]
    assert [text for row in rows for name, text in row.items() if name.startswith("negative")] == texts
    assert result.report["given_negatives"]["beyond_row"] == beyond
    assert ("1 given negatives have no place in rows of n-tuple" in result.summary()) == (beyond == 1)


def test_other_forms_say_what_they_have_no_place_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two given negatives are beyond rows of one, in both pairs of the query; triplets have place for all."""
    chosen = OFF.replace(negatives=1, short_rows="drop", out=str(tmp_path / "out"))
    mined(giving(circle_collection(TEXTS, [[0, 1]]), [5, 4, 3]), ANGLES, chosen)
    export_negatives(tmp_path / "out", "labeled-list", quiet=True)
    export_negatives(tmp_path / "out", "n-tuple", quiet=True)
    assert capsys.readouterr().err == ""
    export_negatives(tmp_path / "out", "n-tuple")
    assert "warning   2 given negatives have no place in rows of n-tuple\n" in capsys.readouterr().err
    result = read_result(tmp_path / "out")
    replace(result, settings=result.settings.replace(quiet=False)).to_dataset("pylate-contrastive")
    assert capsys.readouterr().err == "warning   2 given negatives have no place in rows of pylate-contrastive\n"
    export_negatives(tmp_path / "out", "flagembedding")
    assert "warning" not in capsys.readouterr().err


def test_every_pair_of_a_query_gets_them() -> None:
    result = mined(giving(circle_collection(TEXTS, [[0, 1], [2]]), [4], []), ANGLES, OFF, query_angles=(0, 0))
    pairs = [(row["query_id"], row["positive_id"], row["doc_id"]) for row in result.negatives.to_pylist()]
    assert pairs == [("q0", "d0", "d4"), ("q0", "d1", "d4"), ("q1", "d2", "d0")]
    assert given_fates(result) == {"chosen": 1}  # once a query


def test_a_short_row_is_dropped_with_them() -> None:
    strict = OFF.replace(negatives=3, short_rows="drop", max_score=0.6)  # d5 alone is mined
    result = mined(giving(SIX, [1]), ANGLES, strict)
    assert result.negatives.num_rows == 0
    assert given_fates(result) == {"short_row": 1}
    assert chosen_docs(mined(giving(SIX, [1, 2]), ANGLES, strict)) == ["d1", "d2", "d5"]


def test_random_documents_never_repeat_them() -> None:
    chosen = OFF.replace(negatives=3, short_rows="random", max_score=0.0, depth=3)  # d1 and d2 are dropped
    for seed in range(10):
        docs = chosen_docs(mined(giving(SIX, [5]), ANGLES, chosen.replace(seed=seed)))
        assert (docs[0], sorted(docs[1:])) == ("d5", ["d3", "d4"])


def test_the_random_share_yields_to_them() -> None:
    chosen = OFF.replace(negatives=2, random_ratio=0.5)
    assert mined(giving(SIX, [5]), ANGLES, chosen).negatives["source"].to_pylist() == ["given", "random"]
    assert mined(giving(SIX, [5, 4]), ANGLES, chosen).negatives["source"].to_pylist() == ["given", "given"]


def test_no_cross_encoder_is_asked_about_them(tmp_path: Path) -> None:
    logits = {"what": 0.0, "zero": 0.0, "one": 9.0, "two": 9.0, "three": -9.0, "four": -9.0, "five": -9.0}
    reranker = cross_encoder_saying(logits, tmp_path / "reranker")
    collection = giving(circle_collection(TEXTS, [[0]], queries=["what"]), [1])
    result = mined(collection, ANGLES, OFF.replace(negatives=2, cross_encoder=str(reranker)))
    assert chosen_docs(result) == ["d1", "d3"]  # d2 is rejected
    assert result.report["cross_encoder"]["candidates_scored"] == 2


def test_a_query_without_positives_gets_them() -> None:
    collection = giving(circle_collection(TEXTS, [[0], []]), [], [5])
    result = mined(collection, ANGLES, OFF.replace(min_rank_without_positive=1), query_angles=(0, 0))
    assert chosen_docs(result, "q1") == ["d5"]


def test_relabelling_overrules_them(tmp_path: Path) -> None:
    chosen = OFF.replace(negatives=2, out=str(tmp_path / "out"))
    mined(giving(SIX, [5, 4, 3]), ANGLES, chosen)
    result = select(tmp_path / "out", relabel=[("q0", "d5", "positive"), ("q0", "d4", "drop")])
    assert chosen_docs(result, positive_id="d0") == ["d3", "d1"]
    assert given_fates(result) == {"known_positive": 1, "set_aside": 1, "chosen": 1}


def test_select_and_export_find_them_again(tmp_path: Path) -> None:
    chosen = OFF.replace(negatives=2, out=str(tmp_path / "out"), format="labeled-list")
    first = mined(giving(SIX, [5, 3]), ANGLES, chosen)
    assert select(tmp_path / "out").negatives.equals(first.negatives)
    more = select(tmp_path / "out", negatives=3, out=str(tmp_path / "more"))
    assert chosen_docs(more) == ["d5", "d3", "d1"]
    rows = export_negatives(tmp_path / "more", "flagembedding", quiet=True).read_text("utf-8").splitlines()
    assert json.loads(rows[0])["neg"] == ["five", "three", "one"]
    kept = pq.read_table(tmp_path / "out" / "candidates.parquet").to_pylist()[0]
    assert (kept["given_ids"], kept["given_rows"]) == (["d5", "d3"], [5, 3])
    assert kept["given_scores"] == pytest.approx(np.cos(np.deg2rad([60, 40])), abs=1e-6)


def test_blocks_make_no_difference() -> None:
    collection = giving(circle_collection(TEXTS, [[0], [1], [2, 3]]), [5, 4], [], [0, 1])
    results = [
        mined(collection, ANGLES, OFF.replace(negatives=3, block_size=size), query_angles=(0, 30, 60)).negatives
        for size in (1, 2, 1024)
    ]
    assert results[0].equals(results[1]) and results[0].equals(results[2])


def test_the_leak_test_counts_what_was_mined() -> None:
    """d5 is a positive and given: a contradiction, also where it is hidden."""
    collection = giving(circle_collection(TEXTS, [[0, 5]]), [5, 4])
    result = mined(collection, ANGLES, OFF.replace(negatives=3))
    leak = result.report["false_negatives"]["leak_test"]
    assert chosen_docs(result, positive_id="d0") == ["d4", "d1", "d2"]
    assert leak["negatives"] == 2


def test_the_fingerprint_tells_them_apart_only_where_there_are_any() -> None:
    assert giving(SIX, []).fingerprint == SIX.fingerprint
    assert len({c.fingerprint for c in (SIX, giving(SIX, [4, 5]), giving(SIX, [5, 4]), giving(SIX, [4]))}) == 4


def test_they_are_kept_and_read_again(tmp_path: Path) -> None:
    collection = read_pairs([("red?", "rose", ["sky", "grass"]), ("blue?", "sky", "rose")])
    write_beir_parquet(collection, tmp_path / "copy")
    again = read_beir(tmp_path / "copy")
    assert again.fingerprint == collection.fingerprint
    assert again.given_negatives is not None
    assert again.document_texts(again.given_negatives.of(0)) == ["sky", "grass"]


def test_a_beir_folder_may_have_some(beir: Path) -> None:
    (beir / "given_negatives.tsv").write_text("query-id\tcorpus-id\nq1\td6\nq2\td4\nq1\td3\n", encoding="utf-8")
    collection = read_beir(beir)
    assert collection.given_negatives is not None
    assert [collection.given_negatives.of(query).tolist() for query in range(2)] == [[5, 2], [3]]
    result = mine(collection, PrecomputedVectors(on_circle(0, 90), on_circle(*ANGLES)), OFF.replace(negatives=2))
    assert chosen_docs(result, "q1") == ["d6", "d3"]
