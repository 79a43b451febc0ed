"""Documents, queries and judgements put together into a Collection, with all that must hold between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection.collection import Collection, Judgements, rows_of
from foolsgold.collection.records import JudgementRows
from foolsgold.collection.rows import BadLines, Rows
from foolsgold.collection.text import text_keys
from foolsgold.errors import CollectionError


def assemble(
    corpus: pa.Table,
    queries: pa.Table,
    judgements: JudgementRows,
    *,
    names: tuple[Rows, Rows, Rows],
    bad_lines: BadLines,
    max_unknown_ratio: float,
    source: Mapping[str, Any] | None,
    other_splits: Sequence[JudgementRows] = (),
    given: tuple[JudgementRows, Rows] | None = None,
) -> Collection:
    """Join the three parts by id.

    Args:
        corpus: doc_id, title, text.
        queries: query_id, text, and answers where there are any.
        judgements: by id.
        names: the streams that the three parts were read from, for messages.
        bad_lines: what was skipped while reading them.
        max_unknown_ratio: the share of judgements that may name unknown ids.
        source: kept in the collection.
        other_splits: judgements of other splits; queries that only they name are left out.
        given: negatives that the training data has already, and the stream that they were read from.

    Raises:
        CollectionError: no documents, no queries, no positives, or too many unknown ids.
    """
    corpus_rows, query_rows, judged_rows = names
    _check_not_empty(corpus.num_rows, corpus_rows.name, "documents", bad_lines)
    _check_not_empty(queries.num_rows, query_rows.name, "queries", bad_lines)
    _check_not_empty(len(judgements.scores), judged_rows.name, "judgements", bad_lines)
    all_queries, queries = queries, _without_other_splits(queries, judgements, other_splits)
    query_of, doc_of, known = _rows_of_judgements(judgements, corpus, queries)
    unknown = _unknown_ids(judgements, known, judged_rows, max_unknown_ratio)
    of_queries = {"n_queries": queries.num_rows}
    positives, judged_negatives, n_contradictions = _split_by_score(
        query_of[known], doc_of[known], judgements.scores[known], n_documents=corpus.num_rows, **of_queries
    )
    if not len(positives.doc_rows):
        raise CollectionError(
            f"{judged_rows.name}: no positives: none of its {len(judgements.scores):,} judgements has a score above 0. "
            "A positive is a line with a score of 1 or more."
        )
    reading = {
        "bad_lines_skipped": bad_lines.count,
        "bad_line_examples": bad_lines.examples,
        **unknown,
        "contradicting_judgements": n_contradictions,
    }
    held_out = _held_out_positives(other_splits, corpus, queries, all_queries)
    given_negatives = None
    if given is not None:
        query_of, doc_of, known = _rows_of_judgements(given[0], corpus, queries)
        of_given = _unknown_ids(given[0], known, given[1], max_unknown_ratio)
        reading |= {name: reading[name] + of_given[name] for name in of_given}
        given_negatives = Judgements.from_pairs(*once_each(query_of[known], doc_of[known]), **of_queries)
    return Collection(
        corpus, queries, positives, judged_negatives, held_out, reading, source, given_negatives=given_negatives
    )


def once_each(
    query_rows: NDArray[np.int64], doc_rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of equal (query, document) pairs the first, in their order."""
    if not len(doc_rows):
        return query_rows, doc_rows
    _, first = np.unique(query_rows * (int(doc_rows.max()) + 1) + doc_rows, return_index=True)
    first.sort()
    return query_rows[first], doc_rows[first]


def _rows_of_judgements(
    judgements: JudgementRows, corpus: pa.Table, queries: pa.Table
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Query rows and document rows, -1 where the id is unknown; and which have both."""
    query_of = rows_of(pa.array(judgements.query_ids, pa.large_string()), queries["query_id"])
    doc_of = rows_of(pa.array(judgements.doc_ids, pa.large_string()), corpus["doc_id"])
    query_rows, doc_rows = (ids.fill_null(-1).to_numpy().astype(np.int64) for ids in (query_of, doc_of))
    return query_rows, doc_rows, (query_rows >= 0) & (doc_rows >= 0)


def _without_other_splits(queries: pa.Table, split: JudgementRows, others: Sequence[JudgementRows]) -> pa.Table:
    """Leave out the queries that only other splits name."""
    named, elsewhere = set(split.query_ids), {query_id for other in others for query_id in other.query_ids}
    if not elsewhere - named:
        return queries
    return queries.filter(pa.array([i in named or i not in elsewhere for i in queries["query_id"].to_pylist()]))


def _held_out_positives(
    splits: Sequence[JudgementRows], corpus: pa.Table, queries: pa.Table, all_queries: pa.Table
) -> Judgements:
    """Positives in other splits of the queries, or of left-out queries with the same text."""
    if not splits:
        return Judgements.none(queries.num_rows)
    row_of_text = {key: row for row, key in enumerate(text_keys(queries["text"].to_pylist()).tolist())}
    row_of = np.array([row_of_text.get(key, -1) for key in text_keys(all_queries["text"].to_pylist()).tolist()])
    parts = []
    for judgements in splits:
        query_of, doc_of, known = _rows_of_judgements(judgements, corpus, all_queries)
        kept = known & (judgements.scores > 0) & (row_of[query_of] >= 0)
        parts.append((row_of[query_of[kept]], doc_of[kept]))
    query_rows, doc_rows = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Judgements.from_pairs(query_rows, doc_rows, n_queries=queries.num_rows)


def _check_not_empty(count: int, name: str, what: str, bad_lines: BadLines) -> None:
    if not count:
        raise CollectionError(f"{name}: no {what}{bad_lines.hint()}. Give a file with at least one.")


def _unknown_ids(
    judgements: JudgementRows, known: NDArray[np.bool_], rows: Rows, max_unknown_ratio: float
) -> dict[str, Any]:
    unknown = np.flatnonzero(~known)
    examples = [
        f'{rows.place(int(judgements.numbers[i]))}: query "{judgements.query_ids[i]}", '
        f'document "{judgements.doc_ids[i]}"'
        for i in unknown[:3]
    ]
    ratio = len(unknown) / max(len(known), 1)
    if ratio > max_unknown_ratio:
        raise CollectionError(
            f"{rows.name}: {len(unknown):,} of {len(known):,} judgements ({ratio:.0%}) name a query or document "
            f"that is not there, such as {'; '.join(examples)}. Check that the three files belong together, or pass "
            f"--max-unknown-ratio {min(1.0, np.ceil(ratio * 100) / 100):g} to leave those judgements out."
        )
    return {"unknown_ids": len(unknown), "unknown_id_examples": examples}


def _split_by_score(
    query_rows: NDArray[np.int64],
    doc_rows: NDArray[np.int64],
    scores: NDArray[np.float64],
    *,
    n_queries: int,
    n_documents: int,
) -> tuple[Judgements, Judgements, int]:
    """Positives and judged negatives; a pair judged both ways is a positive, and counted."""
    keys = query_rows * n_documents + doc_rows
    positive = scores > 0
    contradicted = np.isin(keys[~positive], keys[positive])

    def unique(rows: NDArray[np.int64]) -> Judgements:
        return Judgements.from_pairs(*once_each(query_rows[rows], doc_rows[rows]), n_queries=n_queries)

    negative_rows = np.flatnonzero(~positive)[~contradicted]
    return unique(np.flatnonzero(positive)), unique(negative_rows), int(contradicted.sum())
