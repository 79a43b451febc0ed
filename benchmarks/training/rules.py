"""The rules that are compared, and the variants of the default that were tried on the tuning part."""

from __future__ import annotations

from typing import Any

DEFAULT = "foolsgold"
OFF: dict[str, Any] = {
    "relative_margin": None, "max_false_negative_rate": None, "max_similarity_to_positive": None,
    "max_similarity_to_negative": None, "margin_min_probability": 0.0, "short_rows": "drop",
}  # fmt: skip
"""What foolsgold would do beyond a fixed rule."""

RULES: dict[str, dict[str, Any] | None] = {
    "no training": None,
    "in-batch only": None,
    "random": {**OFF, "random_ratio": 1.0},
    "window 10-110": {**OFF, "depth": 110, "min_rank": 10, "sampler": "uniform"},
    "BGE 10-210": {**OFF, "depth": 210, "min_rank": 10, "sampler": "uniform"},
    "MarginPos 0.05": {**OFF, "absolute_margin": 0.05},
    "PercPos 95%": {**OFF, "relative_margin": 0.05},
    "naive top 4": OFF,
    DEFAULT: {},
}

_BEFORE = {"doubtful_ratio": 0.0, "margin_min_probability": 0.0, "max_false_negative_rate": 0.2}
TUNING: dict[str, dict[str, Any]] = {
    "margins relaxed, 20% allowed": _BEFORE,
    "and near-duplicates left in": {**_BEFORE, "max_similarity_to_positive": None, "max_similarity_to_negative": None},
    "and short rows dropped": {**_BEFORE, "short_rows": "drop"},
    "and short rows filled at random": {**_BEFORE, "short_rows": "random"},
    "dropped, softmax": {**_BEFORE, "short_rows": "drop", "sampler": "softmax"},
    "dropped, margin of 10%": {**_BEFORE, "short_rows": "drop", "relative_margin": 0.1},
    "dropped, a quarter random": {**_BEFORE, "short_rows": "drop", "random_ratio": 0.25},
    "dropped, half random": {**_BEFORE, "short_rows": "drop", "random_ratio": 0.5},
    "no margin": {**_BEFORE, "relative_margin": None},
    "no margin, 30% allowed": {**_BEFORE, "relative_margin": None, "max_false_negative_rate": 0.3},
    "5% allowed": {**_BEFORE, "max_false_negative_rate": 0.05},
    "10% allowed": {**_BEFORE, "max_false_negative_rate": 0.1},
    "30% allowed": {**_BEFORE, "max_false_negative_rate": 0.3},
    "40% allowed": {**_BEFORE, "max_false_negative_rate": 0.4},
    "any rate allowed": {**_BEFORE, "max_false_negative_rate": None},
    "any rate allowed, softmax": {**_BEFORE, "max_false_negative_rate": None, "sampler": "softmax"},
    "20% allowed, a quarter random": {**_BEFORE, "random_ratio": 0.25},
    "30% allowed, a quarter random": {**_BEFORE, "max_false_negative_rate": 0.3, "random_ratio": 0.25},
    "30% allowed, depth 210": {**_BEFORE, "max_false_negative_rate": 0.3, "depth": 210},
    "30% allowed, margin of 10%": {**_BEFORE, "max_false_negative_rate": 0.3, "relative_margin": 0.1},
    "30%, margins bind from 5%": {"max_false_negative_rate": 0.3, "margin_min_probability": 0.05},
    "30%, margins bind from 10%": {"max_false_negative_rate": 0.3, "margin_min_probability": 0.1},
    "30%, margins bind from 20%": {"max_false_negative_rate": 0.3, "margin_min_probability": 0.2},
}
"""Settings tried one after the other; the default is what did best. All but the last three doubt no positive."""
