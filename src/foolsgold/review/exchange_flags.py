"""The flags of `foolsgold review` by which pairs are decided elsewhere."""

from __future__ import annotations

import argparse
from typing import Literal, get_args

Tool = Literal["label-studio", "argilla"]
MOST_PAIRS = 1_000


def add_exchange_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the exchange to those of `foolsgold review`."""
    group = parser.add_argument_group("decide elsewhere")
    group.add_argument("--export", choices=get_args(Tool), help="write pairs for this tool instead of opening the desk")
    group.add_argument("--to", metavar="DIR", help="with --export: a new or empty folder")
    group.add_argument("--most", type=int, metavar="N", help=f"with --export: pairs at most (default: {MOST_PAIRS:,})")
    group.add_argument(
        "--import", dest="import_file", metavar="F",
        help="take in the answers of annotators: Label Studio's JSON or JSON-MIN export, or Argilla's records",
    )  # fmt: skip
