"""The flags that say where a collection lies, and the collection that they name."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, get_args

from foolsgold.errors import SettingsError
from foolsgold.settings import PairsFormat

if TYPE_CHECKING:
    from foolsgold.collection import CollectionFiles

OF_PAIRS = {
    "pairs": "--pairs",
    "pairs_format": "--pairs-format",
    "pairs_config": "--pairs-config",
    "query_column": "--query-column",
    "positive_column": "--positive-column",
    "negative_columns": "--negative-column",
    "label_column": "--label-column",
    "given_negatives": "--no-given-negatives",
}


def add_collection_flags(parser: argparse.ArgumentParser, *, moved: bool = False) -> None:
    """Add all flags that say where a collection lies; `moved`: lies now."""
    title = "where the collection lies now, if it was moved" if moved else "collection"
    group = parser.add_argument_group(title)
    group.add_argument(
        "--collection", metavar="DIR", help="folder in BEIR layout (a path, or a URI such as s3://…), or ir_datasets:ID"
    )
    group.add_argument(
        "--split", help="which file of the folder's qrels/, or split of --pairs (default: train, or the only one)"
    )
    group.add_argument(
        "--corpus",
        metavar="F",
        help="documents: .jsonl, .parquet, .csv, .tsv, text formats also .gz; or a folder of them",
    )
    group.add_argument("--queries", metavar="F", help="queries, likewise")
    group.add_argument("--qrels", metavar="F", help="judgements: query-id, corpus-id, score; or TREC qrels")
    group.add_argument(
        "--pairs", metavar="F",
        help="instead of all these: training data, with negatives or without (a file, a saved dataset, or the id of "
        "one on the hub); --corpus then adds documents to mine from",
    )  # fmt: skip
    group.add_argument("--pairs-format", choices=get_args(PairsFormat), help="default: recognised")
    group.add_argument("--pairs-config", metavar="NAME", help="of a dataset on the hub")
    group.add_argument("--query-column", metavar="NAME", help="default: query, anchor or question")
    group.add_argument("--positive-column", metavar="NAME", help="default: positive, answer, document, passage or pos")
    group.add_argument(
        "--negative-column", metavar="NAME", action="append", dest="negative_columns",
        help="may be given several times (default: negative, neg, negative_1 …)",
    )  # fmt: skip
    group.add_argument("--label-column", metavar="NAME", help="1 for a positive, 0 for a negative (default: label)")
    group.add_argument(
        "--no-given-negatives", action="store_const", const=False, dest="given_negatives",
        help="take negatives in --pairs, or of ir_datasets' triples, for documents like any other, and mine all anew",
    )  # fmt: skip


def names_collection(options: argparse.Namespace) -> bool:
    """Whether any flag says where a collection lies."""
    names = ("collection", "split", "corpus", "queries", "qrels", *OF_PAIRS)
    return any(getattr(options, name) is not None for name in names)


def collection_of(options: argparse.Namespace) -> CollectionFiles:
    """Where the flags say that it lies.

    Raises:
        SettingsError: flags that do not go together.
    """
    from foolsgold.collection import CollectionFiles

    of_pairs = {name: getattr(options, name) for name in OF_PAIRS}
    given = [OF_PAIRS[name] for name, value in of_pairs.items() if value is not None]
    if (options.collection or "").startswith("ir_datasets:") and OF_PAIRS["given_negatives"] in given:
        given.remove(OF_PAIRS["given_negatives"])
    if given and options.pairs is None:
        say = "says" if len(given) == 1 else "say"
        raise SettingsError(f"{' and '.join(given)} {say} how to read --pairs, which is missing.")
    if options.collection is not None and (options.corpus or options.queries or options.qrels):
        raise SettingsError(
            "--collection names a folder with all three files; leave out --corpus, --queries and --qrels."
        )
    if options.split is not None and options.collection is None and options.pairs is None:
        raise SettingsError("--split names a file in the folder of --collection; leave it out with --qrels.")
    return CollectionFiles(
        options.collection, options.split, options.corpus, options.queries, options.qrels, **of_pairs
    )
