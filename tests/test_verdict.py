"""The verdict: one sentence, and for each thing that looks wrong the flag that mends it."""

from __future__ import annotations

from typing import Any

from foolsgold.report.verdict import verdict_on


def report(**changes: Any) -> dict[str, Any]:
    """Numbers of a run in which nothing looks wrong."""
    numbers: dict[str, Any] = {
        "collection": {"documents": 5_000},
        "search": {"random_pairs": {"median": 0.1}, "scores": "dense", "depth": 100},
        "candidates": {"total": 1_000, "by_fate": {"near_positive": 10, "margin": 90, "chosen": 400}},
        "yield_ratio": 0.97,
        "negatives": {"total": 400, "random": 0},
        "hardness": 0.5,
        "false_negatives": {
            "expected_ratio": 0.1,
            "max_rate": 0.3,
            "leak_test": {
                "measurable": True,
                "false_negative_ratio": 0.08,
                "false_negative_ratio_interval": [0.05, 0.12],
            },
        },
        "scores": {"positives_of_chosen_pairs": {"p50": 0.7}},
        "documents": {"top_percent_ratio": 0.05, "top_percent": 40},
    }
    return {**numbers, **changes}


def mends(**changes: Any) -> str:
    (advice,) = verdict_on(report(**changes)).advice
    return str(advice)


def test_the_sentence_has_yield_hardness_and_false_negatives_with_the_interval() -> None:
    verdict = verdict_on(report())
    assert verdict.sentence == (
        "97.0% of queries got all their negatives (400 in all); hardness 0.500 (random pairs 0.100, positives 0.700); "
        "10.0% false negatives expected, 8.0% measured (5.0%–12.0%)."
    )
    assert verdict.advice == []


def test_a_low_yield_names_the_rule_that_drops_most() -> None:
    found = mends(yield_ratio=0.899)
    assert "89.9%" in found and "--depth" in found and "--relative-margin" in found and "margin dropped 9.0%" in found
    assert verdict_on(report(yield_ratio=0.9)).advice == []


def test_hardness_near_that_of_random_pairs() -> None:
    # a quarter of the way from .1 to .7 is .25
    assert "--min-rank" in mends(hardness=0.249) and "random pairs (0.100)" in mends(hardness=0.249)
    assert verdict_on(report(hardness=0.251)).advice == []


def test_positives_that_score_lower_than_negatives() -> None:
    assert "try another --model" in mends(hardness=0.71)


def test_more_false_negatives_expected_than_allowed() -> None:
    found = {**report()["false_negatives"], "expected_ratio": 0.4}
    assert "40.0% false negatives expected, 30.0% allowed" in mends(false_negatives=found)
    assert "--depth" in mends(false_negatives=found)


def test_more_false_negatives_measured_than_allowed() -> None:
    found = report()["false_negatives"]
    leak = {"measurable": True, "false_negative_ratio": 0.4, "false_negative_ratio_interval": [0.31, 0.5]}
    assert "--max-false-negative-rate" in mends(false_negatives={**found, "leak_test": leak})
    unsure = {**leak, "false_negative_ratio_interval": [0.29, 0.5]}  # the interval holds what is allowed
    assert verdict_on(report(false_negatives={**found, "leak_test": unsure})).advice == []


def test_an_index_that_misses_candidates() -> None:
    search = report()["search"]
    assert "--index exact" in mends(search={**search, "recall": 0.949})
    assert verdict_on(report(search={**search, "recall": 0.95})).advice == []


def test_many_near_duplicates() -> None:
    fates = {"near_positive": 200, "near_negative": 134, "chosen": 666}
    assert "--max-similarity-to-positive" in mends(candidates={"total": 1_000, "by_fate": fates})


def test_a_few_documents_that_supply_most_negatives() -> None:
    hubs = {"top_percent_ratio": 0.6, "top_percent": 40}
    assert "--sampler softmax" in mends(documents=hubs)
    assert verdict_on(report(documents=hubs, collection={"documents": 999})).advice == []  # 1% of it are nine documents
    few = {"total": 399, "random": 0}  # 40 documents cannot but supply most of what is so little
    assert verdict_on(report(documents=hubs, negatives=few)).advice == []


def test_most_negatives_gave_way_to_random_documents() -> None:
    fates = {"false_negative_rate": 300, "chosen": 100}
    changes = {"candidates": {"total": 400, "by_fate": fates}, "negatives": {"total": 400, "random": 201}}
    assert "50.2% of the negatives are random documents" in mends(**changes)
    assert "--max-false-negative-rate" in mends(**changes)


def test_depth_is_advised_only_where_it_reaches_further() -> None:
    shallow = {"documents": {"top_percent_ratio": 0.05, "top_percent": 1}, "collection": {"documents": 100}}
    assert "--depth" not in mends(yield_ratio=0.5, **shallow) and "--negatives" in mends(yield_ratio=0.5, **shallow)


def test_nothing_is_called_a_model_where_there_is_none() -> None:
    assert "bm25 hardly tells them apart" in mends(hardness=0.71, search={**report()["search"], "scores": "bm25"})


def test_nothing_chosen() -> None:
    verdict = verdict_on(report(negatives={"total": 0, "random": 0}, yield_ratio=0.0, hardness=None))
    assert verdict.sentence == "No negatives were found."
    assert "--relative-margin" in str(verdict.advice[0])


def test_without_random_pairs_nothing_is_said_of_them() -> None:
    search = {"random_pairs": None, "scores": "dense", "depth": 100}
    assert "random" not in verdict_on(report(search=search, hardness=0.01)).sentence


def test_a_run_without_positives_and_without_estimates() -> None:
    found = {"expected_ratio": None, "max_rate": 0.3, "leak_test": {"measurable": False}}
    verdict = verdict_on(report(yield_ratio=None, false_negatives=found, scores={"positives_of_chosen_pairs": {}}))
    assert verdict.sentence == (
        "400 negatives for queries without positives; hardness 0.500 (random pairs 0.100); false negatives not "
        "estimated."
    )
