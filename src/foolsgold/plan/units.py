"""Numbers as people write and read them: 100M, 1.5 h, 19.2 GB."""

from __future__ import annotations

import re

from foolsgold.errors import SettingsError

_LETTERS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}
_TIMES = ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min"))
_COUNTED = ("documents", "queries", "tokens", "values")
_UNITS = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def parse_count(value: str | float, argument: str) -> int:
    """A whole number, of a number with or without K, M or B (thousand, million, billion) behind it.

    Raises:
        SettingsError: it is something else, or not whole.

    >>> parse_count("100M", "documents"), parse_count("1.5b", "documents"), parse_count("20,000", "documents")
    (100000000, 1500000000, 20000)
    """
    parts = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMB]?)", str(value).strip().upper().replace(",", "").replace("_", ""))
    count = None if parts is None else float(parts[1]) * _LETTERS[parts[2]]
    if count is None or abs(count - round(count)) > 1e-6 * max(count, 1):
        raise SettingsError(
            f"{argument} is {value!r}; it takes a whole number, with K, M or B for thousands, millions or billions, "
            "such as 20K or 1.5B."
        )
    return round(count)


def show_count(count: float) -> str:
    """A number in three digits.

    >>> show_count(100_000_000), show_count(20_000), show_count(1_500_000_000), show_count(12)
    ('100M', '20K', '1.5B', '12')
    """
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if count >= size:
            return f"{count / size:.3g}{letter}"
    return f"{count:.3g}"


def show_bytes(n_bytes: float) -> str:
    """Bytes in decimal units.

    >>> show_bytes(19_200_000_000), show_bytes(2.5e12), show_bytes(0)
    ('19.2 GB', '2.5 TB', '0')
    """
    return show_scaled(n_bytes, "B") if n_bytes else "0"


def show_scaled(value: float, unit: str) -> str:
    """Any number with a unit, in three digits, things that are counted with commas.

    >>> show_scaled(989e12, "FLOP/s"), show_scaled(0.4, "of peak"), show_scaled(8_192, "queries")
    ('989 TFLOP/s', '0.4 of peak', '8,192 queries')
    """
    if unit.removesuffix("/s") in _COUNTED:
        return f"{value:,.0f} {unit}"
    for size, letter in _UNITS:
        if abs(value) >= size:
            return f"{_digits(value / size)} {letter}{unit}"
    return f"{value:.3g} {unit}"


def show_seconds(seconds: float) -> str:
    """Time in the largest unit that leaves a number above 1.

    >>> show_seconds(0.25), show_seconds(48), show_seconds(5400), show_seconds(200_000)
    ('0.25 s', '48 s', '1.5 h', '2.31 days')
    """
    for size, name in _TIMES:
        if seconds >= size:
            return f"{_digits(seconds / size)} {name}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
