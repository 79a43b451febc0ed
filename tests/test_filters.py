"""Documents on a circle: a document at angle a has cosine cos(a) with the query at 0."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import PLAIN, on_circle
from foolsgold import Collection, MiningResult, MiningSettings, PrecomputedVectors, mine
from foolsgold.collection.collection import CORPUS_SCHEMA, QUERIES_SCHEMA, Judgements
from foolsgold.errors import SettingsError
from foolsgold.filters import rank_window

OFF = MiningSettings(**{**PLAIN, "short_rows": "keep"}, relative_margin=None, negatives=1, format="triplet", quiet=True)


def circle_collection(texts: list[str], positives: list[list[int]], judged: list[list[int]] | None = None,
                      queries: list[str] | None = None) -> Collection:  # fmt: skip
    def judgements(rows: list[list[int]]) -> Judgements:
        pairs = [(q, d) for q, docs in enumerate(rows) for d in docs]
        array = np.array(pairs, np.int64).reshape(-1, 2)
        return Judgements.from_pairs(array[:, 0], array[:, 1], n_queries=len(positives))

    corpus = [[f"d{n}" for n in range(len(texts))], [""] * len(texts), texts]
    names = queries or [f"query {n}" for n in range(len(positives))]
    asked = [[f"q{n}" for n in range(len(positives))], names]
    return Collection(
        pa.table([pa.array(column, pa.large_string()) for column in corpus], schema=CORPUS_SCHEMA),
        pa.table([pa.array(column, pa.large_string()) for column in asked], schema=QUERIES_SCHEMA),
        judgements(positives),
        judgements(judged or [[] for _ in positives]),
        Judgements.none(len(positives)),
    )


def mined(
    collection: Collection, angles: list[float], chosen: MiningSettings, query_angles: Any = (0,)
) -> MiningResult:
    return mine(collection, PrecomputedVectors(on_circle(*query_angles), on_circle(*angles)), chosen)


def chosen_docs(result: MiningResult, query_id: str = "q0", positive_id: str | None = None) -> list[str]:
    rows = result.negatives.to_pylist()
    return [r["doc_id"] for r in rows if r["query_id"] == query_id and positive_id in (None, r["positive_id"])]


def fates(result: MiningResult) -> dict[str, int]:
    candidates = result.report["candidates"]
    assert sum(candidates["by_fate"].values()) == candidates["total"]
    return {name: count for name, count in candidates["by_fate"].items() if count}


TEXTS = ["zero", "one", "two", "three", "four", "five"]
ANGLES = [10.0, 20, 30, 40, 50, 60]


def test_a_known_positive_by_id() -> None:
    result = mined(circle_collection(TEXTS, [[0, 2]]), ANGLES, OFF.replace(negatives=4))
    assert chosen_docs(result, positive_id="d0") == ["d1", "d3", "d4", "d5"]
    assert chosen_docs(result, positive_id="d2") == ["d1", "d3", "d4", "d5"]
    assert fates(result) == {"known_positive_id": 2, "chosen": 4}


def test_a_known_positive_by_text() -> None:
    texts = ["zero", "  ＺERO\n", "two", "zero sum", "four", "five"]
    result = mined(circle_collection(texts, [[0]]), ANGLES, OFF.replace(negatives=4))
    assert chosen_docs(result) == ["d2", "d3", "d4", "d5"]
    assert fates(result) == {"known_positive_id": 1, "known_positive_text": 1, "chosen": 4}


def test_a_positive_by_title_and_text_together() -> None:
    collection = with_titles(circle_collection(["hello world", "Doc A hello world", *TEXTS[2:]], [[0]]), {0: "Doc A"})
    result = mined(collection, ANGLES, OFF.replace(negatives=4))
    assert chosen_docs(result) == ["d2", "d3", "d4", "d5"]


def with_titles(collection: Collection, titles: dict[int, str]) -> Collection:
    column = pa.array([titles.get(row, "") for row in range(collection.n_documents)], pa.large_string())
    return replace(collection, corpus=collection.corpus.set_column(1, "title", column))


def test_a_positive_of_another_query_with_the_same_text() -> None:
    collection = circle_collection(TEXTS, [[0], [1]], queries=["Same text?", "same  TEXT?"])
    result = mined(collection, ANGLES, OFF.replace(negatives=2), query_angles=(0, 0))
    assert chosen_docs(result, "q0") == chosen_docs(result, "q1") == ["d2", "d3"]


def test_a_document_that_is_the_query() -> None:
    collection = circle_collection(["zero", "WHAT? ", *TEXTS[2:]], [[0]], queries=["what?"])
    result = mined(collection, ANGLES, OFF.replace(negatives=2))
    assert chosen_docs(result) == ["d2", "d3"]
    assert fates(result) == {"known_positive_id": 1, "query_text": 1, "chosen": 2, "not_needed": 2}


def test_duplicate_texts_among_a_querys_negatives() -> None:
    collection = circle_collection(["zero", "one", "One", "ONE ", "four", "four"], [[0]])
    result = mined(collection, ANGLES, OFF.replace(negatives=3))
    assert chosen_docs(result) == ["d1", "d4"]
    assert fates(result) == {"known_positive_id": 1, "duplicate_text": 3, "chosen": 2}


def test_of_duplicates_the_first_that_other_filters_keep() -> None:
    collection = circle_collection(["zero", "one", "one", "three", "four", "five"], [[0]])
    result = mined(collection, ANGLES, OFF.replace(negatives=2, min_rank=2))
    assert chosen_docs(result) == ["d2", "d3"]


def test_the_rank_window() -> None:
    result = mined(circle_collection(TEXTS, [[0]]), ANGLES, OFF.replace(negatives=2, min_rank=2, max_rank=5))
    assert result.negatives["rank"].to_pylist() == [2, 3]
    result = mined(circle_collection(TEXTS, [[0]]), ANGLES, OFF.replace(negatives=3, min_rank=2, max_rank=5))
    assert fates(result) == {"known_positive_id": 1, "rank_window": 2, "chosen": 3}


def test_the_relative_margin_is_against_the_positive() -> None:
    # the positive at 50 degrees has cos 0.643; 0.95 of that is 0.611, so 60 degrees (0.5) is the first below
    result = mined(circle_collection(TEXTS, [[4]]), ANGLES, OFF.replace(relative_margin=0.05))
    assert chosen_docs(result) == ["d5"]
    assert fates(result) == {"known_positive_id": 1, "relative_margin": 4, "chosen": 1}


def test_the_relative_margin_of_a_negative_score() -> None:
    # positive at 120 degrees: s = -0.5; s > -0.5 - 0.1 * 0.5 = -0.55 is dropped, so 123 degrees (-0.545) is, 125 is not
    angles = [120.0, 123, 125, 90, 130, 140]
    result = mined(circle_collection(TEXTS, [[0]]), angles, OFF.replace(relative_margin=0.1, negatives=3))
    assert chosen_docs(result) == ["d2", "d4", "d5"]


def test_the_absolute_margin() -> None:
    # positive at 30 degrees: s = 0.866; minus 0.2 is 0.666: 40 degrees (0.766) is dropped, 50 (0.643) is not
    result = mined(circle_collection(TEXTS, [[2]]), ANGLES, OFF.replace(absolute_margin=0.2, negatives=2))
    assert chosen_docs(result) == ["d4", "d5"]
    assert fates(result)["absolute_margin"] == 3


def test_margins_are_for_each_pair_by_itself() -> None:
    # the weak positive at 50 degrees does not take the strong one's negatives away
    result = mined(circle_collection(TEXTS, [[0, 4]]), ANGLES, OFF.replace(relative_margin=0.05, negatives=2))
    assert chosen_docs(result, positive_id="d0") == ["d2", "d3"]  # cos 20 = 0.940 > 0.95 * cos 10 = 0.936
    assert chosen_docs(result, positive_id="d4") == ["d5"]
    assert fates(result) == {"known_positive_id": 2, "relative_margin": 1, "chosen": 3}


def test_a_score_at_the_threshold_is_kept() -> None:
    collection = circle_collection(TEXTS, [[0]])
    result = mined(collection, [10, 10, 30, 40, 50, 60], OFF.replace(relative_margin=0.0))
    assert chosen_docs(result) == ["d1"]


def test_bounds_on_the_score() -> None:
    chosen = OFF.replace(max_score=0.9, min_score=0.6, negatives=3)  # cos 30 = 0.87, 40 = 0.77, 50 = 0.64, 60 = 0.5
    result = mined(circle_collection(TEXTS, [[0]]), ANGLES, chosen)
    assert chosen_docs(result) == ["d2", "d3", "d4"]
    assert fates(result) == {"known_positive_id": 1, "max_score": 1, "min_score": 1, "chosen": 3}


def test_what_was_judged_not_relevant_is_always_admissible() -> None:
    strict = OFF.replace(relative_margin=0.05, max_score=0.1, min_rank=1, negatives=2)
    collection = circle_collection(TEXTS, [[4]], judged=[[0, 2]])
    assert chosen_docs(mined(collection, ANGLES, strict)) == ["d0", "d2"]


def test_but_not_with_the_text_of_a_positive() -> None:
    collection = circle_collection(["zero", "ZERO", *TEXTS[2:]], [[0]], judged=[[1]])
    assert "d1" not in chosen_docs(mined(collection, ANGLES, OFF.replace(negatives=4)))


def test_a_query_without_positives_is_mined_by_window_only() -> None:
    texts = [f"text {n}" for n in range(40)]
    angles = [float(n) for n in range(40)]
    collection = circle_collection(texts, [[0], []])
    result = mined(collection, angles, OFF.replace(relative_margin=0.05, negatives=2), query_angles=(0, 0))
    rows = [row for row in result.negatives.to_pylist() if row["query_id"] == "q1"]
    assert [row["rank"] for row in rows] == [10, 11]
    assert [row["positive_id"] for row in rows] == [None, None]
    assert result.report["queries_without_positives"] == {"total": 1, "complete": 1}
    assert {row["anchor"] for row in result.to_dataset("triplet")} == {"query 0"}


def test_a_query_without_positives_and_a_small_depth() -> None:
    texts, angles = [f"text {n}" for n in range(40)], [float(n) for n in range(40)]
    result = mined(circle_collection(texts, [[0], []]), angles, OFF.replace(depth=10, negatives=2), (0, 0))
    rows = [row["rank"] for row in result.negatives.to_pylist() if row["query_id"] == "q1"]
    assert rows == [5, 6]


def test_queries_are_not_merged_by_documents_they_match() -> None:
    collection = circle_collection(["overview", "overview", *TEXTS[2:]], [[2], [3]])
    collection = with_titles(collection, {0: "Cats", 1: "Dogs"})
    column = pa.array(["cats overview", "dogs overview"], pa.large_string())
    collection = replace(collection, queries=collection.queries.set_column(1, "text", column))
    assert fates(mined(collection, ANGLES, OFF, query_angles=(0, 0)))["known_positive_id"] == 2


def test_corpora_that_are_too_small() -> None:
    with pytest.raises(SettingsError, match=r"negatives is 6, but the corpus has only 6 documents.*at most 5"):
        mined(circle_collection(TEXTS, [[0]]), ANGLES, OFF.replace(negatives=6))
    with pytest.raises(SettingsError, match="min_rank is 9, but the corpus has only 6.*holds 0 ranks"):
        mined(circle_collection(TEXTS, [[0]]), ANGLES, OFF.replace(min_rank=9))


def test_simple_miners_window() -> None:
    expected = {1: (1, 1), 2: (1, 2), 4: (2, 4), 20: (10, 20), 100: (10, 20), 300: (10, 30), 1_200: (10, 110)}
    assert {n: rank_window(n) for n in expected} == expected
    assert rank_window(100, min_rank=0) == (0, 20)
    assert rank_window(1_000, min_rank=50) == (50, 100)
    assert rank_window(300, min_rank=50) == (15, 30)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_positive_is_never_chosen_whatever_the_settings(data: Any) -> None:
    n = data.draw(st.integers(6, 14))
    texts = data.draw(st.lists(st.sampled_from(["a", "A ", "b", "c", "d", "e", "f"]), min_size=n, max_size=n))
    angles = data.draw(st.lists(st.floats(0, 180), min_size=n, max_size=n))
    positives = [data.draw(st.lists(st.integers(0, n - 1), max_size=4, unique=True)) for _ in range(3)]
    judged = [data.draw(st.lists(st.integers(0, n - 1), max_size=4, unique=True)) for _ in range(3)]
    collection = circle_collection(texts, positives, judged, queries=["x", "X", "b"])
    chosen = OFF.replace(
        negatives=data.draw(st.integers(1, 5)),
        relative_margin=data.draw(st.sampled_from([None, 0.0, 0.3])),
        short_rows=data.draw(st.sampled_from(["relax", "keep", "drop", "random"])),
        max_false_negative_rate=data.draw(st.sampled_from([None, 0.0, 0.05, 0.5])),
        max_false_negative_probability=data.draw(st.sampled_from([None, 0.0, 0.2])),
        max_similarity_to_positive=data.draw(st.sampled_from([None, 0.5])),
        max_similarity_to_negative=data.draw(st.sampled_from([None, 0.95])),
        sampler=data.draw(st.sampled_from(["top", "uniform", "softmax", "simans"])),
        random_ratio=data.draw(st.sampled_from([0.0, 0.5, 1.0])),
        prefer_judged=data.draw(st.booleans()),
        max_score=data.draw(st.sampled_from([None, 0.5])),
    )
    result = mined(collection, angles, chosen, query_angles=(0, 90, 45))
    fates(result)
    folded = [text.strip().lower() for text in texts]
    known = [{folded[d] for d in rows} for rows in positives]
    known[0] = known[1] = known[0] | known[1]  # the same text but for case
    for row in result.negatives.to_pylist():
        query = int(row["query_id"][1:])
        assert folded[int(row["doc_id"][1:])] not in known[query]
        assert folded[int(row["doc_id"][1:])] != ["x", "x", "b"][query]
    pairs = [(r["query_id"], r["positive_id"]) for r in result.negatives.to_pylist()]
    said = [(*pair, folded[int(r["doc_id"][1:])]) for pair, r in zip(pairs, result.negatives.to_pylist(), strict=True)]
    assert len(set(said)) == len(said)
    assert max([pairs.count(pair) for pair in pairs], default=0) <= chosen.negatives
