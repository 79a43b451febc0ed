from __future__ import annotations

from pathlib import Path

import pytest

from conftest import PLAIN
from foolsgold import MiningResult, MiningSettings, select
from test_filters import circle_collection, fates, mined

TEXTS = [f"text {n}" for n in range(7)]
ANGLES = [0.0, 10, 20, 40, 50, 60, 85]
PAIRS = circle_collection(TEXTS, [[1], [2], [5], [6]])  # all queries at 0: the last positive stands behind all others
RELAX = MiningSettings(**{**PLAIN, "short_rows": "relax"}, negatives=2, quiet=True)


def queries(result: MiningResult) -> list[str]:
    return list(dict.fromkeys(result.negatives["query_id"].to_pylist()))


def mine_pairs(chosen: MiningSettings) -> MiningResult:
    return mined(PAIRS, ANGLES, chosen, query_angles=(0, 0, 0, 0))


def test_the_lowest_positives_are_doubted() -> None:
    result = mine_pairs(RELAX.replace(doubtful_ratio=0.25))
    assert queries(result) == ["q0", "q1", "q2"]  # q2 too lacks documents below its margin, but does not stand lowest
    assert fates(result)["doubtful_positive"] == 6
    pairs = result.report["pairs"]
    assert (pairs["short"], pairs["doubtful"], pairs["doubtful_examples"]) == (1, 1, [["q3", "d6"]])
    assert "1 pairs were dropped" in result.summary() and "query q3, document d6" in result.summary()


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.24])
def test_a_share_of_less_than_a_pair_is_none(ratio: float) -> None:
    result = mine_pairs(RELAX.replace(doubtful_ratio=ratio))
    assert queries(result) == ["q0", "q1", "q2", "q3"] and result.report["pairs"]["doubtful"] == 0


def test_nothing_is_doubted_with_enough_below_the_margin() -> None:
    collection = circle_collection(TEXTS, [[0], [1], [2], [3]])
    result = mined(collection, ANGLES, RELAX.replace(doubtful_ratio=0.75), query_angles=(0, 0, 0, 0))
    assert result.yield_ratio == 1


@pytest.mark.parametrize("short_rows", ["drop", "random", "keep"])
def test_only_margins_that_are_relaxed_are_refused(short_rows: str) -> None:
    chosen = RELAX.replace(short_rows=short_rows, format="triplet", doubtful_ratio=0.5)
    assert mine_pairs(chosen).report["pairs"]["doubtful"] == 0
    assert mine_pairs(RELAX.replace(relative_margin=None, doubtful_ratio=0.5)).report["pairs"]["doubtful"] == 0


@pytest.mark.parametrize("sampler", ["top", "uniform", "softmax"])
def test_the_same_whatever_the_blocks(sampler: str) -> None:
    chosen = RELAX.replace(doubtful_ratio=0.5, sampler=sampler)
    whole = mine_pairs(chosen)
    assert queries(whole) == ["q0", "q1"]
    for block_size in (1, 3):
        assert mine_pairs(chosen.replace(block_size=block_size)).negatives.equals(whole.negatives)


def test_select_takes_them_back(tmp_path: Path) -> None:
    mine_pairs(RELAX.replace(doubtful_ratio=0.25, out=str(tmp_path / "out")))
    assert queries(select(tmp_path / "out", doubtful_ratio=0.0)) == ["q0", "q1", "q2", "q3"]
