"""`foolsgold review`: the desk, opened and ended."""

from __future__ import annotations

import argparse
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foolsgold.collection_flags import add_collection_flags, collection_of, names_collection
from foolsgold.errors import MissingExtraError
from foolsgold.review.exchange_flags import add_exchange_arguments

if TYPE_CHECKING:
    from foolsgold.review.desk import Desk

_PORT = 8377


def add_review_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of the subcommand."""
    parser.add_argument("folder", metavar="OUT", help="output folder of foolsgold mine")
    parser.add_argument(
        "--port", type=int, default=_PORT, metavar="N",
        help=f"on this machine's loopback interface; if it is in use the next free one (default: {_PORT})",
    )  # fmt: skip
    parser.add_argument(
        "--open", action=argparse.BooleanOptionalAction, default=False, help="open the page in a browser (default: no)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    add_exchange_arguments(parser)
    add_collection_flags(parser, moved=True)


def run_review(options: argparse.Namespace) -> None:
    """Open the desk, and serve it until Ctrl-C; or write pairs for others to decide, or take in their answers."""
    collection = collection_of(options) if names_collection(options) else None
    if _is_exchanged(options, collection):
        return
    _check_extra()
    from foolsgold.review.desk import Desk

    with Desk(options.folder, collection=collection, quiet=options.quiet) as desk:
        _serve(desk, port=options.port, open_browser=options.open)
        _say_how_to_go_on(desk)


def _is_exchanged(options: argparse.Namespace, collection: Any) -> bool:
    if all(value is None for value in (options.export, options.to, options.most, options.import_file)):
        return False
    from foolsgold.review.exchange import run_exchange
    from foolsgold.review.in_turn import pairs_in_turn

    pairs = pairs_in_turn(Path(options.folder), collection=collection, quiet=options.quiet)
    return run_exchange(options, pairs, collection)


def _serve(desk: Desk, *, port: int, open_browser: bool) -> None:
    from foolsgold.review.server import listening, serve

    def ready(address: str) -> None:
        print(address, flush=True)
        print("Open this address in a browser; it works once. Ctrl-C ends the desk.", file=sys.stderr)
        if open_browser and not webbrowser.open(address):
            print("No browser could be opened here.", file=sys.stderr)

    with listening(port) as listener:
        found = listener.getsockname()[1]
        if port not in (0, found):
            print(f"port {port} is in use; the desk is at {found}", file=sys.stderr)
        serve(desk, listener, ready)


def _say_how_to_go_on(desk: Desk) -> None:
    if not desk.n_decided:
        print("\nNothing is decided yet.", file=sys.stderr)
        return
    pairs = "1 pair is" if desk.n_decided == 1 else f"{desk.n_decided:,} pairs are"
    print(f"\n{pairs} decided, in {desk.log_path}. Choose negatives again with:", file=sys.stderr)
    print(desk.next_command, file=sys.stderr)


def _check_extra() -> None:
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            'review needs the extra `review`. Install it: pip install "foolsgold[review]"'
        ) from error
