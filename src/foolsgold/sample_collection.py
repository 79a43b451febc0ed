"""A sample collection made from the documentation of Python's own standard library: no download, several thousand."""

from __future__ import annotations

import ast
import json
import os
import re
import sysconfig
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from foolsgold.errors import CollectionError, OutputError, SettingsError

_LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "turtledemo", "ensurepip"}
_FILES = ("corpus.jsonl", "queries.jsonl", "qrels.tsv")
_END_OF_SUMMARY = re.compile(r"\n\s*\n|(?<=[.!?])\s+")
_MIN_SUMMARY_WORDS = 3
_MIN_REST_CHARACTERS = 20


class _Documented(NamedTuple):
    """A documented module, class or function: its dotted name, summary sentence, and the rest of its docstring."""

    name: str
    summary: str
    rest: str


def write_sample_collection(folder: str | Path) -> int:
    """Write a collection in BEIR layout: a docstring's summary sentence is the query, the rest the document.

    Equal summaries become one query with several positives. Source files are parsed, never run.

    Args:
        folder: new, empty, or one that this function wrote.

    Returns:
        The number of documents.

    Raises:
        SettingsError: the folder holds something else.
        CollectionError: this Python comes without the sources of its standard library.
        OutputError: the files could not be written.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or set(os.listdir(target)) - set(_FILES)):
        raise SettingsError(f"{target} holds something else. Give a new or empty folder.")
    documented = list(_documented(Path(sysconfig.get_path("stdlib"))))
    if not documented:
        raise CollectionError("this Python comes without the sources of its standard library, so there is no sample.")
    queries: dict[str, str] = {}
    corpus, judgements = [], ["query-id\tcorpus-id\tscore"]
    for number, item in enumerate(documented):
        query_id = queries.setdefault(item.summary, f"q{len(queries)}")
        corpus.append({"_id": f"d{number}", "title": item.name, "text": item.rest})
        judgements.append(f"{query_id}\td{number}\t1")
    query_rows = [{"_id": query_id, "text": text} for text, query_id in queries.items()]
    contents = (_jsonl(corpus), _jsonl(query_rows), "\n".join(judgements) + "\n")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name, content in zip(_FILES, contents, strict=True):
            _write(target / name, content)
    except OSError as error:
        raise OutputError(f"{target} cannot be written to ({error.strerror or error}).") from error
    return len(corpus)


def _write(path: Path, content: str) -> None:
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with staged.open("w", encoding="utf-8", newline="\n") as file:
            file.write(content)
        os.replace(staged, path)
    finally:
        with suppress(OSError):
            staged.unlink(missing_ok=True)


def _documented(root: Path) -> Iterator[_Documented]:
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if _LEFT_OUT.intersection(parts) or parts[0].startswith("config-"):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # old escapes in old files
                tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue
        yield from _of_node(tree, ".".join(parts).removesuffix(".__init__"))


def _of_node(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, name: str
) -> Iterator[_Documented]:
    summary, rest = _split(ast.get_docstring(node) or "")
    if len(summary.split()) >= _MIN_SUMMARY_WORDS and len(rest) >= _MIN_REST_CHARACTERS:
        yield _Documented(name, summary, rest)
    for child in node.body:
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _of_node(child, f"{name}.{child.name}")


def _split(docstring: str) -> tuple[str, str]:
    end = _END_OF_SUMMARY.search(docstring)
    if end is None:
        return docstring, ""
    return " ".join(docstring[: end.start()].split()), docstring[end.end() :].strip()


def _jsonl(rows: list[dict[str, str]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
