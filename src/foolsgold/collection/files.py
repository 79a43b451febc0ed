"""A collection from files: a BEIR folder, or corpus, queries and qrels one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

from foolsgold.collection.assemble import assemble
from foolsgold.collection.collection import Collection
from foolsgold.collection.delimited import read_csv, read_tsv
from foolsgold.collection.id_pairs import rows_of_pairs
from foolsgold.collection.jsonl import read_jsonl
from foolsgold.collection.parquet import read_parquet
from foolsgold.collection.records import read_documents, read_judgements, read_pair_ids, read_queries
from foolsgold.collection.rows import BadLines, Rows
from foolsgold.collection.trec_qrels import is_trec_qrels, read_trec_qrels
from foolsgold.errors import CollectionError, SettingsError
from foolsgold.settings import OnBadLine

READERS: dict[str, Callable[[Path], Rows]] = {
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

    Each may be `.jsonl`, `.parquet`, `.csv` or `.tsv`, the text formats also with `.gz`.

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
    paths = {"corpus": Path(corpus), "queries": Path(queries), "qrels": Path(qrels)}
    source = {name: str(path.resolve()) for name, path in paths.items()}
    return _read(paths, [], on_bad_line, max_unknown_ratio, source, show_progress=show_progress)


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
        folder: holds `corpus.jsonl` and `queries.jsonl`, or the same names with another known ending; and optionally
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
    root = Path(folder)
    if not root.is_dir():
        what = "is a file" if root.exists() else "does not exist"
        raise SettingsError(
            f"collection: the folder {root} {what}. Give a folder with corpus.jsonl, queries.jsonl and qrels.tsv; "
            "training data is read by read_training_data (--pairs)."
        )
    qrels, others = _find_qrels(root, split)
    paths = {"corpus": _find(root, "corpus"), "queries": _find(root, "queries"), "qrels": qrels}
    source = {"folder": str(root.resolve()), **({"split": split} if split else {})}
    given = next((path for ending in READERS if (path := root / (GIVEN_FILE + ending)).is_file()), None)
    return _read(paths, others, on_bad_line, max_unknown_ratio, source, show_progress=show_progress, given=given)


def read_rows(path: Path, argument: str) -> Rows:
    """The rows of a file of any known type.

    Raises:
        SettingsError: the file is not there, or its type is unknown.
    """
    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise SettingsError(f"{argument}: {path} {what}. Give the path of a file ({', '.join(READERS)}).")
    for ending, reader in READERS.items():
        if path.name.endswith(ending):
            return reader(path)
    raise SettingsError(f"{argument}: {path} has an unknown ending; it takes one of {', '.join(READERS)}.")


def _read(
    paths: dict[str, Path],
    other_splits: list[Path],
    on_bad_line: OnBadLine,
    max_unknown_ratio: float,
    source: dict[str, str],
    *,
    show_progress: bool,
    given: Path | None = None,
) -> Collection:
    if on_bad_line not in get_args(OnBadLine):
        raise SettingsError(f"on_bad_line is {on_bad_line!r}; it takes 'error' or 'skip'.")
    bad_lines = BadLines(on_bad_line)
    try:
        corpus, queries, qrels = (
            replace((_read_qrels if name == "qrels" else read_rows)(path, name), show_progress=show_progress)
            for name, path in paths.items()
        )
        documents, asked = read_documents(corpus, bad_lines), read_queries(queries, bad_lines)
        negatives = None
        if given is not None:
            given_rows = read_rows(given, GIVEN_FILE)
            pairs = read_pair_ids(given_rows, bad_lines)
            negatives = rows_of_pairs(pairs, documents, asked, given_rows), given_rows
        return assemble(
            documents,
            asked,
            read_judgements(qrels, bad_lines),
            names=(corpus, queries, qrels),
            bad_lines=bad_lines,
            max_unknown_ratio=max_unknown_ratio,
            source={**source, "on_bad_line": on_bad_line, "max_unknown_ratio": max_unknown_ratio},
            other_splits=[read_judgements(_read_qrels(path, "qrels"), bad_lines) for path in other_splits],
            given=negatives,
        )
    except OSError as error:
        raise CollectionError(f"{error.filename or paths['corpus']}: {error.strerror or error}.") from error


def _read_qrels(path: Path, argument: str) -> Rows:
    """Judgements with a header, or as TREC has them under any name."""
    known = tuple(ending for ending in READERS if not ending.startswith(".tsv"))
    if path.is_file() and not path.name.endswith(known) and is_trec_qrels(path):
        return read_trec_qrels(path)
    return read_rows(path, argument)


def _find(root: Path, stem: str) -> Path:
    for ending in READERS:
        if (root / (stem + ending)).is_file():
            return root / (stem + ending)
    there = ", ".join(sorted(path.name for path in root.iterdir())[:10]) or "nothing"
    raise SettingsError(
        f"collection: {root} has no {stem}.jsonl (nor {stem} with {', '.join(list(READERS)[1:])}); it has {there}."
    )


def _find_qrels(root: Path, split: str | None) -> tuple[Path, list[Path]]:
    """The qrels file of the split, and those of the others."""
    folder = root / "qrels"
    if not folder.is_dir():
        if split is None:
            return _find(root, "qrels"), []
        raise SettingsError(f"split is {split!r}, but {root} has no folder qrels; leave split out to read qrels.tsv.")
    splits = {path.name[: -len(e)]: path for path in sorted(folder.iterdir()) for e in READERS if path.name.endswith(e)}
    wanted = split or ("train" if "train" in splits else next(iter(splits), "") if len(splits) == 1 else "")
    if wanted not in splits:
        raise SettingsError(
            f"split is {split!r}; {folder} has {', '.join(splits) or 'no qrels files'}. Name one of them with --split."
        )
    return splits.pop(wanted), list(splits.values())
