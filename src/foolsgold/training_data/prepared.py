"""What was prepared, in numbers, and what a user should know of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foolsgold.training_data.scores import NWayRows


@dataclass(frozen=True, eq=False)
class PreparedData:
    """Numbers of a training-data folder.

    Attributes:
        folder: where the files lie.
        n_passages: lines of the corpus.
        triples_per_query: shape (Q,).
        n_without_positive: queries whose passages are all labelled negative.
        n_without_new: queries with a positive for which no new negative was found, though some were asked for.
        n_with_fewer: such for which fewer were found than were asked for, but some.
        n_contradictions: given negatives left out, as they say what a positive of their query says.
        n_unused_positives: positives for which the limit leaves no triple.
        mined: whether new negatives were mined; else they were drawn from all passages.
        n_way: rows of the n-way form; None without scores.
    """

    folder: Path
    n_passages: int
    triples_per_query: NDArray[np.int64]
    n_without_positive: int
    n_without_new: int
    n_with_fewer: int
    n_contradictions: int
    n_unused_positives: int
    mined: bool
    n_way: NWayRows | None = None

    def summary(self) -> str:
        """A few lines for a terminal."""
        counts = self.triples_per_query
        lines = [
            f"queries   {len(counts):,}",
            f"passages  {self.n_passages:,}",
            f"triples   {counts.sum():,}; a query has {counts.min():,} (min), {np.median(counts):g} (median), "
            f"{counts.max():,} (max); {int((counts == 0).sum()):,} without any",
        ]
        if self.n_way is not None:
            shortest = min(len(pids) for _, pids in self.n_way.rows)
            lines.append(f"n-way     {len(self.n_way.rows):,} rows; train with nway up to {shortest}, of the shortest")
        return "\n".join([*lines, *(f"note      {note}" for note in self.notes())])

    def notes(self) -> list[str]:
        """What need not worry, but is good to know."""
        notes = []
        if self.n_without_positive:
            notes.append(
                f"{_counted(self.n_without_positive, 'query', 'queries')} without a positive, and so without triples"
            )
        if self.n_with_fewer:
            notes.append(
                f"{_counted(self.n_with_fewer, 'query', 'queries')} with fewer new negatives than were asked for"
            )
        if self.n_unused_positives:
            notes.append(
                f"{_counted(self.n_unused_positives, 'positive')} without a triple; --max-triples-per-query "
                "(max_triples_per_query=) makes room"
            )
        return notes

    def warnings(self) -> list[str]:
        """What is not as it was asked for, and how to mend it."""
        warnings = [no_new_negatives(self.n_without_new, mined=self.mined)] if self.n_without_new else []
        if self.n_contradictions:
            warnings.append(
                f"{_counted(self.n_contradictions, 'given negative')} left out: a positive of the query says the same."
            )
        if self.n_way is not None and self.n_way.missing is not None:
            query, passage = self.n_way.missing
            warnings.append(
                f"{_counted(self.n_way.n_left_out, 'row')} of the n-way form left out, as a passage has no score; the "
                f"first: query {query!r:.60}, passage {passage!r:.60}."
            )
        return warnings


def no_new_negatives(n_queries: int, *, mined: bool) -> str:
    """That queries got none, why, and what to do."""
    if not mined:
        return (
            f"{_counted(n_queries, 'query', 'queries')} without new negatives: all passages are positives or given "
            "negatives. Give more with --documents (all_documents=)."
        )
    return (
        f"{_counted(n_queries, 'query', 'queries')} without new negatives: all passages in the window of ranks are "
        "positives or given negatives. Give more passages with --documents (all_documents=), start the window earlier "
        "with --hard-negative-minimum-rank (hard_negative_minimum_rank=), or take random ones with "
        "--no-mine-hard-negatives (mine_hard_negatives=False)."
    )


def _counted(n: int, what: str, several: str | None = None) -> str:
    return f"{n:,} {what if n == 1 else several or what + 's'}"
