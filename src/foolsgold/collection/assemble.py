"""Documents, queries and judgements put together into a Collection, with all that must hold between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection.collection import Collection, Judgements, rows_of
from foolsgold.collection.records import JudgementRows
from foolsgold.collection.rows import BadLines, Rows
from foolsgold.errors import CollectionError


def assemble(
    corpus: pa.Table,
    queries: pa.Table,
    judgements: JudgementRows,
    *,
    names: tuple[Rows, Rows, Rows],
    bad_lines: BadLines,
    max_unknown_ratio: float,
    source: Mapping[str, str] | None,
    only_judged_queries: bool = False,
) -> Collection:
    """Join the three parts by id.

    Args:
        corpus: doc_id, title, text.
        queries: query_id, text.
        judgements: by id.
        names: the streams that the three parts were read from, for messages.
        bad_lines: what was skipped while reading them.
        max_unknown_ratio: the share of judgements that may name unknown ids.
        source: kept in the collection.
        only_judged_queries: leave out the queries that no judgement names (those of other splits).

    Raises:
        CollectionError: no documents, no queries, no positives, or too many unknown ids.
    """
    corpus_rows, query_rows, judged_rows = names
    _check_not_empty(corpus.num_rows, corpus_rows.name, "documents", bad_lines)
    _check_not_empty(queries.num_rows, query_rows.name, "queries", bad_lines)
    _check_not_empty(len(judgements.scores), judged_rows.name, "judgements", bad_lines)
    if only_judged_queries:
        kept = rows_of(queries["query_id"], pa.chunked_array([pa.array(judgements.query_ids, pa.large_string())]))
        queries = queries.filter(kept.is_valid())
    query_of = rows_of(pa.array(judgements.query_ids, pa.large_string()), queries["query_id"])
    doc_of = rows_of(pa.array(judgements.doc_ids, pa.large_string()), corpus["doc_id"])
    known = query_of.is_valid().to_numpy(zero_copy_only=False) & doc_of.is_valid().to_numpy(zero_copy_only=False)
    unknown = _unknown_ids(judgements, known, judged_rows, max_unknown_ratio)
    positives, judged_negatives, n_contradictions = _split_by_score(
        query_of.fill_null(-1).to_numpy()[known].astype(np.int64),
        doc_of.fill_null(-1).to_numpy()[known].astype(np.int64),
        judgements.scores[known],
        n_queries=queries.num_rows,
        n_documents=corpus.num_rows,
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
    return Collection(corpus, queries, positives, judged_negatives, reading, source)


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
    ratio = len(unknown) / len(known)
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
        _, first = np.unique(keys[rows], return_index=True)
        rows = rows[np.sort(first)]
        return Judgements.from_pairs(query_rows[rows], doc_rows[rows], n_queries=n_queries)

    negative_rows = np.flatnonzero(~positive)[~contradicted]
    return unique(np.flatnonzero(positive)), unique(negative_rows), int(contradicted.sum())
