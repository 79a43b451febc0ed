"""calibrate: what each allowed rate of false negatives would bring, before anything is mined for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.cache_folder import open_cache
from foolsgold.calibration import Calibration, Interval, LeakTest, Trial, estimate
from foolsgold.choose import choose
from foolsgold.collection import Collection, as_collection
from foolsgold.encode import encode
from foolsgold.errors import SettingsError
from foolsgold.filters import filters_for
from foolsgold.search import CandidateStore, Search, open_sources
from foolsgold.settings import MiningSettings

RATES = (None, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01)


class Threshold(NamedTuple):
    """What comes of one allowed rate.

    Attributes:
        rate: `max_false_negative_rate`; None: no limit.
        expected: share of false negatives by the model; None without negatives.
        measured: share of hidden positives among the negatives; None where none could be hidden.
        hardness: mean similarity of queries and negatives; None without negatives.
        yield_ratio: share of queries that get all negatives; None without positives.
    """

    rate: float | None
    expected: float | None
    measured: Interval | None
    hardness: float | None
    yield_ratio: float | None


class CalibrationTable(NamedTuple):
    """The thresholds, what the estimates rest on, and the number of queries whose positives were hidden."""

    calibration: Calibration
    thresholds: list[Threshold]
    n_hidden: int

    def __str__(self) -> str:
        of = (
            f"queries with positives hidden, all but one of each: {self.n_hidden:,}"
            if self.n_hidden
            else "not measurable: no query has two positives of which one could be hidden"
        )
        rows = ["max rate  expected  measured (95% interval)  hardness  yield"]
        for row in self.thresholds:
            measured = "–" if row.measured is None else "{:.1%} ({:.1%}–{:.1%})".format(*row.measured)
            hardness = "–" if row.hardness is None else f"{row.hardness:.3f}"
            rate = "none" if row.rate is None else f"{row.rate:.0%}"
            rows.append(
                f"{rate:<8}  {_percent(row.expected):<8}  {measured:<23}  {hardness:<8}  {_percent(row.yield_ratio)}"
            )
        return "\n".join([*rows, f"(estimates: {self.calibration.method}; {of})"])


def calibrate(
    collection: Any, encoder: Any, settings: MiningSettings | None = None, *, rates: Sequence[float | None] = RATES
) -> CalibrationTable:
    """Hide positives, and choose at several rates: expected and measured false negatives, hardness and yield.

    Chosen for are the queries whose positives are hidden; all queries where those are fewer than 30, or none.

    Args:
        collection: as for `mine`.
        encoder: as for `mine`; without vectors there is nothing to calibrate.
        settings: all but `max_false_negative_rate` hold for each row.
        rates: for `max_false_negative_rate`.

    Raises:
        FoolsgoldError: as `mine`.
    """
    settings = (settings or MiningSettings()).replace(out=None, cross_encoder=None)
    if encoder is None:
        raise SettingsError(
            "encoder is None, but false negatives are estimated from vectors. Give a model (--model) or vectors."
        )
    collection = as_collection(collection, settings)
    filters_for(settings, collection)
    sources = open_sources(collection, settings)
    cache = open_cache(settings.cache)
    encoded = encode(collection, encoder, settings, cache=cache, scratch=cache)
    candidates = CandidateStore(collection)
    candidates.write(Search(collection, encoded, sources, settings).blocks())
    calibration, trial = estimate(collection, encoded, candidates, settings, None)
    rows = [_threshold(collection, candidates, trial, settings.replace(max_false_negative_rate=rate)) for rate in rates]
    return CalibrationTable(calibration, rows, 0 if trial is None else len(trial.hidden.query_rows))


def _threshold(
    collection: Collection, candidates: CandidateStore, trial: Trial | None, settings: MiningSettings
) -> Threshold:
    if trial is not None and trial.tells_enough:
        collection, candidates = trial.hidden.collection, trial.candidates
    choice = choose(collection, candidates, settings)
    leak = LeakTest.of(trial, settings, terms=choice.terms, judge=None)
    return Threshold(
        settings.max_false_negative_rate,
        choice.negatives.expected_false_negative_ratio,
        None if leak is None else leak.measured,
        _mean(choice.negatives.scores),
        choice.tally.complete_queries / choice.tally.queries if choice.tally.queries else None,
    )


def _mean(values: NDArray[np.float32]) -> float | None:
    """Of what is known."""
    known = values[~np.isnan(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else None


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1%}"
