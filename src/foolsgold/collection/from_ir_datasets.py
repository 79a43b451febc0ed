"""Collections of ir_datasets, by their ids, such as `ir_datasets:beir/scifact/train` (SIGIR 2021, arXiv 2103.02280)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from foolsgold.collection.assemble import assemble, assemble_triples
from foolsgold.collection.collection import Collection
from foolsgold.collection.id_pairs import read_triple_rows
from foolsgold.collection.records import read_documents, read_judgements, read_queries
from foolsgold.collection.rows import BadLines, Rows
from foolsgold.errors import CollectionError, MissingExtraError, SettingsError
from foolsgold.settings import OnBadLine

PREFIX = "ir_datasets:"


def read_ir_dataset(
    name: str,
    *,
    keep_negatives: bool = True,
    on_bad_line: OnBadLine = "error",
    max_unknown_ratio: float = 0.1,
    show_progress: bool = False,
) -> Collection:
    """Documents, queries and qrels of a dataset; where it has triples, their negatives are given ones.

    Without qrels the positives are those of the triples, and queries that no triple names are left out.

    Args:
        name: `ir_datasets:ID`; what it takes is downloaded by the library where it is not there yet.
        keep_negatives: False takes the negatives of triples for documents like any other.
        on_bad_line: as in `read_files`.
        max_unknown_ratio: as in `read_files`.
        show_progress: as in `read_files`.

    Raises:
        CollectionError: a part that the library cannot download or read, or records that do not go together.
        SettingsError: no such dataset, or one without documents, queries, or any judgements.
        MissingExtraError: the package ir_datasets is not installed.
    """
    dataset = _load(name)
    bad_lines = BadLines(on_bad_line)

    def rows(what: str, record_of: Callable[[Any], Mapping[str, Any]]) -> Rows:
        records = enumerate(_records(dataset, name, what, record_of), start=1)
        return Rows(f"{name} {what}", lambda number: f"{name}, {what} {number}", records, show_progress)

    corpus, queries, triples = rows("docs", _document), rows("queries", _query), rows("docpairs", _triple)
    documents, asked = read_documents(corpus, bad_lines), read_queries(queries, bad_lines)
    options: dict[str, Any] = {"on_bad_line": on_bad_line, "max_unknown_ratio": max_unknown_ratio}
    shared: dict[str, Any] = {
        "bad_lines": bad_lines,
        "max_unknown_ratio": max_unknown_ratio,
        "source": {"folder": name, **options, **({} if keep_negatives else {"given_negatives": False})},
    }
    if not dataset.has_qrels():
        names = (corpus, queries)
        return assemble_triples(documents, asked, triples, names=names, keep_negatives=keep_negatives, **shared)
    qrels = rows("qrels", _judgement)
    judgements, given = read_judgements(qrels, bad_lines), None
    if keep_negatives and dataset.has_docpairs():
        given = read_triple_rows(triples, documents, asked, bad_lines)[1], triples
    return assemble(documents, asked, judgements, names=(corpus, queries, qrels), given=given, **shared)


def _records(
    dataset: Any, name: str, what: str, record_of: Callable[[Any], Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    """Records of a part of a dataset.

    Raises:
        CollectionError: whatever the library raises while it downloads, unpacks and reads it.
    """
    try:
        yield from map(record_of, getattr(dataset, f"{what}_iter")())
    except Exception as error:  # of the network, the disk, the formats: the library raises what it meets
        raise CollectionError(
            f"{name}: ir_datasets cannot read its {what} ({type(error).__name__}: {str(error)[:500] or 'no message'}). "
            "Check the network and the room on the disk; what needs a licence must be put where "
            f"https://ir-datasets.com/{name.removeprefix(PREFIX).partition('/')[0]}.html says."
        ) from error


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


def _document(doc: Any) -> dict[str, Any]:
    """A title and a text where it has these, else what the library takes for its text."""
    if hasattr(doc, "text"):
        return {"_id": doc.doc_id, "title": getattr(doc, "title", "") or "", "text": doc.text}
    return {"_id": doc.doc_id, "text": doc.default_text()}


def _query(query: Any) -> dict[str, Any]:
    return {"_id": query.query_id, "text": query.default_text()}


def _judgement(judged: Any) -> dict[str, Any]:
    return {"query_id": judged.query_id, "doc_id": judged.doc_id, "score": judged.relevance}


def _triple(pair: Any) -> dict[str, Any]:
    return {"query_id": pair.query_id, "doc_id_a": pair.doc_id_a, "doc_id_b": pair.doc_id_b}
