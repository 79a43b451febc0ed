"""The files of a training-data folder, under the names by which RAGatouille's trainer finds them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foolsgold.errors import SettingsError
from foolsgold.export.colbert_files import write_lines
from foolsgold.output import OutputFolder
from foolsgold.training_data.examples import Examples
from foolsgold.training_data.scores import Scores

QUERIES_FILE, CORPUS_FILE = "queries.train.colbert.tsv", "corpus.train.colbert.tsv"
TRIPLES_FILE, N_WAY_FILE = "triples.train.colbert.jsonl", "nway.train.colbert.jsonl"
_FILES = (QUERIES_FILE, CORPUS_FILE, TRIPLES_FILE, N_WAY_FILE)
_ROWS_AT_ONCE = 65_536


def check_data_folder(path: Path) -> None:
    """Refuse what is no folder; one that holds other things keeps them.

    Raises:
        SettingsError: it is a file, or holds a folder by the name of one of the files.
    """
    if path.exists() and not path.is_dir():
        raise SettingsError(f"data_out_path: {path} is a file. Give the path of a folder.")
    for name in _FILES:
        if (path / name).is_dir():
            raise SettingsError(f"data_out_path: {path / name} is a folder. Give another folder for the files.")


def write_examples(folder: OutputFolder, examples: Examples, triples: NDArray[np.int32]) -> None:
    """Write queries, passages and triples."""
    write_lines(_path(folder, QUERIES_FILE), examples.qids)
    write_lines(_path(folder, CORPUS_FILE), examples.pids)
    with _path(folder, TRIPLES_FILE).open("w", encoding="utf-8", newline="\n") as file:
        for start in range(0, len(triples), _ROWS_AT_ONCE):
            file.writelines(f"{json.dumps(row)}\n" for row in triples[start : start + _ROWS_AT_ONCE].tolist())


def write_n_way(folder: OutputFolder, rows: Iterable[tuple[int, list[int]]], scores: Scores) -> None:
    """Write `[qid, [pid, score], …]`, a line each."""
    with _path(folder, N_WAY_FILE).open("w", encoding="utf-8", newline="\n") as file:
        for qid, pids in rows:
            file.write(json.dumps([qid, *([pid, scores[qid, pid]] for pid in pids)]) + "\n")


def publish(folder: OutputFolder, *, with_n_way: bool) -> None:
    """Move the files into place; the n-way file of an earlier run, whose numbers are others, goes."""
    folder.publish(obsolete=() if with_n_way else (N_WAY_FILE,))


def _path(folder: OutputFolder, name: str) -> Path:
    path = folder.file(name)
    assert path is not None, "the folder is always one on disk"
    return path
