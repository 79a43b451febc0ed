"""The numbers in words: rows for the table on a terminal and on the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from foolsgold.compare.numbers import Difference
from foolsgold.report.wording import as_number, as_percent

if TYPE_CHECKING:
    from foolsgold.compare.comparison import Comparison, Described

NOTHING = "–"


class Row(NamedTuple):
    """A line of the table; `meaning` is said on the page."""

    name: str
    first: str
    second: str
    meaning: str = ""


def table_rows(comparison: Comparison) -> Iterator[Row]:
    """One row a number, without those that neither run has."""
    for name, shown, meaning in _ROWS:
        first, second = shown(comparison.first), shown(comparison.second)
        if (first, second) != (NOTHING, NOTHING):
            yield Row(name, first, second, meaning)


def sentences(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """What is to be said of both runs together: a short name and a sentence."""
    overlap = comparison.overlap
    either = overlap.both + overlap.first_only + overlap.second_only
    by_query = as_percent(overlap.mean_by_query)
    shared = f"{overlap.both:,} of {either:,} chosen (query, document) pairs are in both runs"
    yield "overlap", f"{as_percent(overlap.ratio)}: {shared}; {by_query} on average by query"
    yield (
        "difference",
        "; ".join(_differences(comparison)) or "not known: too few queries have numbers in both runs",
    )
    if comparison.scores_not_comparable:
        yield "scores", f"not to be compared: {comparison.scores_not_comparable}; see the line against positives"
    for note in comparison.notes:
        yield "note", note


def _differences(comparison: Comparison) -> Iterator[str]:
    """Second minus first."""
    found = comparison.differences
    if hardness := found["hardness"]:
        yield f"hardness {_interval(hardness, '{:+.3f}')}"
    elif relative := found["relative_hardness"]:
        yield f"against positives {_interval(relative, '{:+.2f} sd')}"
    if rate := found["expected_false_negative_ratio"]:
        yield f"expected false {_interval(rate, '{:+.2%}')}"


def _interval(found: Difference, form: str) -> str:
    mean, low, high = (form.format(value) for value in found[:3])
    return f"{mean} ({low} to {high}, {found.queries:,} queries)"


def _negatives(run: Described) -> str:
    return f"{run.numbers.negatives:,} for {run.numbers.queries:,} queries"


def _sources(run: Described) -> str:
    return ", ".join(f"{name} {ratio:.0%}" for name, ratio in run.numbers.by_source.items()) or NOTHING


def _hardness(run: Described) -> str:
    hardness, positive = as_number(run.numbers.hardness), as_number(run.numbers.positive_score)
    return f"{hardness}, positives {positive} ({run.scored_by})"


def _relative(run: Described) -> str:
    if run.numbers.relative_hardness is None:
        return NOTHING
    return f"{run.numbers.relative_hardness:+.2f} sd, {as_percent(run.numbers.above_positive_ratio)} above"


def _expected(run: Described) -> str:
    return as_percent(run.numbers.expected_false_negative_ratio)


def _seen_by_other(run: Described) -> str:
    found = run.numbers.in_other
    if found is None or found.expected_false_negative_ratio is None:
        return NOTHING
    return as_percent(found.expected_false_negative_ratio) + (" of those there" if found.candidate_ratio < 1 else "")


def _leak(run: Described) -> str:
    leak = run.numbers.leak_test
    if not leak or not leak.get("measurable"):
        return "not measurable" if leak else NOTHING
    low, high = leak["false_negative_ratio_interval"]
    return f"{as_percent(leak['false_negative_ratio'])} ({as_percent(low)}–{as_percent(high)})"


def _yield(run: Described) -> str:
    return f"{as_percent(run.numbers.yield_ratio)} of queries, {as_percent(run.numbers.pair_yield_ratio)} of pairs"


def _rank(run: Described) -> str:
    return NOTHING if run.numbers.median_rank is None else f"{run.numbers.median_rank:g}"


def _rank_in_other(run: Described) -> str:
    found = run.numbers.in_other
    if found is None:
        return NOTHING
    rank = NOTHING if found.median_rank is None else f"{found.median_rank:g}"
    return f"{rank}; {as_percent(1 - found.candidate_ratio)} no candidate"


def _positive_in_other(run: Described) -> str:
    found = run.numbers.in_other
    return as_percent(found.positive_ratio) if found is not None and found.positive_ratio else NOTHING


def _cost(run: Described) -> str:
    seconds, n_bytes = run.numbers.seconds, run.numbers.peak_memory_bytes
    return NOTHING if seconds is None or n_bytes is None else f"{seconds:.1f} s, {n_bytes / 2**20:,.0f} MiB"


_ROWS: tuple[tuple[str, Callable[[Described], str], str], ...] = (
    ("model", lambda run: run.model, ""),
    ("search", lambda run: run.search, ""),
    ("negatives", _negatives, "of the queries that both runs have; a query with several positives repeats some"),
    ("found by", _sources, ""),
    ("hardness", _hardness, "mean score of the negatives, and of the positives of their pairs"),
    ("against positives", _relative, "how far negatives stand from their positive, in standard deviations of the "
     "positives' scores; and the share of negatives that score above their positive"),
    ("rank (median)", _rank, "in the run's own candidates; 0 is the most similar"),
    ("  in the other", _rank_in_other, "where these negatives stand in the other run's candidates, and how many are no "
     "candidate there"),
    ("  positive there", _positive_in_other, "share of these negatives that are known positives in the other run"),
    ("expected false", _expected, "share of the negatives that the run itself expects to be relevant"),
    ("  by the other", _seen_by_other, "the same as the other run sees it, of those of these negatives that are "
     "candidates there"),
    ("leak test", _leak, "hidden positives, as a share of the negatives that were chosen beside them; 95% interval"),
    ("yield", _yield, "that got all the negatives asked for"),
    ("time, memory", _cost, "of the command that wrote the folder; the most of any stage"),
)  # fmt: skip
