"""A comparison as a page."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foolsgold.compare.differing import DifferingNegative, DifferingQuery, Standing, first_of_each
from foolsgold.compare.texts import fitting
from foolsgold.compare.wording import sentences, table_rows
from foolsgold.errors import OutputError, SettingsError
from foolsgold.pages import Page, cut
from foolsgold.pages.page import PLOTS

if TYPE_CHECKING:
    from foolsgold.compare.comparison import Comparison

PAGE = Page("compare.html", (*PLOTS, "compare.js"))
_ID_CHARACTERS = 80
_VALUE_CHARACTERS = 300
_DIGITS = 4  # of scores and shares


def check_page_place(path: Path) -> None:
    """Refuse what is no place for a page, before any work.

    Raises:
        SettingsError: naming the path.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"out: {path} does not end in .html; it takes the path of a page, such as compare.html.")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise SettingsError(f"out: {path} is not the path of a file in a folder that exists.")
    if path.name == "report.html" and (path.parent / "settings.json").exists():
        raise SettingsError(f"out: {path} is the report of a run. Give another name, such as compare.html.")


def write_page(comparison: Comparison, path: Path) -> Path:
    """Write the page, whole or not at all; raises as `Comparison.write_page`."""
    check_page_place(path)
    content = page_of(comparison).encode("utf-8", "replace")
    target = path.resolve()  # what a link leads to
    try:
        handle, staged = tempfile.mkstemp(prefix=".foolsgold-", suffix=".html", dir=target.parent)
        try:
            with open(handle, "wb") as file:
                file.write(content)
            os.chmod(staged, 0o666 & ~_umask())
            os.replace(staged, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(staged)
            raise
    except OSError as error:
        raise OutputError(f"out: {path} could not be written ({error.strerror or error}).") from error
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def page_of(comparison: Comparison) -> str:
    """The page's text."""
    said = list(sentences(comparison))
    return PAGE.render(
        data=_data(comparison),
        names=[cut(name, _ID_CHARACTERS) for name in comparison.names],
        rows=[row._replace(first=_value(row.first), second=_value(row.second)) for row in table_rows(comparison)],
        sentences=[(name, fitting(text)) for name, text in said if name != "note"],
        notes=[fitting(text) for name, text in said if name == "note"],
        settings=[setting._replace(first=_value(setting.first), second=_value(setting.second))
                  for setting in comparison.settings],
        n_differing=len(comparison.differing),
    )  # fmt: skip


def _value(text: str) -> str:
    return cut(text, _VALUE_CHARACTERS)


def _data(comparison: Comparison) -> dict[str, Any]:
    spread = comparison.spread
    return {
        "names": [cut(name, _ID_CHARACTERS) for name in comparison.names],
        "overlap": [{"overlap": name, "queries": count} for name, count in comparison.overlap_counts],
        "spread": {
            "edges": [_rounded(edge) for edge in spread.edges],
            "shares": {name: [_rounded(share) for share in shares] for name, shares in spread.shares.items()},
            "relative": spread.relative,
        },
        # whether it is known where what one run chose stands in the other's candidates
        "has_ranks": {"first": comparison.second.numbers.in_other is not None,
                      "second": comparison.first.numbers.in_other is not None},
        "queries": [_query(query) for query in comparison.differing],
    }  # fmt: skip


def _query(query: DifferingQuery) -> dict[str, Any]:
    kept = first_of_each(query.negatives)
    return {
        "id": cut(query.query_id, _ID_CHARACTERS),
        "overlap": _rounded(query.overlap_ratio),
        "text": query.text,
        "positives": [{"id": cut(one.doc_id, _ID_CHARACTERS), "in": one.known_in, "text": one.text}
                      for one in query.positives],
        "n_positives": query.n_positives,
        "negatives": [_negative(one) for one in kept],
        "n_by": _counts(query.negatives),
    }  # fmt: skip


def _counts(negatives: Sequence[DifferingNegative]) -> dict[str, int]:
    counts = {"both": 0, "first": 0, "second": 0}
    for one in negatives:
        counts[one.chosen_by] += 1
    return counts


def _negative(one: DifferingNegative) -> dict[str, Any]:
    standings = {"first": _standing(one.first), "second": _standing(one.second)}
    return {"id": cut(one.doc_id, _ID_CHARACTERS), "by": one.chosen_by, "text": one.text, **standings}


def _standing(standing: Standing) -> dict[str, Any]:
    return {
        "rank": standing.rank, "score": _rounded(standing.score), "probability": _rounded(standing.probability),
        "positive": standing.is_positive,
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")
