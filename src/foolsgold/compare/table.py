"""A comparison for a terminal: a table, what is to be said, and a few of the queries that differ most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from foolsgold.compare.differing import FIRST, SECOND, DifferingQuery, Standing
from foolsgold.compare.wording import Row, sentences, table_rows
from foolsgold.report.wording import as_number, as_percent, shown

if TYPE_CHECKING:
    from foolsgold.compare.comparison import Comparison

_QUERIES = 5
_WIDTH = 44  # of a column
_MAX_SETTINGS = 8


def table_lines(comparison: Comparison) -> Iterator[str]:
    """All lines."""
    rows = [Row("", *(_cut(shown(name)) for name in comparison.names)), *table_rows(comparison)]
    widths = [max(len(_cut(row[column])) for row in rows) for column in range(2)]
    for row in rows:
        yield f"{row.name:<{widths[0]}}  {_cut(row.first):<{widths[1]}}  {_cut(row.second)}".rstrip()
    yield ""
    for name, sentence in sentences(comparison):
        yield f"{name:<10}  {sentence}"
    for setting in comparison.settings[:_MAX_SETTINGS]:
        yield f"{'setting':<10}  {setting.name}: {shown(setting.first)} | {shown(setting.second)}"
    if len(comparison.settings) > _MAX_SETTINGS:
        yield f"{'setting':<10}  … and {len(comparison.settings) - _MAX_SETTINGS} more"
    yield from _query_lines(comparison)


def _query_lines(comparison: Comparison) -> Iterator[str]:
    if comparison.differing:
        yield ""
        yield "queries that differ most, with the hardest negative that each run alone chose"
    for number, query in enumerate(comparison.differing[:_QUERIES], start=1):
        yield f"{number}. {as_percent(query.overlap_ratio)} in both  {shown(query.text or query.query_id)}"
        for name in (FIRST, SECOND):
            yield from _hardest(query, name)


def _hardest(query: DifferingQuery, name: str) -> Iterator[str]:
    alone = [one for one in query.negatives if one.chosen_by == name]
    for one in alone[:1]:
        standing: Standing = getattr(one, name)
        yield f"   {name:<6}  {as_number(standing.score):>6}  {shown(one.text or one.doc_id)}"
    if not alone:
        yield f"   {name:<6}  {'–':>6}  none of its own"


def _cut(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
