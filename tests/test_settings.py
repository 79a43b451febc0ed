from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from foolsgold import MiningSettings
from foolsgold.errors import SettingsError
from foolsgold.memory import block_queries, free_bytes


def test_the_defaults_are_those_promised() -> None:
    settings = MiningSettings()
    assert (settings.negatives, settings.depth, settings.relative_margin, settings.sampler) == (4, 100, 0.05, "top")
    assert settings.replace(negatives=2).as_dict() == {**settings.as_dict(), "negatives": 2}


def test_numpy_numbers_and_paths_become_plain_values() -> None:
    settings = MiningSettings(negatives=np.int64(2), relative_margin=np.float32(0.5), out=Path("x"))  # type: ignore[arg-type]
    assert json.loads(json.dumps(settings.as_dict()))["negatives"] == 2
    assert (settings.relative_margin, settings.out) == (0.5, "x")


@pytest.mark.parametrize(
    ("negatives", "ratio", "expected"),
    [(4, 0.0, 0), (4, 0.5, 2), (5, 0.5, 3), (3, 0.1, 0), (5, 0.1, 1), (50, 0.29, 15), (10, 0.15, 2), (4, 1.0, 4)],
)
def test_the_random_share_is_rounded_half_up(negatives: int, ratio: float, expected: int) -> None:
    settings = MiningSettings(negatives=negatives, random_ratio=ratio)
    assert (settings.random_negatives, settings.hard_negatives) == (expected, negatives - expected)


def test_a_setting_of_another_sampler_or_of_random_negatives_is_no_limit() -> None:
    assert MiningSettings(negatives=15).sample_from == 10
    assert MiningSettings(negatives=20, random_ratio=0.5, sampler="softmax", max_rank=10).hard_negatives == 10


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"negatives": 0}, "negatives is 0; it takes a whole number from 1 to"),
        ({"negatives": "4"}, "negatives is '4'; it takes int"),
        ({"negatives": True}, "negatives is True"),
        ({"negatives": 1.5}, "negatives is 1.5"),
        ({"relative_margin": -0.1}, "relative_margin is -0.1"),
        ({"absolute_margin": float("nan")}, "absolute_margin is nan"),
        ({"min_rank": -1}, "min_rank is -1"),
        ({"min_rank": 98}, r"window \[98, 100\) holds 2 candidates, fewer than the 4"),
        ({"min_rank": 20, "max_rank": 10}, r"window \[20, 10\) holds 0"),
        ({"max_rank": 200}, "Raise depth to 200"),
        ({"negatives": 101}, "fewer than the 101"),
        ({"min_score": 0.9, "max_score": 0.1}, "nothing lies between"),
        ({"sampler": "best"}, "it takes one of 'top', 'uniform', 'softmax', 'simans'"),
        ({"sampler": "softmax", "sample_from": 3}, "sample_from is 3, fewer than the 4 .* at least 4"),
        ({"sample_from": 0}, "sample_from is 0"),
        ({"softmax_temperature": 0.0}, "softmax_temperature is 0.0; it takes a number from 0.001"),
        ({"simans_a": -1.0}, "simans_a is -1.0"),
        ({"simans_b": -1e10}, "simans_b is -10000000000.0"),
        ({"random_ratio": 1.5}, "random_ratio is 1.5; it takes a share between 0 and 1"),
        ({"prefer_judged": 1}, "prefer_judged is 1; it takes bool"),
        ({"answer_match": None}, "answer_match is None; it takes bool"),
        ({"format": "csv"}, "'triplet'"),
        ({"index": None}, "index is None"),
        ({"short_rows": "keep"}, "cannot be written as 'n-tuple'"),
        ({"format": "flagembedding", "file_type": "parquet"}, "written as jsonl only. Take file_type='jsonl'"),
        ({"format": "dpr", "file_type": "dataset"}, "written as json only"),
        ({"format": "triplet", "file_type": "tsv"}, "written as jsonl or parquet or dataset only"),
        ({"format": "ms-swift-reranker", "short_rows": "keep"}, "cannot be written as 'ms-swift-reranker'"),
        ({"format": "beir", "with_scores": True}, "'beir' has no place for scores. Leave with_scores out, or .* trec"),
        ({"with_scores": True, "random_ratio": 0.5}, "random_ratio is 0.5, but 'n-tuple' .* leave with_scores out"),
        ({"format": "trec", "short_rows": "random"}, "random documents have none. .* 'drop', or take another format"),
        ({"with_scores": 1}, "with_scores is 1; it takes bool"),
        ({"max_score": float("inf")}, "max_score is inf; it takes a finite number"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
        ({"block_size": 10**20}, "block_size is"),
        ({"device": 3}, "device is 3; it takes str or None"),
        ({"max_unknown_ratio": 2.0}, "between 0 and 1"),
    ],
)
def test_what_cannot_work_is_said(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        MiningSettings(**values)
    assert isinstance(caught.value, ValueError)


def test_a_limit_for_memory_that_cannot_work() -> None:
    with pytest.raises(SettingsError, match=r"memory is 'much'; it takes a number with a unit, such as 500MB"):
        MiningSettings(memory="much")
    with pytest.raises(SettingsError, match=r"memory is 1MB, of which [\d,]+ MB are taken .*Give at least [\d,]+MB"):
        free_bytes("1MB")


def test_blocks_are_smaller_where_memory_is_short() -> None:
    assert block_queries(MiningSettings()) == block_queries(MiningSettings(memory="900GB")) == 1024
    used = 64_000_000_000 - (free_bytes("64GB") or 0)
    assert 1 < block_queries(MiningSettings(memory=f"{used / 1e6 + 80:.0f}MB")) < 1024
