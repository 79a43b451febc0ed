"""Documents of which one contains the other, word for word."""

from __future__ import annotations

_FEWEST_WORDS = 4  # fewer are contained by chance


def contains(a: str, b: str) -> bool:
    """Whether one of two texts, folded into words (`words`), contains the other; never one of fewer than four words.

    >>> contains("boil the egg for six minutes", "to be soft boil the egg for six minutes and cool it")
    True
    """
    shorter, longer = sorted((a, b), key=len)
    if shorter.count(" ") + 1 < _FEWEST_WORDS:
        return False
    return f" {shorter} " in f" {longer} "
