"""Collections of ir_datasets, by their ids, such as `ir_datasets:beir/scifact/train` (SIGIR 2021, arXiv 2103.02280)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from foolsgold.collection.assemble import assemble
from foolsgold.collection.collection import Collection
from foolsgold.collection.records import JudgementRows, read_documents, read_judgements, read_queries
from foolsgold.collection.rows import BadLines, Rows
from foolsgold.errors import MissingExtraError, SettingsError
from foolsgold.settings import OnBadLine

PREFIX = "ir_datasets:"


def read_ir_dataset(
    name: str, *, on_bad_line: OnBadLine = "error", max_unknown_ratio: float = 0.1, show_progress: bool = False
) -> Collection:
    """Documents, queries and qrels of a dataset; where it has triples but no qrels, positives and given negatives.

    Args:
        name: `ir_datasets:ID`; what it takes is downloaded by the library where it is not there yet.
        on_bad_line: as in `read_files`.
        max_unknown_ratio: as in `read_files`.
        show_progress: as in `read_files`.

    Raises:
        SettingsError: no such dataset, or one without documents, queries, or any judgements.
        MissingExtraError: the package ir_datasets is not installed.
    """
    dataset = _load(name)
    bad_lines = BadLines(on_bad_line)

    def rows(what: str, records: Iterable[Mapping[str, Any]]) -> Rows:
        return Rows(f"{name} {what}", lambda n: f"{name}, {what} {n}", enumerate(records, start=1), show_progress)

    corpus, queries = (
        rows("docs", map(_document, dataset.docs_iter())),
        rows("queries", map(_query, dataset.queries_iter())),
    )
    judgements, judged, given = _judgements(dataset, rows, bad_lines)
    return assemble(
        read_documents(corpus, bad_lines),
        read_queries(queries, bad_lines),
        judgements,
        names=(corpus, queries, judged),
        bad_lines=bad_lines,
        max_unknown_ratio=max_unknown_ratio,
        source={"folder": name, "on_bad_line": on_bad_line, "max_unknown_ratio": max_unknown_ratio},
        given=given,
    )


def _load(name: str) -> Any:
    try:
        import ir_datasets
    except ImportError as error:
        raise MissingExtraError(
            f'{name} needs the extra `ir-datasets`. Install it: pip install "foolsgold[ir-datasets]"'
        ) from error
    try:
        dataset = ir_datasets.load(name.removeprefix(PREFIX))
    except KeyError as error:
        raise SettingsError(
            f"collection: ir_datasets knows no {name.removeprefix(PREFIX)!r}. See ir-datasets.com."
        ) from error
    has = {"documents": dataset.has_docs(), "queries": dataset.has_queries(),
           "judgements": dataset.has_qrels() or dataset.has_docpairs()}  # fmt: skip
    if missing := [what for what, there in has.items() if not there]:
        raise SettingsError(
            f"collection: {name} has no {' and no '.join(missing)}. Take the id of a part of it, such as NAME/train."
        )
    return dataset


def _judgements(
    dataset: Any, rows: Callable[[str, Iterable[Mapping[str, Any]]], Rows], bad_lines: BadLines
) -> tuple[JudgementRows, Rows, tuple[JudgementRows, Rows] | None]:
    """Judgements, the stream that they were read from, and given negatives."""
    if dataset.has_qrels():
        judged = rows(
            "qrels", ({"query_id": q.query_id, "doc_id": q.doc_id, "score": q.relevance} for q in dataset.qrels_iter())
        )
        return read_judgements(judged, bad_lines), judged, None
    pairs = list(dataset.docpairs_iter())
    numbers = np.arange(1, len(pairs) + 1)
    query_ids = [pair.query_id for pair in pairs]
    positives = JudgementRows(query_ids, [pair.doc_id_a for pair in pairs], np.ones(len(pairs)), numbers)
    negatives = JudgementRows(query_ids, [pair.doc_id_b for pair in pairs], np.zeros(len(pairs)), numbers)
    judged = rows("docpairs", ())
    return positives, judged, (negatives, judged)


def _document(doc: Any) -> dict[str, Any]:
    """A title and a text where it has these, else what the library takes for its text."""
    if hasattr(doc, "text"):
        return {"_id": doc.doc_id, "title": getattr(doc, "title", "") or "", "text": doc.text}
    return {"_id": doc.doc_id, "text": doc.default_text()}


def _query(query: Any) -> dict[str, Any]:
    return {"_id": query.query_id, "text": query.default_text()}
