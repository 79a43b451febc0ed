"""How numbers and texts are shown on a terminal."""

from __future__ import annotations

import unicodedata

_TEXT_WIDTH = 100


def as_percent(ratio: float | None) -> str:
    """Of a ratio; a dash where there is none."""
    return "–" if ratio is None else f"{ratio:.1%}"


def as_number(value: float | None) -> str:
    """With three decimals; a dash where there is none."""
    return "–" if value is None else f"{value:.3f}"


def shown(text: str) -> str:
    """One line without control characters, cut to fit."""
    line = " ".join("".join(c if unicodedata.category(c)[0] != "C" else " " for c in text[:1000]).split())
    return line if len(line) <= _TEXT_WIDTH else line[: _TEXT_WIDTH - 1] + "…"
