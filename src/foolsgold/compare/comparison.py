"""What a comparison found; it prints as a table, gives its numbers, and writes a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from foolsgold.compare.differing import DifferingQuery
from foolsgold.compare.numbers import Difference, RunNumbers
from foolsgold.compare.overlap import Overlap
from foolsgold.compare.run_folder import RunFolder
from foolsgold.compare.scores import Spread
from foolsgold.compare.settings import DifferingSetting


@dataclass(frozen=True)
class Described:
    """One of the two runs.

    Attributes:
        folder: as it was given.
        model: the encoder's name.
        search: sources and index.
        scored_by: the kind of scores: dense, bm25, or the name of a run.
        queries: of the run, whether the other has them or not.
        numbers: over the queries that both have.
    """

    folder: Path
    model: str
    search: str
    scored_by: str
    queries: int
    numbers: RunNumbers

    @classmethod
    def of(cls, run: RunFolder, numbers: RunNumbers, n_queries: int) -> Described:
        """Of a folder."""
        return cls(run.path, run.model, run.search, run.scored_by, n_queries, numbers)


@dataclass(frozen=True)
class Comparison:
    """Two runs side by side. As a string it is a table for a terminal.

    Attributes:
        first: the first run.
        second: the second.
        shared_queries: queries that both have, by id; all numbers by query are over these.
        overlap: of the (query, document) pairs that were chosen.
        overlap_counts: queries by their overlap: none, up to each tenth, all.
        settings: in which the runs differ.
        scores_not_comparable: why a score of one says nothing beside a score of the other; None where they compare.
        differences: second minus first by query, with an interval: "hardness" (None where scores do not compare),
            "relative_hardness", "expected_false_negative_ratio"; None where there is nothing to compare.
        spread: histograms of scores.
        differing: the queries that differ most, the most first.
        notes: what to know beyond the numbers.
    """

    first: Described
    second: Described
    shared_queries: int
    overlap: Overlap
    overlap_counts: Sequence[tuple[str, int]]
    settings: Sequence[DifferingSetting]
    scores_not_comparable: str | None
    differences: Mapping[str, Difference | None]
    spread: Spread = field(repr=False)
    differing: Sequence[DifferingQuery] = field(repr=False)
    notes: Sequence[str]

    @property
    def names(self) -> tuple[str, str]:
        """What to call the runs: the last part of their folders, or the whole where those are equal."""
        first, second = (run.folder.name or str(run.folder) for run in (self.first, self.second))
        if first != second:
            return first, second
        return str(self.first.folder), str(self.second.folder)

    def as_dict(self) -> dict[str, Any]:
        """The numbers as JSON can hold them; without texts and histograms, and of what differs the ids alone."""
        runs = {name: {**asdict(run), "folder": str(run.folder)} for name, run in
                (("first", self.first), ("second", self.second))}  # fmt: skip
        differences = {name: None if found is None else found._asdict() for name, found in self.differences.items()}
        return {
            **runs,
            "shared_queries": self.shared_queries,
            "overlap": {"ratio": self.overlap.ratio, **asdict(self.overlap)},
            "overlap_counts": dict(self.overlap_counts),
            "settings": {one.name: [one.first, one.second] for one in self.settings},
            "scores_not_comparable": self.scores_not_comparable,
            "differences": differences,
            "differing": [{"query_id": one.query_id, "overlap_ratio": one.overlap_ratio} for one in self.differing],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        from foolsgold.compare.table import table_lines

        return "\n".join(table_lines(self))

    def write_page(self, path: str | Path) -> Path:
        """Write a page that needs no network: the numbers, plots, and the queries that differ most.

        Args:
            path: of the page, which ends in .html; whole or not at all, in place of what was there.

        Raises:
            SettingsError: it is no path of a page, or that of a run's own report.
            OutputError: it could not be written.
        """
        from foolsgold.compare.page import write_page

        return write_page(self, Path(path))
