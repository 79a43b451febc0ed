"""A collection from files: a BEIR folder, or corpus, queries and qrels one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import pyarrow as pa

from foolsgold.collection.assemble import assemble
from foolsgold.collection.collection import Collection
from foolsgold.collection.delimited import read_csv, read_tsv
from foolsgold.collection.id_pairs import rows_of_pairs
from foolsgold.collection.jsonl import read_jsonl
from foolsgold.collection.parquet import read_parquet
from foolsgold.collection.places import FilePath, located
from foolsgold.collection.records import read_documents, read_judgements, read_pair_ids, read_queries
from foolsgold.collection.rows import BadLines, Rows
from foolsgold.collection.shards import as_one, shards_of
from foolsgold.collection.trec_qrels import is_trec_qrels, read_trec_qrels
from foolsgold.errors import CollectionError, OutputError, SettingsError
from foolsgold.settings import OnBadLine

READERS: dict[str, Callable[[FilePath], Rows]] = {
    ".jsonl": read_jsonl,
    ".jsonl.gz": read_jsonl,
    ".parquet": read_parquet,
    ".tsv": read_tsv,
    ".tsv.gz": read_tsv,
    ".csv": read_csv,
    ".csv.gz": read_csv,
}
GIVEN_FILE = "given_negatives"  # optional in a BEIR folder, with one of these endings


def read_files(
    corpus: str | Path,
    queries: str | Path,
    qrels: str | Path,
    *,
    on_bad_line: OnBadLine = "error",
    max_unknown_ratio: float = 0.1,
    show_progress: bool = False,
) -> Collection:
    """Read a collection from three files, for data that is not in BEIR's layout.

    Each may be `.jsonl`, `.parquet`, `.csv` or `.tsv`, the text formats also with `.gz`; corpus and queries also a
    folder of such files, all of one type, which are read by name, numbers in it by size. Paths, or URIs such as
    `s3://bucket/corpus`.

    Args:
        corpus: with `_id` (or doc_id, docid, id, pid), `text`, and optionally `title`.
        queries: with `_id` (or query_id, qid, id), `text` (or query, question), and optionally `answers`, a list of
            texts or one text: candidates that contain one are no negatives. csv and tsv hold one answer a query.
        qrels: with `query-id`, `corpus-id` and `score`; 0 is judged not relevant, above 0 is a positive. Or TREC qrels
            under any name, `qid 0 docid relevance` between tabs or spaces.
        on_bad_line: "error" stops at the first line that cannot be read, "skip" counts such lines and goes on.
        max_unknown_ratio: the share of judgements that may name unknown ids.
        show_progress: a bar on stderr where reading takes longer than a second.

    Raises:
        CollectionError: with file and line, what is wrong, and how to mend it.
        SettingsError: a file that is not there, or of an unknown type.
    """
    return read_all(three_files(corpus, queries, qrels), on_bad_line, max_unknown_ratio, show_progress=show_progress)


def read_beir(
    folder: str | Path,
    split: str | None = None,
    *,
    on_bad_line: OnBadLine = "error",
    max_unknown_ratio: float = 0.1,
    show_progress: bool = False,
) -> Collection:
    """Read a BEIR folder: corpus, queries, and qrels in `qrels/SPLIT.tsv` or `qrels.tsv`.

    Args:
        folder: a path or a URI. Holds `corpus.jsonl` and `queries.jsonl`, or the same names with another known ending,
            or folders `corpus` and `queries` of such files, as in `read_files`; and optionally
            `given_negatives.tsv`, negatives that are there already, with `query-id` and `corpus-id`.
        split: which qrels, such as "train"; needed only where there are several and none is "train". Queries that only
            other splits name are left out; the other splits' positives are never chosen as negatives.
        on_bad_line: as in `read_files`.
        max_unknown_ratio: as in `read_files`.
        show_progress: as in `read_files`.

    Raises:
        CollectionError: with file and line, what is wrong, and how to mend it.
        SettingsError: a folder or file that is not there.
    """
    return read_all(beir_files(folder, split), on_bad_line, max_unknown_ratio, show_progress=show_progress)


def read_rows(path: FilePath, argument: str) -> Rows:
    """The rows of a file of any known type.

    Raises:
        SettingsError: the file is not there, or its type is unknown.
    """
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise SettingsError(f"{argument}: {path} {what}. Give the path of a file ({', '.join(READERS)}).")
    return _reader(path, argument)(path)


def read_rows_or_shards(path: FilePath, argument: str) -> Rows:
    """The rows of a file of any known type, or of a folder of such files.

    Raises:
        SettingsError: it is not there, or a type is unknown.
    """
    if not path.is_dir():
        return read_rows(path, argument)
    return as_one(str(path), [_reader(shard, argument)(shard) for shard in shards_of(path, argument, tuple(READERS))])


def _reader(path: FilePath, argument: str) -> Callable[[FilePath], Rows]:
    for ending, reader in READERS.items():
        if path.name.endswith(ending):
            return reader
    raise SettingsError(f"{argument}: {path} has an unknown ending; it takes one of {', '.join(READERS)}.")


@dataclass(frozen=True)
class Files:
    """The files of a collection.

    Attributes:
        corpus: a file, or a folder of shards.
        queries: likewise.
        qrels: a file.
        source: how they were named, for the collection.
        other_splits: qrels of the other splits.
        given: negatives that are there already.
    """

    corpus: FilePath
    queries: FilePath
    qrels: FilePath
    source: Mapping[str, str]
    other_splits: Sequence[FilePath] = ()
    given: FilePath | None = None


def three_files(corpus: str | FilePath, queries: str | FilePath, qrels: str | FilePath) -> Files:
    """As they are named one by one."""
    paths = {"corpus": located(corpus), "queries": located(queries), "qrels": located(qrels)}
    source = {name: str(path.resolve()) for name, path in paths.items()}
    return Files(paths["corpus"], paths["queries"], paths["qrels"], source)


def beir_files(folder: str | FilePath, split: str | None) -> Files:
    """As they lie in a BEIR folder.

    Raises:
        SettingsError: a folder or file that is not there.
    """
    root = located(folder)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise SettingsError(
            f"collection: the folder {root} {what}. Give a folder with corpus.jsonl, queries.jsonl and qrels.tsv; "
            "training data is read by read_training_data (--pairs)."
        )
    qrels, others = _find_qrels(root, split)
    source = {"folder": str(root.resolve()), **({"split": split} if split else {})}
    given = next((path for ending in READERS if (path := root / (GIVEN_FILE + ending)).is_file()), None)
    return Files(
        _find(root, "corpus", shards=True), _find(root, "queries", shards=True), qrels, source, others, given
    )  # fmt: skip


def read_all(
    files: Files,
    on_bad_line: OnBadLine,
    max_unknown_ratio: float,
    *,
    show_progress: bool,
    read_corpus: Callable[[FilePath, BadLines], tuple[pa.Table, Rows]] | None = None,
) -> Collection:
    """Read the files, and join them by id.

    Args:
        files: which.
        on_bad_line: as in `read_files`.
        max_unknown_ratio: as in `read_files`.
        show_progress: as in `read_files`.
        read_corpus: how documents are read, into a table with at least their ids, and the rows that they were read
            from; None: here and now.

    Raises:
        CollectionError: with file and line, what is wrong, and how to mend it.
        SettingsError: a file that is not there, or of an unknown type.
    """
    if on_bad_line not in get_args(OnBadLine):
        raise SettingsError(f"on_bad_line is {on_bad_line!r}; it takes 'error' or 'skip'.")
    bad_lines = BadLines(on_bad_line)

    def shown(rows: Rows) -> Rows:
        return replace(rows, show_progress=show_progress)

    def read_here(path: FilePath, bad_lines: BadLines) -> tuple[pa.Table, Rows]:
        rows = shown(read_rows_or_shards(path, "corpus"))
        return read_documents(rows, bad_lines), rows

    try:
        queries = shown(read_rows_or_shards(files.queries, "queries"))
        qrels = shown(_read_qrels(files.qrels, "qrels"))
        documents, corpus = (read_corpus or read_here)(files.corpus, bad_lines)
        asked, negatives = read_queries(queries, bad_lines), None
        if files.given is not None:
            given_rows = read_rows(files.given, GIVEN_FILE)
            pairs = read_pair_ids(given_rows, bad_lines)
            negatives = rows_of_pairs(pairs, documents, asked, given_rows), given_rows
        return assemble(
            documents,
            asked,
            read_judgements(qrels, bad_lines),
            names=(corpus, queries, qrels),
            bad_lines=bad_lines,
            max_unknown_ratio=max_unknown_ratio,
            source={**files.source, "on_bad_line": on_bad_line, "max_unknown_ratio": max_unknown_ratio},
            other_splits=[read_judgements(_read_qrels(path, "qrels"), bad_lines) for path in files.other_splits],
            given=negatives,
        )
    except OutputError:
        raise
    except OSError as error:
        raise CollectionError(f"{error.filename or files.corpus}: {error.strerror or error}.") from error


def _read_qrels(path: FilePath, argument: str) -> Rows:
    """Judgements with a header, or as TREC has them under any name."""
    known = tuple(ending for ending in READERS if not ending.startswith(".tsv"))
    if path.is_file() and not path.name.endswith(known) and is_trec_qrels(path):
        return read_trec_qrels(path)
    return read_rows(path, argument)


def _find(root: FilePath, stem: str, *, shards: bool = False) -> FilePath:
    """A file, or a folder of shards, that bears the name."""
    for ending in READERS:
        path = root / (stem + ending)
        if path.is_file() or (shards and path.is_dir()):
            return path
    if shards and (root / stem).is_dir():
        return root / stem
    there = ", ".join(sorted(path.name for path in root.iterdir())[:10]) or "nothing"
    raise SettingsError(
        f"collection: {root} has no {stem}.jsonl (nor {stem} with {', '.join(list(READERS)[1:])}"
        f"{f', nor a folder {stem} of such files' if shards else ''}); it has {there}."
    )


def _find_qrels(root: FilePath, split: str | None) -> tuple[FilePath, list[FilePath]]:
    """The qrels file of the split, and those of the others."""
    folder = root / "qrels"
    if not folder.is_dir():
        if split is None:
            return _find(root, "qrels"), []
        raise SettingsError(f"split is {split!r}, but {root} has no folder qrels; leave split out to read qrels.tsv.")
    there: list[FilePath] = sorted(folder.iterdir(), key=str)
    splits = {path.name[: -len(e)]: path for path in there for e in READERS if path.name.endswith(e)}
    wanted = split or ("train" if "train" in splits else next(iter(splits), "") if len(splits) == 1 else "")
    if wanted not in splits:
        raise SettingsError(
            f"split is {split!r}; {folder} has {', '.join(splits) or 'no qrels files'}. Name one of them with --split."
        )
    return splits.pop(wanted), list(splits.values())
