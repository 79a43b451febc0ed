"""Texts as pages hold them."""

from __future__ import annotations


def cut(text: str, limit: int) -> str:
    """At most `limit` characters of a text; of a longer one the beginning, and how long it is.

    >>> cut("a long text", 6)
    'a long… (11 characters)'
    """
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters)"
