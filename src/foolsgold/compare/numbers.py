"""The numbers of each run, and of the difference between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.compare.elsewhere import Elsewhere
from foolsgold.compare.joined import Negatives, Pairs
from foolsgold.compare.run_folder import RunFolder
from foolsgold.sample.negatives import expected_ratio

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class InOther:
    """Where the (query, document) pairs of one run stand in the candidates of the other.

    Attributes:
        candidate_ratio: share that are candidates there.
        median_rank: of those; None where there are none.
        chosen_ratio: share that are negatives there, too.
        positive_ratio: share that are known positives there.
        expected_false_negative_ratio: mean probability that the other run gives to those negatives that are candidates
            there, 0 for what was judged not relevant; None where it gives none.
    """

    candidate_ratio: float
    median_rank: float | None
    chosen_ratio: float
    positive_ratio: float
    expected_false_negative_ratio: float | None


@dataclass(frozen=True)
class RunNumbers:
    """One run, over the queries that both have; from `yield_ratio` on, over all of its own, as its report has it.

    Attributes:
        negatives: rows of negatives.parquet.
        queries: that have any.
        pairs: (query, document) pairs, each once: queries with several positives repeat them.
        by_source: share of the negatives, by what found them.
        hardness: mean score of the negatives.
        positive_score: mean score of the positives of their pairs.
        relative_hardness: mean of (score of a negative - score of its positive), in standard deviations of the scores
            of the positives. Whatever unit scores have, it cancels out.
        above_positive_ratio: share of negatives that score above their positive.
        expected_false_negative_ratio: as the run estimates it.
        median_rank: of the pairs in its own candidates.
        in_other: in the other's; None where the other has no candidates.parquet.
        yield_ratio: share of queries that got all negatives for a positive.
        pair_yield_ratio: the same of (query, positive) pairs.
        leak_test: as in report.json; None in an older one.
        seconds: of all stages.
        peak_memory_bytes: the most of any.
    """

    negatives: int
    queries: int
    pairs: int
    by_source: Mapping[str, float]
    hardness: float | None
    positive_score: float | None
    relative_hardness: float | None
    above_positive_ratio: float | None
    expected_false_negative_ratio: float | None
    median_rank: float | None
    in_other: InOther | None
    yield_ratio: float | None
    pair_yield_ratio: float | None
    leak_test: Mapping[str, Any] | None
    seconds: float | None
    peak_memory_bytes: int | None


def numbers_of(
    run: RunFolder, negatives: Negatives, pairs: Pairs, n_common: int, found: Elsewhere | None
) -> RunNumbers:
    """The numbers of a run.

    Args:
        run: for its report.
        negatives: of the queries that both runs have.
        pairs: of those.
        n_common: how many of these the other run has, too.
        found: the pairs in the other run's candidates.
    """
    n, report = len(negatives.queries), run.report
    positives, ranks = _positive_scores(negatives), negatives.ranks[pairs.rows]
    stages = report.get("stages") or []
    return RunNumbers(
        negatives=n,
        queries=len(np.unique(negatives.queries)),
        pairs=len(pairs.keys),
        by_source={name: count / n for name, count in negatives.sources.items()},
        hardness=_mean(negatives.scores),
        positive_score=_mean(positives),
        relative_hardness=_mean(relative_gaps(negatives)),
        above_positive_ratio=_above(negatives),
        expected_false_negative_ratio=expected_ratio(negatives.probabilities),
        median_rank=_median(ranks[~np.isnan(ranks)]),
        in_other=None if found is None else _in_other(pairs, n_common, found),
        yield_ratio=report.get("yield_ratio"),
        pair_yield_ratio=report.get("pair_yield_ratio"),
        leak_test=(report.get("false_negatives") or {}).get("leak_test"),
        seconds=sum(stage["seconds"] for stage in stages) if stages else None,
        peak_memory_bytes=max((stage["peak_memory_bytes"] for stage in stages), default=None),
    )


def relative_gaps(negatives: Negatives) -> NDArray[np.float64]:
    """(score - score of the positive) / standard deviation of positives' scores, shape (n,); NaN where unknown.

    The unit is one of the encoder and the collection: what is chosen hardly touches it, so that two rules over the same
    candidates are measured alike.
    """
    positives = _positive_scores(negatives)
    spread = float(positives.std(dtype=np.float64)) if len(positives) else 0.0
    gaps = negatives.scores.astype(np.float64) - negatives.positive_scores
    return gaps / spread if spread > 0 else np.full(len(gaps), np.nan)


class Difference(NamedTuple):
    """Second minus first, by query: the mean, its 95% interval, and over how many queries.

    The interval is Student's (Biometrika 1908): queries are drawn, and each is its own control.
    """

    mean: float
    low: float
    high: float
    queries: int

    @classmethod
    def of(cls, first: NDArray[np.float64], second: NDArray[np.float64]) -> Difference | None:
        """Of one number a query, each shape (Q,), NaN where there is none; None for fewer than two queries."""
        from scipy.special import stdtrit

        both = second - first
        both = both[~np.isnan(both)]
        if len(both) < 2:
            return None
        middle = float(both.mean())
        reach = float(stdtrit(len(both) - 1, (1 + _CONFIDENCE) / 2) * both.std(ddof=1) / np.sqrt(len(both)))
        return cls(middle, middle - reach, middle + reach, len(both))


def mean_by_query(queries: NDArray[np.int64], values: NDArray[np.floating[Any]], n_queries: int) -> NDArray[np.float64]:
    """Of what is known, shape (Q,); NaN where nothing is."""
    known = ~np.isnan(values)
    sums = np.bincount(queries[known], values[known].astype(np.float64), n_queries)
    counts = np.bincount(queries[known], minlength=n_queries)
    means: NDArray[np.float64] = np.divide(sums, counts, out=np.full(n_queries, np.nan), where=counts > 0)
    return means


def _in_other(pairs: Pairs, n_common: int, found: Elsewhere) -> InOther:
    n, is_candidate = max(len(pairs.keys), 1), found.ranks >= 0
    return InOther(
        candidate_ratio=float(is_candidate.sum() / n),
        median_rank=_median(found.ranks[is_candidate]),
        chosen_ratio=n_common / n,
        positive_ratio=float(found.positive.sum() / n),
        expected_false_negative_ratio=_mean(found.probabilities[pairs.of_rows]),
    )


def _positive_scores(negatives: Negatives) -> NDArray[np.float32]:
    """Of each (query, positive) pair once, as far as they are known."""
    scores = negatives.positive_scores[negatives.starts]
    return scores[~np.isnan(scores)]


def _above(negatives: Negatives) -> float | None:
    known = ~np.isnan(negatives.scores) & ~np.isnan(negatives.positive_scores)
    return float((negatives.scores > negatives.positive_scores)[known].mean()) if known.any() else None


def _mean(values: NDArray[np.floating[Any]]) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else None


def _median(values: NDArray[Any]) -> float | None:
    return float(np.median(values)) if len(values) else None
