"""report.json: what was found, kept and dropped, and what it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from foolsgold.calibration import LeakTest
from foolsgold.collection import FATES, Collection
from foolsgold.histogram import Histogram
from foolsgold.provenance import Provenance
from foolsgold.report.verdict import verdict_on
from foolsgold.report.watched import Watched
from foolsgold.sample import GIVEN, RANDOM, ChosenNumbers, Outlook, Suspects, Tally, Terms, Threshold
from foolsgold.settings import MiningSettings

NOT_MEASURABLE = "no query has two positives of which one could be hidden, or nothing was chosen for those"
_EXAMPLES = 20
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class ChoiceMade(Protocol):
    """What is said of a choice when it is made: see `Choosing`."""

    @property
    def terms(self) -> Terms:
        """On which is chosen."""
        ...

    @property
    def outlook(self) -> Outlook | None:
        """What was found with the terms."""
        ...

    @property
    def threshold(self) -> Threshold | None:
        """Where the rules draw the line."""
        ...

    @property
    def suspects(self) -> Suspects:
        """Candidates to be judged."""
        ...

    @property
    def tally(self) -> Tally:
        """Counts."""
        ...


def make_report(
    *,
    collection: Collection,
    settings: MiningSettings,
    origin: Provenance,
    choosing: ChoiceMade,
    watched: Watched,
    leak: LeakTest | None,
    numbers: ChosenNumbers,
    n_training_rows: int | None,
    stages: list[dict[str, Any]],
    cross_encoder: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """All numbers of a run.

    `candidates["total"]` is the sum of the numbers in `candidates["by_fate"]`: chosen, not needed, dropped by reason.
    """
    tally, scores = choosing.tally, numbers.scores
    report = {
        "collection": _of_collection(collection, tally),
        "search": dict(origin.search),
        "relabelled": _of_relabelling(origin.relabelled, collection, tally),
        "candidates": {"total": sum(tally.fates.values()), "by_fate": dict(tally.fates)},
        "given_negatives": _of_given(collection, tally),
        "cross_encoder": None if cross_encoder is None else dict(cross_encoder),
        "yield_ratio": _ratio(tally.complete_queries, tally.queries),
        "pair_yield_ratio": _ratio(tally.complete_pairs, tally.pairs),
        **_of_rows(tally, settings),
        "negatives": {
            "total": numbers.total,
            "judged": tally.judged_chosen,
            "given": numbers.by_source[GIVEN],
            "random": numbers.by_source[RANDOM],
            "by_source": _most_first(numbers.by_source),
            "training_rows": n_training_rows,
            "format": settings.format,
        },
        "hardness": float(scores.mean(dtype=np.float64)) if len(scores) else None,
        "expected_false_negative_ratio": numbers.expected_false_negative_ratio,
        "false_negatives": _of_false_negatives(choosing, numbers, settings, origin, leak),
        "scores": {
            "negatives": _quantiles(scores),
            "positives_of_chosen_pairs": _quantiles(numbers.positive_scores),
        },
        **_of_plots(choosing, watched, numbers),
        "stages": stages,
    }
    return {"verdict": verdict_on(report).describe(), **report}


def _of_plots(choosing: ChoiceMade, watched: Watched, numbers: ChosenNumbers) -> dict[str, Any]:
    """Distributions, scores by rank, hardness against false negatives, and how often documents were chosen."""
    outlook = choosing.outlook
    histograms = {"positives": Histogram.of(numbers.positive_scores), "negatives": Histogram.of(numbers.scores)}
    return {
        "distributions": {name: None if one is None else one.describe() for name, one in histograms.items()},
        "threshold": None if choosing.threshold is None else choosing.threshold.describe(),
        "trade_offs": [] if outlook is None else [point._asdict() for point in outlook.trade_offs],
        **watched.describe(),
    }


def _of_collection(collection: Collection, tally: Tally) -> dict[str, Any]:
    return {
        "queries": collection.n_queries,
        "documents": collection.n_documents,
        "positives": len(collection.positives.doc_rows),
        "judged_negatives": len(collection.judged_negatives.doc_rows),
        "queries_without_positives": tally.queries_without_positives,
        **collection.reading,
    }


def _of_given(collection: Collection, tally: Tally) -> dict[str, Any] | None:
    """What became of the negatives that the training data had, each counted once a query; None where it had none."""
    if not collection.has_given_negatives:
        return None
    _, *left_out = np.bincount(collection.given_fates, minlength=len(FATES)).tolist()
    return {
        "total": len(collection.given_fates),
        "by_fate": {**dict(zip(FATES[1:], left_out, strict=True)), **tally.given},
        "beyond_row": tally.given_beyond_row,
    }


def _of_relabelling(
    relabelled: Mapping[str, Any] | None, collection: Collection, tally: Tally
) -> dict[str, Any] | None:
    if relabelled is None:
        return None
    return {**relabelled, "positives_without_score": len(collection.positives.doc_rows) - tally.pairs}


def _of_rows(tally: Tally, settings: MiningSettings) -> dict[str, Any]:
    """How many got all their negatives: pairs, and queries that no positive was given for."""
    return {
        "pairs": {
            "total": tally.pairs,
            "complete": tally.complete_pairs,
            "filled_at_random": tally.filled_pairs,
            "short": tally.short_pairs,
            "doubtful": len(tally.doubtful_pairs),
            "doubtful_examples": [list(ids) for ids in tally.doubtful_pairs[:_EXAMPLES]],
            "short_rows": settings.short_rows,
        },
        "queries_without_positives": {
            "total": tally.queries_without_positives,
            "complete": tally.complete_queries_without_positives,
        },
    }


def _of_false_negatives(
    choosing: ChoiceMade, numbers: ChosenNumbers, settings: MiningSettings, origin: Provenance, leak: LeakTest | None
) -> dict[str, Any]:
    """What is expected, at which price, on which grounds, and what the leak test found."""
    return {
        "expected_ratio": numbers.expected_false_negative_ratio,
        "max_rate": settings.max_false_negative_rate,
        "price": choosing.terms.price.per_false_negative,
        "most_probable": choosing.terms.price.most_probable,
        "suspected_positives": len(choosing.suspects),
        "calibration": None if origin.calibration is None else dict(origin.calibration),
        "leak_test": {"measurable": False, "reason": NOT_MEASURABLE} if leak is None else leak.describe(),
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _most_first(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _quantiles(values: Any) -> dict[str, float]:
    if not len(values):
        return {}
    found = np.quantile(values.astype(np.float64), _QUANTILES)
    return {f"p{quantile * 100:g}": float(value) for quantile, value in zip(_QUANTILES, found, strict=True)}
