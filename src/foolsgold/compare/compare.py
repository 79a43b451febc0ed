"""compare: two output folders in, what they have in common and how they differ out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from foolsgold.compare.comparable import same_judge, why_scores_differ
from foolsgold.compare.comparison import Comparison, Described
from foolsgold.compare.differing import differing_queries, most_differing
from foolsgold.compare.elsewhere import find_elsewhere
from foolsgold.compare.joined import Joined, join
from foolsgold.compare.numbers import Difference, RunNumbers, mean_by_query, numbers_of, relative_gaps
from foolsgold.compare.overlap import overlap_of
from foolsgold.compare.run_folder import RunFolder
from foolsgold.compare.scores import overlap_counts, spread_of
from foolsgold.compare.settings import settings_that_differ
from foolsgold.compare.texts import with_texts
from foolsgold.result import MiningResult

_SHOWN_QUERIES = 50


def compare(
    first: str | Path | MiningResult,
    second: str | Path | MiningResult,
    *,
    collection: Any = None,
    n_queries: int = _SHOWN_QUERIES,
    texts: bool = True,
    quiet: bool = False,
) -> Comparison:
    """Set two runs side by side: two models, two rules, or two choices from the same candidates.

    Queries and documents are joined by their ids. Nothing is encoded or searched; in memory are the ids of queries and
    of chosen documents and about 100 bytes a negative, but no texts beside those of the queries that differ most.

    Args:
        first: an output folder of `mine` or `select`, or what they gave back.
        second: another, or the same.
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was; texts
            are read from it, and for the numbers it is not needed.
        n_queries: at most so many queries that differ most.
        texts: whether to read theirs from the collection; numbers need none.
        quiet: without a progress bar.

    Raises:
        SettingsError: a folder that is no finished output of foolsgold.
        CollectionError: a file of it is missing or damaged, or the runs have no query in common.
    """
    runs = (RunFolder.read(first), RunFolder.read(second))
    joined = join(*runs)
    pairs = joined.pairs
    overlap, by_query = overlap_of(joined, pairs)
    found = find_elsewhere(joined, runs, pairs, place=0), find_elsewhere(joined, runs, pairs, place=1)
    numbers = [
        numbers_of(run, negatives, of_run, overlap.both, of_other)
        for run, negatives, of_run, of_other in zip(runs, joined.negatives, pairs, found, strict=True)
    ]
    why_not = why_scores_differ(*runs)
    hardness = [relative_gaps(part) if why_not else part.scores for part in joined.negatives]
    places = most_differing(joined, by_query, hardness, n_queries)
    shown = differing_queries(joined, places, by_query, pairs, found)
    shown, notes = with_texts(shown, runs, collection, quiet=quiet) if shown and texts else (shown, [])
    return Comparison(
        first=Described.of(runs[0], numbers[0], joined.n_queries[0]),
        second=Described.of(runs[1], numbers[1], joined.n_queries[1]),
        shared_queries=len(joined.query_ids),
        overlap=overlap,
        overlap_counts=overlap_counts(by_query),
        settings=settings_that_differ(*runs),
        scores_not_comparable=why_not,
        differences=_differences(joined, comparable=why_not is None),
        spread=spread_of(*joined.negatives, comparable=why_not is None),
        differing=shown,
        notes=[*_notes(runs, joined, numbers), *notes],
    )


def _differences(joined: Joined, *, comparable: bool) -> dict[str, Difference | None]:
    """Second minus first, by query."""
    n_queries = len(joined.query_ids)

    def of(values: list[Any]) -> Difference | None:
        first, second = (
            mean_by_query(part.queries, one, n_queries) for part, one in zip(joined.negatives, values, strict=True)
        )
        return Difference.of(first, second)

    probabilities = [part.probabilities for part in joined.negatives]
    rates = [np.where(np.isnan(one), 0, one) for one in probabilities]  # what is not known counts as 0, as in reports
    estimated = all((~np.isnan(one)).any() for one in probabilities)
    return {
        "hardness": of([part.scores for part in joined.negatives]) if comparable else None,
        "relative_hardness": of([relative_gaps(part) for part in joined.negatives]),
        "expected_false_negative_ratio": of(rates) if estimated else None,
    }


def _notes(runs: tuple[RunFolder, RunFolder], joined: Joined, numbers: list[RunNumbers]) -> Iterator[str]:
    """What a person should know to read the numbers."""
    first, second = runs
    if first.path.resolve() == second.path.resolve():
        yield "both are the same folder"
    elif first.about.get("foolsgold") != second.about.get("foolsgold"):
        yield f"written by foolsgold {first.about.get('foolsgold')} and {second.about.get('foolsgold')}"
    if first.fingerprint is None or first.fingerprint != second.fingerprint:
        yield (
            f"the collections are different: compared are the {len(joined.query_ids):,} queries that both have by id, "
            f"of {joined.n_queries[0]:,} and {joined.n_queries[1]:,}; yield, leak test, time and memory are of all"
        )
    for run, name in zip(runs, ("first", "second"), strict=True):
        if not run.has_candidates:
            yield f"the {name} has no candidates.parquet: ranks in it are not known"
        if run.origin.relabelled is not None:
            yield f"the {name} was relabelled: its positives are those after its decisions"
    rates = [one.expected_false_negative_ratio for one in numbers]
    if rates == [None, None]:
        yield "neither run estimates false negatives: that takes a model or vectors"
    elif None in rates:
        yield f"the {('first', 'second')[rates.index(None)]} gives no estimate of false negatives: that takes vectors"
    elif not same_judge(first, second):
        yield "each run estimates false negatives by its own calibration; see also how the other sees them"
