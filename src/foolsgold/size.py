"""Sizes as people write them."""

from __future__ import annotations

import re

from foolsgold.errors import SettingsError

_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_size(text: str, argument: str) -> int:
    """Bytes, of a number with a unit.

    Raises:
        SettingsError: it is something else.

    >>> parse_size("10GB", "memory"), parse_size("1.5 MiB", "memory"), parse_size("0", "memory")
    (10000000000, 1572864, 0)
    """
    parts = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?", text.strip().upper())
    if parts is None:
        raise SettingsError(f"{argument} is {text!r}; it takes a number with a unit, such as 500MB or 10GB.")
    number, unit, binary = parts.groups()
    return int(float(number) * (1024 if binary else 1000) ** _POWERS[unit])
