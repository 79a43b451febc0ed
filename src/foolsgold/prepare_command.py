"""`foolsgold prepare`: its flags are the parameters of `prepare_training_data`."""

from __future__ import annotations

import argparse
import sys


def add_prepare_arguments(parser: argparse.ArgumentParser) -> None:
    """Those of the subcommand."""
    parser.add_argument(
        "raw_data",
        metavar="F",
        help="pairs (query, positive), labelled pairs (query, passage, label) or triplets (query, positive, negative): "
        ".jsonl, .parquet, .csv or .tsv with such fields",
    )
    parser.add_argument("--documents", metavar="F", help="more passages to mine from, in a field text or content")
    parser.add_argument("--out", metavar="DIR", default="./data/", help="what else it holds stays (default: ./data/)")
    parser.add_argument("--model", help="hub id, model folder, or 'offline' (default: by language and size)")
    parser.add_argument("--language-code", metavar="CODE", default="en", help="of the model (default: en)")
    parser.add_argument(
        "--hard-negative-model-size", choices=("small", "base", "large"), default="small", help="default: small"
    )
    _add_number(parser, "--num-new-negatives", 10, "new negatives for each query; 0 mines nothing")
    _add_number(parser, "--hard-negative-minimum-rank", 10, "where the window of ranks starts that they come from")
    parser.add_argument(
        "--mine-hard-negatives",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="--no-mine-hard-negatives draws them at random from all passages",
    )
    _add_number(parser, "--max-triples-per-query", 20, "evenly over its positives and negatives")
    parser.add_argument("--pairs-with-labels", action="store_true", help="refuse rows without a label")
    parser.add_argument("--positive-label", type=_label, metavar="LABEL", default=1, help="default: 1")
    parser.add_argument("--negative-label", type=_label, metavar="LABEL", default=0, help="default: 0")
    parser.add_argument(
        "--scores", metavar="F", help="a teacher's: query, passage, score; writes ColBERT's n-way form, too"
    )
    _add_number(parser, "--seed", 42, "of all that is random")
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary; warnings come all the same")


def run_prepare(options: argparse.Namespace) -> None:
    """Prepare, and say what came of it."""
    from foolsgold.training_data import PreparationSettings, prepare

    given = vars(options)
    settings = PreparationSettings(**{name: given[name] for name in PreparationSettings.__dataclass_fields__})
    prepared = prepare(
        options.raw_data, options.documents, out=options.out, model=options.model, scores=options.scores,
        settings=settings,
    )  # fmt: skip
    for warning in prepared.warnings():
        print(f"warning   {warning}", file=sys.stderr)
    if not options.quiet:
        print(prepared.summary(), file=sys.stderr)
    print(options.out)


def _add_number(parser: argparse.ArgumentParser, flag: str, default: int, text: str) -> None:
    parser.add_argument(flag, type=int, metavar="N", default=default, help=f"{text} (default: {default})")


def _label(text: str) -> int | str:
    """A number where it reads like one: files with types hold numbers."""
    return int(text) if text.removeprefix("-").isdecimal() else text
