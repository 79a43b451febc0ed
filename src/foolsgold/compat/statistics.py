"""What is said of a finished run: scores, what was skipped and why, and what could not be found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from foolsgold.compat.asked import Asked
from foolsgold.compat.negatives import AFTER, BEFORE, CHOSEN, NOT_NEEDED
from foolsgold.compat.rows import Written

_ROW = "{:<6} {:>14} {:>14} {:>14}"
_RULES = ("absolute_margin", "relative_margin", "max_score", "min_score")


def statistics(written: Written, fates: Counter[str], asked: Asked, *, n_rows: int, most_rows: int) -> Iterator[str]:
    """Line by line.

    Args:
        written: scores of what the rows say.
        fates: candidates, known positives apart, by what became of them; they add up.
        asked: the settings to name.
        n_rows: of the output.
        most_rows: that it would have, had every query all its negatives.
    """
    yield from _scores(written)
    yield from _fates(fates, asked)
    if n_rows < most_rows:
        yield _shortage(asked, most_rows - n_rows, most_rows)


def _scores(written: Written) -> Iterator[str]:
    yield _ROW.format("Metric", "Positive", "Negative", "Difference")
    yield _ROW.format("Count", f"{len(written.positives):,}", f"{len(written.negatives):,}", "")
    columns = [_summary(scores) for scores in written]
    for metric in columns[0]:
        yield _ROW.format(metric, *(f"{column[metric]:.4f}" for column in columns))


def _summary(scores: NDArray[np.float32]) -> dict[str, float]:
    """NaN where there are too few scores."""
    values = scores.astype(np.float64)
    low, quarter, half, three_quarters, high = (
        np.quantile(values, [0, 0.25, 0.5, 0.75, 1]) if len(values) else [np.nan] * 5
    )
    return {
        "Mean": values.mean() if len(values) else np.nan, "Median": half,
        "Std": values.std(ddof=1) if len(values) > 1 else np.nan,
        "Min": low, "25%": quarter, "50%": half, "75%": three_quarters, "Max": high,
    }  # fmt: skip


def _fates(fates: Counter[str], asked: Asked) -> Iterator[str]:
    n_candidates = sum(fates.values())
    for name in _RULES:
        if fates[name]:
            yield (
                f"Skipped {fates[name]:,} potential negatives ({fates[name] / n_candidates:.2%}) due to the {name} of "
                f"{getattr(asked, name)}."
            )
    skipped = sum(fates[name] for name in _RULES)
    yield (
        f"Of {n_candidates:,} potential negatives, {skipped:,} were skipped, {fates[BEFORE]:,} ranked before "
        f"range_min, {fates[AFTER]:,} at range_max or after, {fates[NOT_NEEDED]:,} were not needed, and "
        f"{fates[CHOSEN]:,} were chosen."
    )


def _shortage(asked: Asked, n_missing: int, most_rows: int) -> str:
    settings = ["range_max", *(["range_min"] if asked.range_min > 0 else [])]
    settings += [name for name in _RULES if getattr(asked, name) is not None]
    *first, last = settings
    names = f"{', '.join(first)} and {last}" if first else last
    return (
        f"Could not find enough negatives for {n_missing} samples ({n_missing / most_rows:.2%}). Consider adjusting "
        f"the {names} parameter{'s' if first else ''} if you'd like to find more valid negatives."
    )
