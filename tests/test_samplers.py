"""Samplers by the frequencies that their formulas promise, over thousands of queries at the same place."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest

from conftest import on_circle
from foolsgold import MiningResult, PrecomputedVectors, mine
from foolsgold.filters import Relevance
from foolsgold.sample import SimANS, Softmax
from foolsgold.search import Candidates
from test_filters import OFF, circle_collection, mined
from test_sample import by_query

N_QUERIES = 4_000
ANGLES = [0.0, 20, 30, 40, 60, 80]
TEXTS = [f"text {n}" for n in range(len(ANGLES))]
SCORES = np.cos(np.deg2rad(ANGLES))
SCALED = SCORES / SCORES.std()  # in standard deviations of the query's candidates
TOLERANCE = 4 * np.sqrt(0.25 / N_QUERIES)  # four standard deviations of a share of one half


def drawn(positive: int | None, **changes: Any) -> MiningResult:
    """Many queries at angle 0, with the same positive or none."""
    collection = circle_collection(TEXTS, [[0], *([[] if positive is None else [positive]] * N_QUERIES)])
    return mined(collection, ANGLES, OFF.replace(**changes), query_angles=[0] * (N_QUERIES + 1))


def shares(result: MiningResult) -> np.ndarray:
    """How often each document was chosen, for all queries but the first."""
    docs = [int(doc[1:]) for query_id, docs in by_query(result).items() if query_id != "q0" for doc in docs]
    return np.bincount(docs, minlength=len(ANGLES)) / N_QUERIES


def probabilities(log_weights: np.ndarray, *competing: int) -> np.ndarray:
    weights = np.zeros(len(ANGLES))
    weights[list(competing)] = np.exp(log_weights[list(competing)])
    return weights / weights.sum()


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.0])
def test_softmax_draws_from_the_best_survivors_by_their_scores(temperature: float) -> None:
    result = drawn(1, sampler="softmax", sample_from=3, softmax_temperature=temperature)
    expected = probabilities(SCALED / temperature, 0, 2, 3)  # d1 is the positive
    assert shares(result) == pytest.approx(expected, abs=TOLERANCE)
    assert expected[0] - expected[3] > 2 * TOLERANCE  # or a draw without weights would do


def test_softmax_lets_all_compete_where_few_survive() -> None:
    result = drawn(1, sampler="softmax", min_rank=4, softmax_temperature=0.5)
    assert shares(result) == pytest.approx(probabilities(SCALED / 0.5, 4, 5), abs=TOLERANCE)


def test_several_are_drawn_without_replacement() -> None:
    result = drawn(0, sampler="softmax", sample_from=4, negatives=2)
    p = probabilities(SCALED, 1, 2, 3, 4)
    pairs = [tuple(int(doc[1:]) for doc in docs) for docs in by_query(result).values()]
    for i, j in combinations((1, 2, 3, 4), 2):  # first i and then j, or the other way round
        expected = p[i] * p[j] / (1 - p[i]) + p[j] * p[i] / (1 - p[j])
        assert pairs.count((i, j)) / len(pairs) == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.0), (3.0, 0.0), (3.0, -1.0), (0.0, 5.0)])
def test_simans_draws_survivors_about_the_positive(a: float, b: float) -> None:
    result = drawn(3, sampler="simans", simans_a=a, simans_b=b)
    expected = probabilities(-a * (SCALED - SCALED[3] - b) ** 2, 0, 1, 2, 4, 5)
    assert shares(result) == pytest.approx(expected, abs=TOLERANCE)


def test_simans_takes_the_best_candidate_where_there_is_no_positive() -> None:
    result = drawn(None, sampler="simans", simans_a=2.0, min_rank_without_positive=1)
    expected = probabilities(-2 * (SCALED - SCALED[0]) ** 2, 1, 2, 3, 4, 5)
    assert shares(result) == pytest.approx(expected, abs=TOLERANCE)


DRAWN = ["uniform", "softmax", "simans"]
MANY = [f"text {n}" for n in range(30)]
MANY_ANGLES = [3.0 * n for n in range(30)]


@pytest.mark.parametrize("sampler", DRAWN)
def test_a_draw_depends_on_seed_and_query_alone(sampler: Any) -> None:
    chosen = OFF.replace(negatives=4, sampler=sampler, sample_from=20)
    queries = [[0], [5], [0, 7], [2], []]
    collection, angles = circle_collection(MANY, queries), (0, 10, 20, 30, 40)
    whole = mined(collection, MANY_ANGLES, chosen, angles)
    for block_size in (1, 2, 3):
        again = mined(collection, MANY_ANGLES, chosen.replace(block_size=block_size), angles)
        assert again.negatives.equals(whole.negatives)
    alone = mined(circle_collection(MANY, queries[:1]), MANY_ANGLES, chosen, angles[:1])
    assert by_query(alone)["q0"] == by_query(whole)["q0"]
    other = mined(collection, MANY_ANGLES, chosen.replace(seed=7), angles)
    assert by_query(other) != by_query(whole)


@pytest.mark.parametrize("sampler", ["softmax", "simans"])
def test_models_of_another_scale_draw_the_same(sampler: Any) -> None:
    collection = circle_collection(MANY, [[3]] * 50)
    cosines = mined(collection, MANY_ANGLES, OFF.replace(sampler=sampler), [0] * 50)
    query_vecs, doc_vecs = on_circle(*[0] * 50), on_circle(*MANY_ANGLES)
    larger = PrecomputedVectors(query_vecs, 64 * doc_vecs, similarity="dot")
    assert by_query(mine(collection, larger, OFF.replace(sampler=sampler))) == by_query(cosines)


@pytest.mark.parametrize("sampler", DRAWN)
def test_scores_that_are_all_equal(sampler: Any) -> None:
    collection = circle_collection(TEXTS, [[0]] * 500)
    result = mined(collection, [10.0] * 6, OFF.replace(sampler=sampler), [0] * 500)
    assert shares(result)[1:] * N_QUERIES == pytest.approx([100] * 5, abs=40)  # standard deviation 9


@pytest.mark.parametrize("sampler", DRAWN)
def test_a_single_candidate(sampler: Any) -> None:
    collection = circle_collection(TEXTS[:2], [[0]])
    assert by_query(mined(collection, ANGLES[:2], OFF.replace(sampler=sampler)))["q0"] == ["d1"]
    shallow = mined(circle_collection(TEXTS, [[5]]), ANGLES, OFF.replace(sampler=sampler, depth=1))
    assert by_query(shallow)["q0"] == ["d0"]


@pytest.mark.parametrize("sampler", [Softmax(1, sample_from=10, temperature=1.0), SimANS(1, a=0.5, b=0.0)])
def test_a_short_list_of_candidates_draws_the_same_beside_a_longer_one(sampler: Softmax | SimANS) -> None:
    """Candidates from a run file may be fewer for one query than for another in the same block."""
    relevance = Relevance(circle_collection(TEXTS, [[0], [0]]))
    scores = np.array([[0.9, 0.3, 0.1, np.nan, np.nan], [0.9, 0.8, 0.7, 0.6, 0.5]], np.float32)
    doc_rows = np.where(np.isnan(scores), -1, [[1, 2, 3, 4, 5]]).astype(np.int32)

    def keys(n_queries: int, n_candidates: int) -> np.ndarray:
        block = relevance.pair_block(
            Candidates(
                np.arange(n_queries), doc_rows[:n_queries, :n_candidates], scores[:n_queries, :n_candidates],
                np.arange(n_queries + 1), np.zeros(n_queries, np.int32), np.full(n_queries, 0.7, np.float32),
                np.zeros((n_queries, n_candidates), np.int8), ("dense",),
            )
        )  # fmt: skip
        return sampler.order(block, block.present, pair_ids=[("q0", "d0"), ("q1", "d0")][:n_queries])

    assert np.array_equal(keys(1, 3)[0], keys(2, 5)[0, :3])


JUDGED = circle_collection(MANY, [[0]] * 3, judged=[[25, 28], [], [1]])


@pytest.mark.parametrize("sampler", ["top", *DRAWN])
def test_judged_negatives_come_first_and_are_counted(sampler: Any) -> None:
    chosen = OFF.replace(negatives=3, sampler=sampler, relative_margin=0.05)
    result = mined(JUDGED, MANY_ANGLES, chosen, [0] * 3)
    found = by_query(result)
    assert {"d25", "d28"} < set(found["q0"])
    assert "d1" in found["q2"]  # though it lies within the margin
    assert [len(docs) for docs in found.values()] == [3, 3, 3]
    assert result.report["negatives"]["judged"] == 3
    one = mined(JUDGED, MANY_ANGLES, chosen.replace(negatives=1), [0] * 3)
    assert set(by_query(one)["q0"]) < {"d25", "d28"}
    assert one.report["negatives"]["judged"] == 2


def test_judged_negatives_take_their_turn_where_that_is_asked_for() -> None:
    result = mined(JUDGED, MANY_ANGLES, OFF.replace(negatives=2, prefer_judged=False), [0] * 3)
    assert by_query(result) == {query_id: ["d1", "d2"] for query_id in ("q0", "q1", "q2")}
    assert result.report["negatives"]["judged"] == 1


def test_the_order_among_judged_negatives_is_the_samplers() -> None:
    assert by_query(mined(JUDGED, MANY_ANGLES, OFF, [0] * 3))["q0"] == ["d25"]
    draws = {
        doc
        for seed in range(20)
        for doc in by_query(mined(JUDGED, MANY_ANGLES, OFF.replace(sampler="uniform", seed=seed), [0] * 3))["q0"]
    }
    assert draws == {"d25", "d28"}
