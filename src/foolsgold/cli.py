"""The command line: one verb a subcommand, its flags the fields of MiningSettings."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NoReturn, get_args

from foolsgold.collection_flags import OF_PAIRS, add_collection_flags, collection_of, names_collection
from foolsgold.compare_command import add_compare_arguments, compare_texts
from foolsgold.engine_flags import add_engine_flags, engine_of
from foolsgold.errors import FoolsgoldError, SettingsError
from foolsgold.plan_command import add_plan_arguments, plan_text
from foolsgold.prepare_command import add_prepare_arguments, run_prepare
from foolsgold.review.command import add_review_arguments, run_review
from foolsgold.settings import SELECTABLE, FileType, Kind, MiningSettings, TrainingFormat, setting_kinds
from foolsgold.sources import needs_vectors, parse_sources
from foolsgold.training_formats import training_format_lines

# settings that have no part in what calibrate prints
_NOT_CALIBRATED = (
    "max_false_negative_rate", "suspect_probability", "cross_encoder", "cross_encoder_margin",
    "cross_encoder_max_probability", "format", "file_type", "with_scores", "out",
)  # fmt: skip
_INTERRUPTED = 130  # as the shell has it: 128 + SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 when it did what it should, 2 for wrong use, 1 for a failure, 130 when interrupted."""
    options = command_parser().parse_args(arguments)
    try:
        options.run(options)
    except FoolsgoldError as error:
        print(f"foolsgold {options.command}: error: {error}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except OSError as error:  # what no part of the package foresaw: no right to read a folder, a broken disk
        print(f"foolsgold {options.command}: error: {error.filename or ''} {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nfoolsgold {options.command}: interrupted; earlier output is untouched.", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _mine(options: argparse.Namespace) -> None:
    from foolsgold.mine import mine

    if options.out is None:
        raise SettingsError("--out is missing; give the folder for the result.")
    settings, engine = _settings(options), engine_of(options)
    with _quiet(options.engine):
        result = mine(collection_of(options), _encoder(options, settings), settings, engine=engine)
    _show(result, settings)


def _quiet(engine: str) -> AbstractContextManager[None]:
    if engine != "ray":
        return nullcontext()
    from foolsgold.scale.ray_says import ray_in_short

    return ray_in_short()


def _select(options: argparse.Namespace) -> None:
    from foolsgold.mine import select

    changes = {name: value for name, value in vars(options).items() if name in SELECTABLE}
    collection = collection_of(options) if names_collection(options) else None
    result = select(options.folder, collection=collection, relabel=options.relabel, **changes)
    _show(result, result.settings)


def _calibrate(options: argparse.Namespace) -> None:
    from foolsgold.calibrate import calibrate

    options.collection = options.folder
    settings = _settings(options)
    print(calibrate(collection_of(options), _encoder(options, settings), settings, relabel=options.relabel))


def _export(options: argparse.Namespace) -> None:
    from foolsgold.export_negatives import export_negatives

    collection = collection_of(options) if names_collection(options) else None
    if options.push is not None:
        _push(options, collection)
        return
    if options.public:
        raise SettingsError("--public says how a dataset is made by --push; give both, or neither.")
    path = export_negatives(
        options.folder, options.format, out=options.out, file_type=options.file_type,
        with_scores=options.with_scores, collection=collection, quiet=options.quiet,
    )  # fmt: skip
    print(path)


def _push(options: argparse.Namespace, collection: Any) -> None:
    from foolsgold.push_negatives import push_negatives

    if options.out is not None or options.file_type not in (None, "parquet"):
        raise SettingsError("--push writes parquet to the hub, and no file here; leave out --out and --file-type.")
    address = push_negatives(
        options.folder, options.push, options.format, with_scores=options.with_scores or None,
        private=not options.public, collection=collection, quiet=options.quiet,
    )  # fmt: skip
    print(address)


def _compare(options: argparse.Namespace) -> None:
    answer, remark = compare_texts(options)
    print(answer)
    if remark:
        print(remark, file=sys.stderr)


def _plan(options: argparse.Namespace) -> None:
    print(plan_text(options))


def _sample(options: argparse.Namespace) -> None:
    from foolsgold.sample_collection import write_sample_collection

    n_documents = write_sample_collection(options.folder)
    print(options.folder)
    print(f"{n_documents:,} documents from Python's own documentation", file=sys.stderr)


def _cache(options: argparse.Namespace) -> None:
    from foolsgold.cache_command import list_lines, prune_lines

    limits = {"older_than": options.older_than, "max_size": options.max_size, "everything": options.all}
    if options.action == "list" and any(value not in (None, False) for value in limits.values()):
        raise SettingsError("--older-than, --max-size and --all say what to remove: foolsgold cache prune.")
    lines = list_lines(options.cache) if options.action == "list" else prune_lines(options.cache, **limits)
    print("\n".join(lines))


def _show(result: Any, settings: MiningSettings) -> None:
    if not settings.quiet:
        print(result.summary(), file=sys.stderr)
    print(result.folder)


def _settings(options: argparse.Namespace) -> MiningSettings:
    names = {field.name for field in dataclasses.fields(MiningSettings)}
    return MiningSettings(**{name: value for name, value in vars(options).items() if name in names})


def _encoder(options: argparse.Namespace, settings: MiningSettings) -> Any:
    from foolsgold.encode import PrecomputedVectors

    vectors = (options.query_vectors, options.doc_vectors)
    if vectors == (None, None):
        if options.model is None and needs_vectors(parse_sources(settings.source)):
            raise SettingsError(
                "--model is missing; give a hub id, a folder, offline, or openai:NAME (or --doc-vectors and "
                "--query-vectors). Only --source bm25 and --source run:FILE, one of them alone, need none."
            )
        return options.model
    if options.model is not None:
        raise SettingsError("--model and --doc-vectors/--query-vectors exclude each other; give one or the other.")
    if None in vectors:
        raise SettingsError("--doc-vectors and --query-vectors go together; give both.")
    return PrecomputedVectors(Path(vectors[0]), Path(vectors[1]), similarity=settings.similarity or "cosine")


class _Parser(argparse.ArgumentParser):
    """Names the nearest flag where one is misspelt."""

    def error(self, message: str) -> NoReturn:
        """Print the message with a suggestion, and exit with status 2."""
        flags = [flag for parser in (self, *_subparsers(self)) for action in parser._actions
                 for flag in action.option_strings]  # fmt: skip
        for word in message.split() if message.startswith("unrecognized") else []:
            near = difflib.get_close_matches(word.split("=")[0], flags, n=1)
            if word.startswith("--") and word not in flags and near:
                message += f" (did you mean {near[0]}?)"
        self.exit(2, f"{self.prog}: error: {message}\nSee {self.prog} --help.\n")


def _subparsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return [command for action in actions for command in action.choices.values()]


def command_parser() -> argparse.ArgumentParser:
    """All subcommands and their flags."""
    parser = _Parser(prog="foolsgold", description=_DESCRIPTION, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    mine = _command(commands, "mine", _mine, "mine hard negatives and write a training file")
    add_collection_flags(mine)
    _add_model(mine)
    add_engine_flags(mine)
    _add_settings(mine, [field.name for field in dataclasses.fields(MiningSettings)])
    mine.set_defaults(out=None)

    select = _command(commands, "select", _select, "choose again from the candidates of a run; encodes nothing")
    select.add_argument("folder", metavar="OUT", help="output folder of foolsgold mine")
    select.add_argument(
        "--relabel",
        metavar="F",
        help="decisions: query_id, doc_id, label (positive, negative or drop; empty: undecided), such as "
        "OUT/decisions.jsonl of foolsgold review",
    )
    add_collection_flags(select, moved=True)
    _add_settings(select, SELECTABLE, show_defaults=False)

    _add_calibrate_command(commands)
    _add_export_command(commands)
    prepare = _command(commands, "prepare", run_prepare, "turn raw pairs or triplets into ColBERT's training files")
    add_prepare_arguments(prepare)

    compare = _command(commands, "compare", _compare, "two runs side by side: overlap, hardness, rates, queries")
    add_compare_arguments(compare)

    plan = _command(commands, "plan", _plan, "what a run would take: time, memory, disk, network, by stage")
    add_plan_arguments(plan)

    review = _command(commands, "review", run_review, "decide borderline pairs in a page on this machine")
    add_review_arguments(review)

    _add_cache_command(commands)
    sample = _command(commands, "sample", _sample, "write a sample collection from Python's own documentation")
    sample.add_argument("folder", metavar="DIR", help="a new or empty folder")
    return parser


def _add_calibrate_command(commands: Any) -> None:
    names = [field.name for field in dataclasses.fields(MiningSettings)]
    calibrate = _command(commands, "calibrate", _calibrate, "what each allowed rate of false negatives would bring")
    calibrate.add_argument("folder", metavar="COLLECTION", help="folder in BEIR layout: corpus, queries, qrels")
    calibrate.add_argument("--split", help="which file of the folder's qrels/ (default: train, or the only one)")
    calibrate.add_argument(
        "--relabel",
        metavar="F",
        help="decisions on its pairs, as for select: false negatives are estimated by them too",
    )
    _add_model(calibrate)
    _add_settings(calibrate, [name for name in names if name not in _NOT_CALIBRATED])
    calibrate.set_defaults(corpus=None, queries=None, qrels=None, **dict.fromkeys(OF_PAIRS))


def _add_export_command(commands: Any) -> None:
    export = _command(commands, "export", _export, "write the negatives of a run in another format, or push them")
    export.add_argument("folder", metavar="OUT", help="output folder of foolsgold mine")
    export.add_argument(
        "--format", required=True, choices=get_args(TrainingFormat), metavar="FORMAT", help="one of those below"
    )
    export.add_argument("--file-type", choices=get_args(FileType), help="default: the ending of --out, or the format's")
    export.add_argument("--out", metavar="PATH", help="a file, or a new or empty folder (default: train.FORMAT in OUT)")
    export.add_argument("--with-scores", action="store_true", help="scores too, where the format has a place for them")
    export.add_argument("--push", metavar="REPO", help="push a dataset with a card to the Hugging Face hub instead")
    export.add_argument("--public", action="store_true", help="with --push: a new dataset is not private")
    export.add_argument("--quiet", action="store_true", help="no progress")
    add_collection_flags(export, moved=True)
    export.formatter_class = argparse.RawDescriptionHelpFormatter
    export.epilog = "formats, what reads them, and what a row holds:\n  " + "\n  ".join(training_format_lines())


def _add_cache_command(commands: Any) -> None:
    cache = _command(commands, "cache", _cache, "list what is kept for later runs, or remove some of it")
    cache.add_argument("action", nargs="?", choices=("list", "prune"), default="list")
    cache.add_argument("--cache", metavar="DIR", default="auto", help="as given to mine (default: the user's own)")
    cache.add_argument("--older-than", type=float, metavar="DAYS", help="prune: what was not used for so long")
    cache.add_argument("--max-size", metavar="SIZE", help="prune: what has no room, such as in 10GB, last used first")
    cache.add_argument("--all", action="store_true", help="prune: everything")


def _command(commands: Any, name: str, run: Callable[[argparse.Namespace], None], text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
    command.set_defaults(run=run)
    return command


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", help="hub id, model folder, 'offline' (all-MiniLM-L6-v2 from a package), or openai:NAME"
    )
    parser.add_argument("--doc-vectors", metavar="F.npy", help="document vectors made elsewhere, a row a document")
    parser.add_argument("--query-vectors", metavar="F.npy", help="query vectors made elsewhere, a row a query")


def _add_settings(parser: argparse.ArgumentParser, names: Sequence[str], *, show_defaults: bool = True) -> None:
    group = parser.add_argument_group("settings")
    fields, kinds = {field.name: field for field in dataclasses.fields(MiningSettings)}, setting_kinds()
    for name in names:
        kind, default, text = kinds[name], fields[name].default, fields[name].metadata["help"]
        if show_defaults and default is not None and kind.type is not bool:
            text += f" (default: {default})"
        options: dict[str, Any] = {"default": argparse.SUPPRESS, "help": text.replace("%", "%%")}
        if kind.type is bool:
            may_be_on = default or name == "with_scores"  # there, in the run that select chooses from
            options["action"] = argparse.BooleanOptionalAction if may_be_on else "store_true"  # --no-… switches off
        elif kind.choices:
            options["choices"] = kind.choices
            options["metavar"] = "FORMAT" if name == "format" else None
        else:
            options["type"] = _reader(kind, text_may_be_none=name in ("cross_encoder", "cache"))
            options["metavar"] = {int: "N", float: "X"}.get(kind.type, "DIR" if name in ("out", "cache") else "TEXT")
        group.add_argument(f"--{name.replace('_', '-')}", **options)


def _reader(kind: Kind, *, text_may_be_none: bool) -> Callable[[str], Any]:
    """Reads a flag's value; `none` switches off what may be off, unless it could be meant as text."""

    def read(text: str) -> Any:
        if kind.may_be_none and (kind.type is not str or text_may_be_none) and text.lower() == "none":
            return None
        try:
            return kind.type(text)
        except ValueError:
            wanted = {int: "a whole number", float: "a number"}[kind.type]
            raise argparse.ArgumentTypeError(
                f"{text!r} is not {wanted}" + (" or 'none'" if kind.may_be_none else "")
            ) from None

    return read


def _version() -> str:
    from foolsgold.version import __version__

    return f"foolsgold {__version__}"


_DESCRIPTION = """Hard negative mining: finds documents that look relevant to a query and are not,
and writes them in the format that your training framework reads."""

if __name__ == "__main__":
    sys.exit(main())
