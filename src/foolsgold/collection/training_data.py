"""Training data in the form of another framework: recognised, or named, and read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, get_args

from foolsgold.collection import ms_marco
from foolsgold.collection.builder import Example
from foolsgold.collection.collection import Collection
from foolsgold.collection.columns import records_of
from foolsgold.collection.dpr import is_json_list, parse_dpr, read_json_list
from foolsgold.collection.examples import read_examples
from foolsgold.collection.files import READERS, read_rows, read_rows_or_shards
from foolsgold.collection.flag_embedding import parse_flag_embedding
from foolsgold.collection.hugging_face import is_saved_dataset, load_from_hub, load_saved, one_split
from foolsgold.collection.jsonl import read_jsonl
from foolsgold.collection.pair_columns import ColumnNames, pair_parser
from foolsgold.collection.pairs import MEND, given_corpus, pair_rows
from foolsgold.collection.places import located
from foolsgold.collection.rows import BadLines, BadRow, Rows
from foolsgold.collection.tevatron import parse_tevatron
from foolsgold.errors import CollectionError, SettingsError
from foolsgold.settings import OnBadLine, PairsFormat

_FORMATS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Example]]] = {  # by a field that no other has
    "tevatron": ("positive_passages", parse_tevatron),
    "dpr": ("positive_ctxs", parse_dpr),
    "flagembedding": ("pos", parse_flag_embedding),
}
_HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


class _Options(NamedTuple):
    """The arguments of `read_training_data` that reading needs."""

    format: PairsFormat | None
    corpus: Any
    queries: str | Path | None
    split: str | None
    config: str | None
    names: ColumnNames
    keep_negatives: bool
    max_unknown_ratio: float
    bad_lines: BadLines
    show_progress: bool


def read_training_data(
    data: Any,
    corpus: Any = None,
    *,
    format: PairsFormat | None = None,
    queries: str | Path | None = None,
    split: str | None = None,
    config: str | None = None,
    query_column: str | None = None,
    positive_column: str | None = None,
    negative_columns: str | Iterable[str] | None = None,
    label_column: str | None = None,
    keep_negatives: bool = True,
    on_bad_line: OnBadLine = "error",
    max_unknown_ratio: float = 0.1,
    show_progress: bool = False,
) -> Collection:
    """Make a collection of training data as other frameworks have it; negatives in it become `given_negatives`.

    Equal texts become one query, or one document, unless they have ids of their own.

    Args:
        data: a file of FlagEmbedding (jsonl: query, pos, neg), Tevatron (jsonl: positive_passages …), DPR (json:
            positive_ctxs …), or with the columns of sentence-transformers (jsonl, parquet, csv, tsv: pairs, triplets,
            n-tuples, labelled pairs and lists); the folder of a dataset that was saved, or the id of one on the Hugging
            Face hub; MS MARCO's folder or triples; or whatever `read_pairs` takes.
        corpus: more documents to mine from: a file of documents, which need no ids, or what `read_pairs` takes.
        format: flagembedding, tevatron, dpr, sentence-transformers or msmarco; None recognises all but msmarco's
            triples, which have no header.
        queries: the file of queries, for MS MARCO's triples of ids alone.
        split: of a dataset, or of MS MARCO's folder (default: train, or the only one).
        config: of a dataset on the hub.
        query_column: as in `read_pairs`, for the columns of sentence-transformers.
        positive_column: likewise.
        negative_columns: likewise.
        label_column: likewise.
        keep_negatives: False takes negatives in the data for documents like any other, and all are mined anew.
        on_bad_line: "error" stops at the first record that cannot be read, "skip" counts such records and goes on.
        max_unknown_ratio: the share of judgements that may name unknown ids, where these stand in files of their own.
        show_progress: a bar on stderr where reading takes longer than a second.

    Raises:
        CollectionError: with file and line, what is wrong, and how to mend it.
        SettingsError: a file that is not there, a form that cannot be recognised, or arguments that do not go together.
        MissingExtraError: the package datasets is needed, and not installed.

    >>> collection = read_training_data([{"query": "capital of France?", "pos": ["Paris"], "neg": ["Rome"]}])
    >>> collection.document_texts(collection.given_negatives.of(0))
    ['Rome']
    """
    if format is not None and format not in get_args(PairsFormat):
        raise SettingsError(f"format is {format!r}; it takes one of {', '.join(map(repr, get_args(PairsFormat)))}.")
    if on_bad_line not in get_args(OnBadLine):
        raise SettingsError(f"on_bad_line is {on_bad_line!r}; it takes 'error' or 'skip'.")
    names = ColumnNames.of(query_column, positive_column, negative_columns, label_column)
    options = _Options(
        format, corpus, queries, split, config, names, keep_negatives, max_unknown_ratio,
        BadLines(on_bad_line), show_progress,
    )  # fmt: skip
    if not isinstance(data, (str, Path)):
        return _of_values(data, options)
    try:
        return _of_path(str(data), options, _source(data, options))
    except OSError as error:
        raise CollectionError(f"{error.filename or data}: {error.strerror or error}.") from error


def _source(data: str | Path, options: _Options) -> dict[str, Any] | None:
    """What `CollectionFiles` needs to read it again; None where a part of it is in memory."""
    if options.corpus is not None and not isinstance(options.corpus, (str, Path)):
        return None
    paths = {"pairs": data, "corpus": options.corpus, "queries": options.queries}
    found = {
        **{name: _absolute(path) for name, path in paths.items() if path is not None},
        "pairs_format": options.format,
        "pairs_config": options.config,
        "split": options.split,
        "query_column": options.names.query,
        "positive_column": options.names.positive,
        "negative_columns": None if options.names.negatives is None else list(options.names.negatives),
        "label_column": options.names.label,
        "given_negatives": None if options.keep_negatives else False,
        "on_bad_line": options.bad_lines.policy,
        "max_unknown_ratio": options.max_unknown_ratio,
    }
    return {name: value for name, value in found.items() if value is not None}


def _absolute(path: str | Path) -> str:
    """Of what is there; the id of a dataset on the hub stays as it is."""
    return str(Path(path).resolve()) if Path(path).exists() else str(path)


def _of_path(data: str, options: _Options, source: dict[str, Any] | None) -> Collection:
    path = Path(data)
    if options.format == "msmarco":
        return _ms_marco(path, options, source)
    if options.queries is not None:
        raise SettingsError("queries is for MS MARCO's triples of ids alone (format='msmarco'); leave it out.")
    if (path / "collection.tsv").is_file() or (path / "collection.tsv.gz").is_file():
        return _ms_marco(path, options, source)
    if path.is_file():
        if options.split is not None or options.config is not None:
            raise SettingsError(f"{path} is a file, which has no splits or configurations. Leave split and config out.")
        rows = _file_rows(path, options)
    else:
        rows = _dataset_rows(data, options)
    return _read(replace(rows, show_progress=options.show_progress), options, source, is_file=path.is_file())


def _of_values(data: Any, options: _Options) -> Collection:
    """Of what is in memory, where a dataset may have several splits."""
    of_files = {"format": options.format == "msmarco", "queries": options.queries, "config": options.config}
    if given := [name for name, value in of_files.items() if value]:
        what = "format='msmarco'" if given[0] == "format" else given[0]
        raise SettingsError(f"{what} is for files and folders, but the data is in memory. Leave it out.")
    if isinstance(data, Mapping) and any(hasattr(value, "column_names") for value in data.values()):
        data = one_split(data, options.split, "data")
    elif options.split is not None:
        raise SettingsError(f"split is {options.split!r}, but the data has no splits. Leave split out.")
    options = options._replace(bad_lines=replace(options.bad_lines, mend=MEND))
    return _read(pair_rows(data, options.names, "data"), options, None)


def _read(rows: Rows, options: _Options, source: dict[str, Any] | None, *, is_file: bool = False) -> Collection:
    first, rows = _peeked(rows)
    return read_examples(
        rows,
        _parser(first, options, rows.name, is_file=is_file),
        corpus=_corpus_rows(options),
        bad_lines=options.bad_lines,
        keep_negatives=options.keep_negatives,
        source=source,
    )


def _peeked(rows: Rows) -> tuple[Mapping[str, Any], Rows]:
    """The first record that can be read, empty where there is none; and all rows, those looked at included."""
    stream, met = iter(rows.rows), []
    for number, record in stream:
        met.append((number, record))
        if not isinstance(record, BadRow):
            return record, replace(rows, rows=chain(met, stream))
    return {}, replace(rows, rows=met)


def _parser(
    first: Mapping[str, Any], options: _Options, name: str, *, is_file: bool
) -> Callable[[Mapping[str, Any]], Example]:
    """That of the format named, or of the one whose field the first record has."""
    for format, (field, parse) in _FORMATS.items():
        if options.format == format or (options.format is None and field in first and not options.names):
            if options.names:
                raise SettingsError(f"the names of columns are for sentence-transformers' forms, not for {format}.")
            return parse
    return pair_parser(options.names, name, is_file=is_file)


def _file_rows(path: Path, options: _Options) -> Rows:
    """The records of a file that is not MS MARCO's."""
    if not path.name.endswith((".json", ".json.gz")):
        return read_rows(path, "pairs")
    return read_json_list(path) if is_json_list(path) else read_jsonl(path)


def _dataset_rows(data: str, options: _Options) -> Rows:
    """The records of a saved dataset, or of one on the hub."""
    path = Path(data)
    if not path.is_dir() and (data.endswith((*READERS, ".json", ".json.gz")) or not _HUB_ID.fullmatch(data)):
        raise SettingsError(
            f"pairs: {data} does not exist. Give a file ({', '.join((*READERS, '.json'))}), the folder of a saved "
            "dataset, or the id of one on the Hugging Face hub."
        )
    dataset = load_saved(path) if is_saved_dataset(path) else load_from_hub(data, options.config)
    records = records_of(one_split(dataset, options.split, data), data)
    return Rows(data, lambda number: f"{data}, row {number}", enumerate(records or (), start=1))


def _ms_marco(path: Path, options: _Options, source: dict[str, Any] | None) -> Collection:
    shared: dict[str, Any] = {
        "bad_lines": options.bad_lines,
        "max_unknown_ratio": options.max_unknown_ratio,
        "source": source,
    }
    if options.names or options.config is not None:
        raise SettingsError("the names of columns and config are for datasets; MS MARCO's files have no header.")
    if path.is_dir():
        if options.corpus is not None or options.queries is not None:
            raise SettingsError(f"{path} is MS MARCO's folder, corpus and queries included. Leave them out.")
        return ms_marco.read_ms_marco_folder(path, options.split, **shared)
    if not path.is_file():
        raise SettingsError(f"pairs: {path} does not exist. Give MS MARCO's folder, or a file of triples.")
    if options.split is not None:
        raise SettingsError(f"{path} is a file, which has no splits. Leave split out.")
    corpus = _corpus_rows(options)
    if options.queries is None:
        rows = replace(ms_marco.read_triples(path), show_progress=options.show_progress)
        return read_examples(
            rows, ms_marco.parse_triple, corpus=corpus, bad_lines=options.bad_lines,
            keep_negatives=options.keep_negatives, source=source,
        )  # fmt: skip
    if corpus is None:
        raise SettingsError(
            "corpus is missing: triples of ids need it beside queries. Give both (--corpus, --queries)."
        )
    return ms_marco.read_id_triples(
        path,
        Path(options.queries),
        corpus,
        keep_negatives=options.keep_negatives,
        show_progress=options.show_progress,
        **shared,
    )


def _corpus_rows(options: _Options) -> Rows | None:
    corpus = options.corpus
    if corpus is None:
        return None
    if not isinstance(corpus, (str, Path)):
        return given_corpus(corpus)
    headerless = options.format == "msmarco" and str(corpus).endswith((".tsv", ".tsv.gz"))
    rows = ms_marco.read_passages(Path(corpus)) if headerless else read_rows_or_shards(located(corpus), "corpus")
    return replace(rows, show_progress=options.show_progress)
