"""calibrate: what each allowed rate of false negatives would bring, before anything is mined for training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.cache_folder import open_cache
from foolsgold.calibration import Calibration, Interval, LeakTest, Lesson, Trial, estimate, estimate_decided
from foolsgold.choose import choose
from foolsgold.collection import Collection, as_collection
from foolsgold.encode import Encoded, encode
from foolsgold.errors import SettingsError
from foolsgold.filters import filters_for
from foolsgold.relabel import Decisions, relabelled, with_positives_of_both
from foolsgold.search import CandidateStore, Search, Source, open_sources
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
    """The thresholds and what they rest on.

    Attributes:
        calibration: what the estimates rest on, beside decisions.
        thresholds: one for each rate.
        n_hidden: queries whose positives were hidden.
        lesson: what was decided, and expected; None without decisions.
    """

    calibration: Calibration
    thresholds: list[Threshold]
    n_hidden: int
    lesson: Lesson | None = None

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
        learned = "" if self.lesson is None or not self.lesson.n else f", then {self.lesson.n:,} decisions"
        rows.append(f"(estimates: {self.calibration.method}{learned}; {of})")
        return "\n".join([*rows, *(() if self.lesson is None else _lesson_lines(self.lesson))])


def calibrate(
    collection: Any,
    encoder: Any,
    settings: MiningSettings | None = None,
    *,
    rates: Sequence[float | None] = RATES,
    relabel: Any = None,
) -> CalibrationTable:
    """Hide positives, and choose at several rates: expected and measured false negatives, hardness and yield.

    Chosen for are the queries whose positives are hidden; all queries where those are fewer than 30, or none.

    With decisions, all is of the relabelled collection, and what people found of candidates moves the model that
    estimates false negatives (see `calibration/decided.py`).

    Args:
        collection: as for `mine`.
        encoder: as for `mine`; without vectors there is nothing to calibrate.
        settings: all but `max_false_negative_rate` hold for each row.
        rates: for `max_false_negative_rate`.
        relabel: decisions about pairs of the collection, as for `select`, such as decisions.jsonl of the review desk.

    Raises:
        FoolsgoldError: as `mine`; decisions that cannot be read, with file and line.
    """
    settings = (settings or MiningSettings()).replace(out=None, cross_encoder=None)
    if encoder is None:
        raise SettingsError(
            "encoder is None, but false negatives are estimated from vectors. Give a model (--model) or vectors."
        )
    collection = as_collection(collection, settings)
    filters_for(settings, collection)
    decisions = None if relabel is None else Decisions.read(relabel, collection)
    sources = open_sources(collection, settings)
    cache = open_cache(settings.cache)
    encoded = encode(collection, encoder, settings, cache=cache, scratch=cache)
    lesson = None
    if encoded is None or decisions is None or not len(decisions):
        candidates = _searched(collection, encoded, sources, settings)
        calibration, trial = estimate(collection, encoded, candidates, settings, None)
    else:
        both = with_positives_of_both(collection, relabelled(collection, decisions))
        candidates = _searched(both, encoded, sources, settings)
        collection, calibration, trial, lesson = estimate_decided(collection, decisions, encoded, candidates, settings)
    rows = [_threshold(collection, candidates, trial, settings.replace(max_false_negative_rate=rate)) for rate in rates]
    return CalibrationTable(calibration, rows, 0 if trial is None else len(trial.hidden.query_rows), lesson)


def _searched(
    collection: Collection, encoded: Encoded | None, sources: Mapping[str, Source], settings: MiningSettings
) -> CandidateStore:
    candidates = CandidateStore(collection)
    candidates.write(Search(collection, encoded, sources, settings).blocks())
    return candidates


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


def _lesson_lines(lesson: Lesson) -> Iterator[str]:
    if lesson.relevant is not None:
        found = "{:.1%} are ({:.1%}–{:.1%})".format(*lesson.relevant)
        yield (
            f"decisions: {lesson.n:,} on candidates, {_percent(lesson.expected)} of them expected to be relevant, "
            f"and {found}"
        )
    for band in lesson.bands:
        yield (
            f"  expected {band.low:.0%}–{band.high:.0%}: {band.n:,} decisions, {_percent(band.expected)} expected, "
            f"{_percent(band.relevant)} relevant"
        )
    left_out = {
        "that say neither (drop)": lesson.n_dropped,
        "on pairs that are no candidates or were known to be relevant": lesson.n_left_out,
    }
    yield from (f"decisions without a lesson: {n:,} {what}" for what, n in left_out.items() if n)


def _mean(values: NDArray[np.float32]) -> float | None:
    """Of what is known."""
    known = values[~np.isnan(values)]
    return float(known.mean(dtype=np.float64)) if len(known) else None


def _percent(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio:.1%}"
