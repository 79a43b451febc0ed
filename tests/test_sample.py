from __future__ import annotations

import numpy as np
import pytest

from foolsgold import MiningResult
from test_filters import OFF, circle_collection, fates, mined

N = 40
TEXTS = [f"text {n}" for n in range(N)]
ANGLES = [float(n) for n in range(N)]


def by_query(result: MiningResult) -> dict[str, list[str]]:
    rows = result.negatives.to_pylist()
    return {q: [r["doc_id"] for r in rows if r["query_id"] == q] for q in dict.fromkeys(r["query_id"] for r in rows)}


def test_top_takes_the_hardest() -> None:
    assert by_query(mined(circle_collection(TEXTS, [[0]]), ANGLES, OFF.replace(negatives=3)))["q0"] == [
        "d1",
        "d2",
        "d3",
    ]


def test_uniform_draws_survivors_without_replacement() -> None:
    collection = circle_collection(TEXTS, [[0]] * 300)
    chosen = OFF.replace(negatives=4, sampler="uniform", min_rank=10, max_rank=30)
    result = mined(collection, ANGLES, chosen, query_angles=[0] * 300)
    draws = by_query(result)
    assert all(len(set(docs)) == 4 for docs in draws.values())
    counts = np.bincount([int(doc[1:]) for docs in draws.values() for doc in docs], minlength=N)
    assert counts[:10].sum() == counts[30:].sum() == 0
    # 1,200 draws from 20 documents: 60 each, standard deviation 7
    assert 35 < counts[10:30].min() and counts[10:30].max() < 90
    assert all(ranks == sorted(ranks) for ranks in ([int(d[1:]) for d in docs] for docs in draws.values()))


def test_uniform_depends_on_seed_and_query_alone() -> None:
    chosen = OFF.replace(negatives=4, sampler="uniform")
    two = by_query(mined(circle_collection(TEXTS, [[0], [0]]), ANGLES, chosen, query_angles=(0, 0)))
    assert two["q0"] != two["q1"]
    assert by_query(mined(circle_collection(TEXTS, [[0]]), ANGLES, chosen))["q0"] == two["q0"]
    for block_size in (1, 2, 3):
        again = mined(circle_collection(TEXTS, [[0], [0]]), ANGLES, chosen.replace(block_size=block_size), (0, 0))
        assert by_query(again) == two
    other = mined(circle_collection(TEXTS, [[0], [0]]), ANGLES, chosen.replace(seed=7), query_angles=(0, 0))
    assert by_query(other)["q0"] != two["q0"]


MARGIN = OFF.replace(relative_margin=0.05, negatives=3)
SHORT = circle_collection(TEXTS[:6], [[0], [4]])  # q1 has one document below its positive
SHORT_ANGLES = [0.0, 40, 45, 50, 55, 60]


def test_short_rows_are_dropped_and_counted() -> None:
    result = mined(SHORT, SHORT_ANGLES, MARGIN.replace(short_rows="drop"), query_angles=(0, 0))
    assert list(by_query(result)) == ["q0"]
    assert fates(result) == {"known_positive_id": 2, "relative_margin": 4, "short_row": 1, "not_needed": 2, "chosen": 3}
    assert (result.yield_ratio, result.report["pairs"]["short"]) == (0.5, 1)


def test_short_rows_are_kept() -> None:
    result = mined(SHORT, SHORT_ANGLES, MARGIN.replace(short_rows="keep"), query_angles=(0, 0))
    assert by_query(result)["q1"] == ["d5"]
    assert result.yield_ratio == 0.5


def test_short_rows_are_filled_at_random_and_marked() -> None:
    texts, angles = TEXTS, [*np.linspace(0, 1, 20), *np.linspace(60, 90, 20)]
    collection = circle_collection(texts, [[20]])
    chosen = MARGIN.replace(short_rows="random", depth=21, negatives=3)
    result = mined(collection, angles, chosen)
    rows = result.negatives.to_pylist()
    assert [row["source"] for row in rows] == ["random"] * 3
    assert {row["rank"] for row in rows} == {row["score"] for row in rows} == {None}
    assert all(int(row["doc_id"][1:]) > 20 for row in rows)  # nothing that the margin dropped
    assert (result.report["negatives"]["random"], result.yield_ratio, result.hardness) == (3, 0.0, None)
    assert result.negatives.equals(mined(collection, angles, chosen.replace(block_size=1)).negatives)


def test_random_fill_takes_candidates_that_were_only_too_easy() -> None:
    result = mined(SHORT, SHORT_ANGLES, MARGIN.replace(short_rows="random", min_score=0.6, negatives=2), (0, 0))
    rows = [row for row in result.negatives.to_pylist() if row["query_id"] == "q1"]
    assert rows == []  # one easy document, two wanted: still short, so dropped
    result = mined(SHORT, SHORT_ANGLES, MARGIN.replace(short_rows="random", min_score=0.6, negatives=1), (0, 0))
    rows = [row for row in result.negatives.to_pylist() if row["query_id"] == "q1"]
    assert [(row["doc_id"], row["source"]) for row in rows] == [("d5", "random")]


def test_random_fill_never_takes_what_the_margin_speaks_against() -> None:
    """Ranks past the window are too easy only if they also lie below the positive."""
    collection, angles = circle_collection(TEXTS, [[30]]), ANGLES
    chosen = OFF.replace(relative_margin=0.05, max_rank=5, negatives=3, short_rows="random")
    rows = mined(collection, angles, chosen).negatives.to_pylist()
    assert len(rows) == 3
    assert all(int(row["doc_id"][1:]) > 30 for row in rows)


def test_no_negatives_at_all() -> None:
    result = mined(SHORT, [0.0, 1, 1, 1, 1, 1], MARGIN.replace(short_rows="drop"), query_angles=(0, 0))
    assert result.negatives.num_rows == 0
    assert (result.hardness, result.examples(), result.borderline(), len(result.to_dataset("n-tuple"))) == (
        None,
        [],
        [],
        0,
    )
    assert "0 negatives" in result.summary()


def test_examples_and_borderline() -> None:
    result = mined(circle_collection(TEXTS, [[0], [3]]), ANGLES, OFF.replace(negatives=2), query_angles=(0, 0))
    assert [example.query for example in result.examples(2)] == ["query 0", "query 1"]
    hardest = result.examples(2)[1]
    assert (hardest.positive, hardest.negative) == ("text 3", "text 0")
    assert hardest.positive_score == pytest.approx(np.cos(np.deg2rad(3)))
    assert [example.negative for example in result.borderline(1)] == ["text 0"]  # nearest to (here above) the positive
