"""`foolsgold compare`: its arguments, and what it says."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from foolsgold.collection_flags import add_collection_flags, collection_of, names_collection


def add_compare_arguments(parser: argparse.ArgumentParser) -> None:
    """Two folders, and what to make of them."""
    parser.add_argument("first", metavar="OUT1", help="output folder of foolsgold mine or select")
    parser.add_argument("second", metavar="OUT2", help="another")
    parser.add_argument("--out", metavar="PAGE", help="also a page, such as compare.html, with plots and texts")
    parser.add_argument("--json", action="store_true", help="the numbers as JSON instead of a table")
    parser.add_argument("--quiet", action="store_true", help="no progress")
    add_collection_flags(parser, moved=True)


def compare_texts(options: argparse.Namespace) -> tuple[str, str]:
    """What goes to stdout, and what is said beside it (empty: nothing).

    Raises:
        FoolsgoldError: as `compare` and `Comparison.write_page`.
    """
    from foolsgold.compare import compare
    from foolsgold.compare.page import check_page_place

    if options.out is not None:
        check_page_place(Path(options.out))
    collection = collection_of(options) if names_collection(options) else None
    has_texts = options.out is not None or not options.json  # to read a large collection for nothing takes minutes
    comparison = compare(
        options.first, options.second, collection=collection, texts=has_texts, quiet=options.quiet
    )  # fmt: skip
    answer = json.dumps(comparison.as_dict(), indent=2, ensure_ascii=False) if options.json else str(comparison)
    if options.out is not None:
        return answer, f"page with plots and texts: {comparison.write_page(options.out)}"
    is_silent = options.quiet or options.json
    return answer, "" if is_silent else "(--out compare.html writes a page, with plots and all texts)"
