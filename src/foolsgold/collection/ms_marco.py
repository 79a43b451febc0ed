"""MS MARCO's tab-separated files, which have no header: collection, queries, qrels, and triples of texts or of ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from foolsgold.collection.assemble import assemble, assemble_triples
from foolsgold.collection.builder import Example, Passage
from foolsgold.collection.collection import Collection
from foolsgold.collection.delimited import read_headerless_tsv
from foolsgold.collection.fields import Problem, checked_text
from foolsgold.collection.records import JudgementRows, read_documents, read_judgements, read_queries
from foolsgold.collection.rows import BadLines, Rows
from foolsgold.collection.trec_qrels import read_trec_qrels
from foolsgold.errors import SettingsError

_DOCUMENT = (("_id", "text"), ("_id", "text", "title"))
_QUERY = (("_id", "text"),)
_TRIPLE = (("query", "positive", "negative"),)
_ENDINGS = (".tsv", ".tsv.gz")

Options = Mapping[str, Any]


def read_passages(path: Path) -> Rows:
    """Read `collection.tsv`: pid, passage and, as ColBERT has it, optionally a title."""
    return read_headerless_tsv(path, _DOCUMENT)


def read_triples(path: Path) -> Rows:
    """Read triples of texts: query, positive, negative."""
    return read_headerless_tsv(path, _TRIPLE)


def parse_triple(record: Mapping[str, Any]) -> Example:
    """One line.

    Raises:
        Problem: a text that is empty, or ids in place of texts.
    """
    if all(map(_looks_like_id, record.values())):
        raise Problem("a triple of ids, not of texts: it needs the queries and the corpus (queries=, corpus=).")
    query, positive, negative = (checked_text(text, f"the {name}") for name, text in record.items())
    return Example(query, [Passage(positive)], [Passage(negative)])


def _looks_like_id(text: str) -> bool:
    """A digit and no space; what is not ASCII may be a text in a script without spaces."""
    return text.isascii() and any(map(str.isdigit, text)) and not any(map(str.isspace, text))


def read_id_triples(
    triples: Path, queries: Path, corpus: Rows, *, bad_lines: BadLines, max_unknown_ratio: float,
    keep_negatives: bool, source: Options, show_progress: bool = False,
) -> Collection:  # fmt: skip
    """A collection of triples `qid⇥pid of the positive⇥pid of the negative`, with the texts in other files.

    Queries that no triple names are left out, as in `read_ms_marco_folder`.
    """
    query_rows = read_headerless_tsv(queries, _QUERY)
    return assemble_triples(
        read_documents(corpus, bad_lines),
        read_queries(query_rows, bad_lines),
        replace(read_triples(triples), show_progress=show_progress),
        names=(corpus, query_rows),
        bad_lines=bad_lines,
        max_unknown_ratio=max_unknown_ratio,
        keep_negatives=keep_negatives,
        source=source,
    )


def read_ms_marco_folder(
    root: Path, split: str | None, *, bad_lines: BadLines, max_unknown_ratio: float, source: Options
) -> Collection:
    """A collection of `collection.tsv`, `queries.SPLIT.tsv` and `qrels.SPLIT.tsv`.

    Queries without a judgement are left out. Queries may also be called `queries.tsv`, and qrels,
    where no split is named, `qrels.tsv`.

    Raises:
        SettingsError: a file that is not there, or several splits of which none is named.
    """
    unnamed = () if split else ("qrels",)
    split = split or _only_split(root)
    corpus = read_passages(_file(root, "collection"))
    queries = read_headerless_tsv(_file(root, f"queries.{split}", "queries"), _QUERY)
    qrels = read_trec_qrels(_file(root, f"qrels.{split}", *unnamed))
    judgements = read_judgements(qrels, bad_lines)
    return assemble(
        read_documents(corpus, bad_lines),
        _judged(read_queries(queries, bad_lines), judgements),
        judgements,
        names=(corpus, queries, qrels),
        bad_lines=bad_lines,
        max_unknown_ratio=max_unknown_ratio,
        source=source,
    )


def _judged(queries: pa.Table, judgements: JudgementRows) -> pa.Table:
    """The queries that judgements name: of MS MARCO's, hundreds of thousands have none.

    Where they name none of them all are left, and their ids are unknown.
    """
    named = pc.is_in(queries["query_id"], pa.array(judgements.query_ids, pa.large_string()))
    return queries.filter(named) if pc.any(named).as_py() else queries


def _only_split(root: Path) -> str:
    names = [path.name for path in sorted(root.iterdir())]
    splits = [_without_ending(name)[6:] for name in names if name.startswith("qrels.") and name.endswith(_ENDINGS)]
    splits = [split for split in splits if split]
    if "train" in splits or not splits:
        return "train"
    if len(splits) > 1:
        raise SettingsError(f"split is not given; {root} has qrels of {', '.join(splits)}. Name one of them (--split).")
    return splits[0]


def _without_ending(name: str) -> str:
    return name.removesuffix(".gz").removesuffix(".tsv")


def _file(root: Path, *stems: str) -> Path:
    """The first that is there."""
    for stem in stems:
        for ending in _ENDINGS:
            if (root / (stem + ending)).is_file():
                return root / (stem + ending)
    there = ", ".join(sorted(path.name for path in root.iterdir())[:10]) or "nothing"
    raise SettingsError(f"{root} has no {' or '.join(f'{stem}.tsv' for stem in stems)}; it has {there}.")
