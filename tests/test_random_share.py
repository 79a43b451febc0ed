"""A share of every pair's negatives drawn from the whole corpus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foolsgold import MiningResult, PrecomputedVectors, mine, select
from test_answer_match import with_answers
from test_filters import OFF, circle_collection, fates, mined
from test_mine import ANGLES as BEIR_ANGLES
from test_mine import contents, on_circle, settings

N = 40
TEXTS = [f"text {n}" for n in range(N)]
ANGLES = [2.0 * n for n in range(N)]
HALF = OFF.replace(negatives=4, random_ratio=0.5, depth=10)


def rows(result: MiningResult, source: str) -> list[dict[str, Any]]:
    return [row for row in result.negatives.to_pylist() if row["source"] == source]


def test_half_hard_and_half_random() -> None:
    result = mined(
        circle_collection(TEXTS, [[0], [1]]), ANGLES, HALF.replace(format="n-tuple", short_rows="drop"), (0, 0)
    )
    assert [row["doc_id"] for row in rows(result, "dense")] == ["d1", "d2", "d0", "d2"]
    random = rows(result, "random")
    assert len(random) == 4
    assert {row["rank"] for row in random} == {row["score"] for row in random} == {None}
    assert [row["source"] for row in result.negatives.to_pylist()[:4]] == ["dense", "dense", "random", "random"]
    report = result.report
    assert (report["negatives"]["random"], report["pairs"]["complete"], result.yield_ratio) == (4, 2, 1.0)
    assert report["pairs"]["filled_at_random"] == 0
    mined_scores = np.cos(np.deg2rad([2, 4, 0, 4]))
    assert result.hardness == pytest.approx(mined_scores.mean(), abs=1e-6)  # random documents have no score
    assert fates(result)["chosen"] == 4
    assert len(result.to_dataset()) == 2


def test_random_documents_come_from_everywhere() -> None:
    result = mined(circle_collection(TEXTS, [[0]] * 500), ANGLES, HALF, [0] * 500)
    counts = np.bincount([int(row["doc_id"][1:]) for row in rows(result, "random")], minlength=N)
    assert counts[:3].tolist() == [0, 0, 0]  # the positive, and the two that were chosen already
    # 1,000 draws from 37 documents, candidates that were not needed among them: 27 each, standard deviation 5
    assert 5 < counts[3:].min() and counts[3:].max() < 50


def test_nothing_that_a_filter_speaks_against() -> None:
    chosen = HALF.replace(relative_margin=0.05, depth=39)
    result = mined(circle_collection(TEXTS, [[10]] * 50), ANGLES, chosen, [0] * 50)
    # cos 20 * .95 = .893 = cos 26.8: the positive at 20 degrees is d10, and d14 at 28 is the first below its margin
    assert min(int(row["doc_id"][1:]) for row in result.negatives.to_pylist()) == 14
    assert len(rows(result, "random")) == 100


def test_nothing_that_answers_the_query() -> None:
    texts = [*TEXTS[:20], *(f"the answer, number {n}" for n in range(20))]
    collection = with_answers(circle_collection(texts, [[0]] * 50), [["The answer"]] * 50)
    result = mined(collection, ANGLES, HALF, [0] * 50)
    assert len(rows(result, "random")) == 100
    assert max(int(row["doc_id"][1:]) for row in rows(result, "random")) < 20
    unguarded = mined(collection, ANGLES, HALF.replace(answer_match=False), [0] * 50)
    assert max(int(row["doc_id"][1:]) for row in rows(unguarded, "random")) >= 20


SMALL = circle_collection(TEXTS[:6], [[0], [4]])
SMALL_ANGLES = [0.0, 40, 45, 50, 55, 60]  # q1 has one document below its positive


def test_short_of_hard_ones() -> None:
    """Three of four are hard: q1 has one, so it is dropped, kept as it is, or filled."""
    chosen = OFF.replace(negatives=4, random_ratio=0.25, relative_margin=0.05)
    texts, angles = [*TEXTS[:6], *TEXTS[20:]], [*SMALL_ANGLES, *np.linspace(70, 90, 20)]
    collection = circle_collection(texts, [[0], [4]])

    def by_source(short_rows: str) -> tuple[list[int], dict[str, Any]]:
        result = mined(collection, angles, chosen.replace(short_rows=short_rows, depth=6), (0, 0))
        sources = [row["source"] for row in result.negatives.to_pylist() if row["query_id"] == "q1"]
        return [sources.count("dense"), sources.count("random")], dict(result.report["pairs"])

    assert by_source("drop")[0] == [0, 0]
    assert by_source("keep")[0] == [1, 1]
    found, pairs = by_source("random")
    assert found == [1, 3]
    assert (pairs["complete"], pairs["filled_at_random"], pairs["short"]) == (1, 1, 0)


def test_short_of_random_ones() -> None:
    """One hard, four random are asked for, and three texts are left beside the positive's."""
    chosen = OFF.replace(negatives=5, random_ratio=0.8)
    collection = circle_collection(TEXTS[:5], [[0]])
    with pytest.raises(ValueError, match="the corpus has only 5 documents"):
        mined(collection, ANGLES[:5], chosen)
    collection = circle_collection([*TEXTS[:4], "text 3", "TEXT 0"], [[0]])  # says only four things
    kept = mined(collection, ANGLES[:6], chosen)
    assert sorted(row["doc_id"] for row in kept.negatives.to_pylist()) in (["d1", "d2", "d3"], ["d1", "d2", "d4"])
    assert (kept.yield_ratio, kept.report["pairs"]["short"]) == (0.0, 1)
    for short_rows in ("drop", "random"):
        dropped = mined(collection, ANGLES[:6], chosen.replace(short_rows=short_rows))
        assert dropped.negatives.num_rows == 0
        assert fates(dropped)["short_row"] == 1


def test_all_random() -> None:
    result = mined(circle_collection(TEXTS, [[0]]), ANGLES, HALF.replace(random_ratio=1.0))
    assert [row["source"] for row in result.negatives.to_pylist()] == ["random"] * 4
    assert (result.hardness, result.yield_ratio) == (None, 1.0)
    assert fates(result) == {"known_positive_id": 1, "not_needed": 9}
    assert "4 negatives are random documents" in result.summary()


@pytest.mark.parametrize("short_rows", ["drop", "keep", "random"])
def test_the_same_whatever_the_blocks(short_rows: Any) -> None:
    collection = circle_collection(TEXTS, [[0], [5, 6], [], [35]])
    chosen = HALF.replace(short_rows=short_rows, relative_margin=0.1, depth=30)
    angles = (0, 5, 70, 80)
    whole = mined(collection, ANGLES, chosen, angles)
    assert whole.report["negatives"]["random"] > 5
    for block_size in (1, 3):
        assert mined(collection, ANGLES, chosen.replace(block_size=block_size), angles).negatives.equals(
            whole.negatives
        )
    keys = [(r["query_id"], r["positive_id"], r["doc_id"]) for r in whole.negatives.to_pylist()]
    assert len(set(keys)) == len(keys)


def test_select_chooses_what_mine_would_have(beir: Path, tmp_path: Path) -> None:
    vectors = PrecomputedVectors(on_circle(0, 90), on_circle(*BEIR_ANGLES))
    changes: dict[str, Any] = {
        "random_ratio": 0.5, "sampler": "softmax", "sample_from": 3, "softmax_temperature": 0.5, "prefer_judged": False,
        "relative_margin": 0.3,
    }  # fmt: skip
    mine(beir, vectors, settings(tmp_path / "a"))
    select(tmp_path / "a", out=str(tmp_path / "b"), **changes)
    mine(beir, vectors, settings(tmp_path / "c", **changes))
    left, right = contents(tmp_path / "b"), contents(tmp_path / "c")
    assert left["negatives.parquet"] == right["negatives.parquet"]
    assert left["train.jsonl"] == right["train.jsonl"]
    assert left["negatives.parquet"] != contents(tmp_path / "a")["negatives.parquet"]
