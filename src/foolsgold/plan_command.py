"""`foolsgold plan`: its arguments, and what it prints."""

from __future__ import annotations

import argparse
import json

from foolsgold.errors import SettingsError
from foolsgold.plan import DEVICES, Machine, parse_count, plan_run
from foolsgold.size import parse_size

_COUNTS = ("documents", "queries", "dim", "model_parameters", "tokens_per_document", "tokens_per_query",
           "bytes_per_document", "depth", "negatives")  # fmt: skip


def add_plan_arguments(parser: argparse.ArgumentParser) -> None:
    """Sizes, workers, and how to print."""
    sizes = parser.add_argument_group("sizes, such as 20000, 20K, 5M or 1.5B")
    sizes.add_argument("--documents", metavar="N", required=True, help="documents of the corpus")
    sizes.add_argument("--queries", metavar="N", required=True, help="queries")
    sizes.add_argument("--dim", metavar="N", required=True, help="dimensions of the vectors")
    sizes.add_argument(
        "--model-parameters", metavar="N", default="0", help="of the encoder, less its embeddings where that is known "
        "(default: vectors are given)",
    )  # fmt: skip
    sizes.add_argument("--tokens-per-document", metavar="N", default="150", help="on average (default: 150)")
    sizes.add_argument("--tokens-per-query", metavar="N", default="16", help="on average (default: 16)")
    sizes.add_argument("--bytes-per-document", metavar="N", help="of text, on average (default: by its tokens)")
    sizes.add_argument("--depth", metavar="N", default="100", help="candidates kept per query (default: 100)")
    sizes.add_argument("--negatives", metavar="N", default="4", help="negatives per query (default: 4)")
    sizes.add_argument("--vector-type", choices=("float32", "float16"), default="float32")
    workers = parser.add_argument_group("workers")
    workers.add_argument(
        "--device", choices=("cpu", *DEVICES), default="cpu", help="each worker's accelerator (default: cpu, none)"
    )
    workers.add_argument("--workers", metavar="N", default="1", help="how many (default: 1)")
    workers.add_argument("--cores", metavar="N", default="8", help="of each worker (default: 8)")
    workers.add_argument("--memory", metavar="SIZE", default="64GB", help="of each worker's host (default: 64GB)")
    workers.add_argument("--network", metavar="GBIT", type=float, default=10.0, help="Gbit/s of each (default: 10)")
    workers.add_argument(
        "--utilisation", metavar="X", type=float, help="share of its peak that a GPU reaches in encoding (default: 0.4)"
    )
    parser.add_argument("--json", action="store_true", help="the numbers as JSON, in seconds and bytes")


def plan_text(options: argparse.Namespace) -> str:
    """What goes to stdout.

    Raises:
        SettingsError: a value that is no number, or out of its range.
    """
    given = {name: getattr(options, name) for name in _COUNTS if getattr(options, name) is not None}
    counts = {name: parse_count(value, name) for name, value in given.items()}
    if options.network <= 0:
        raise SettingsError(f"network is {options.network}; it takes Gbit/s above 0 (--network).")
    machine = Machine.of_device(
        options.device, cores=parse_count(options.cores, "cores"), memory_bytes=parse_size(options.memory, "memory"),
        network_gbit=options.network, utilisation=options.utilisation,
    )  # fmt: skip
    workers = parse_count(options.workers, "workers")
    plan = plan_run(**counts, machine=machine, workers=workers, vector_type=options.vector_type)
    return json.dumps(plan.as_dict(), indent=2) if options.json else str(plan)
