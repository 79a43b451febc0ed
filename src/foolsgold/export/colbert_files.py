"""Lines as ColBERT's loaders read them: a number, a tab, and a text without tabs or line breaks."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from foolsgold.export.plain_lines import LINE_BREAKING

_BREAKS = re.compile(LINE_BREAKING)


def plain_line(text: str) -> str:
    r"""The text with a space for each tab, line separator of any kind, and NUL.

    ColBERT splits lines at tabs, and Python, which it reads files with, at LF, CR and CRLF; other tools also split at
    the separators that `str.splitlines` knows.

    >>> plain_line("one\ttwo\r\nthree\u2028four")
    'one two  three four'
    """
    return _BREAKS.sub(" ", text)


def write_lines(path: Path, texts: Iterable[str]) -> None:
    """Write `number⇥text`, a line each; the number is that of the line, from 0, as ColBERT checks of a collection."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{number}\t{plain_line(text)}\n" for number, text in enumerate(texts))
