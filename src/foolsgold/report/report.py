"""report.json: what was found, kept and dropped, and what it took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from foolsgold.collection import Collection
from foolsgold.sample import RANDOM, Tally
from foolsgold.settings import MiningSettings

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def make_report(
    *,
    collection: Collection,
    settings: MiningSettings,
    search: Mapping[str, Any],
    tally: Tally,
    negatives: pa.Table,
    n_training_rows: int | None,
    stages: list[dict[str, Any]],
    cross_encoder: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All numbers of a run.

    `candidates["total"]` is the sum of the numbers in `candidates["by_fate"]`: chosen, not needed, dropped by reason.
    """
    fates = dict(tally.fates)
    scores = negatives["score"].drop_null().to_numpy()
    return {
        "collection": {
            "queries": collection.n_queries,
            "documents": collection.n_documents,
            "positives": len(collection.positives.doc_rows),
            "judged_negatives": len(collection.judged_negatives.doc_rows),
            "queries_without_positives": tally.queries_without_positives,
            **collection.reading,
        },
        "search": dict(search),
        "candidates": {"total": sum(fates.values()), "by_fate": fates},
        "cross_encoder": None if cross_encoder is None else dict(cross_encoder),
        "yield_ratio": _ratio(tally.complete_queries, tally.queries),
        "pair_yield_ratio": _ratio(tally.complete_pairs, tally.pairs),
        "pairs": {
            "total": tally.pairs,
            "complete": tally.complete_pairs,
            "filled_at_random": tally.filled_pairs,
            "short": tally.short_pairs,
            "short_rows": settings.short_rows,
        },
        "queries_without_positives": {
            "total": tally.queries_without_positives,
            "complete": tally.complete_queries_without_positives,
        },
        "negatives": {
            "total": negatives.num_rows,
            "random": int(np.sum(negatives["source"].to_numpy() == RANDOM)),
            "training_rows": n_training_rows,
            "format": settings.format,
        },
        "hardness": float(scores.mean(dtype=np.float64)) if len(scores) else None,
        "expected_false_negative_ratio": None,
        "scores": {
            "negatives": _quantiles(scores),
            "positives_of_chosen_pairs": _quantiles(_pair_positive_scores(negatives)),
        },
        "stages": stages,
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _pair_positive_scores(negatives: pa.Table) -> Any:
    pairs = negatives.group_by(["query_id", "positive_id"]).aggregate([("positive_score", "min")])
    return pairs["positive_score_min"].drop_null().to_numpy()


def _quantiles(values: Any) -> dict[str, float]:
    if not len(values):
        return {}
    found = np.quantile(values.astype(np.float64), _QUANTILES)
    return {f"p{quantile * 100:g}": float(value) for quantile, value in zip(_QUANTILES, found, strict=True)}
