"""Documents, queries and judgements put together into a Collection, with all that must hold between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection.collection import NOTHING_MET, Collection, Judgements, rows_of
from foolsgold.collection.id_pairs import PairRows, read_triple_rows, rows_of_pairs, unknown_ids
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
    given: tuple[PairRows, Rows] | None = None,
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
        given: negatives that the training data has already, by rows of `corpus` and `queries`, and the stream that
            they were read from; those of queries that are left out are left out.

    Raises:
        CollectionError: no documents, no queries, no positives, or too many unknown ids.
    """
    corpus_rows, query_rows, judged_rows = names
    _check_not_empty(corpus.num_rows, corpus_rows.name, "documents", bad_lines)
    _check_not_empty(queries.num_rows, query_rows.name, "queries", bad_lines)
    _check_not_empty(len(judgements.scores), judged_rows.name, "judgements", bad_lines)
    all_queries, queries = queries, _without_other_splits(queries, judgements, other_splits)
    pairs = rows_of_pairs(judgements, corpus, queries, judged_rows)
    unknown = unknown_ids(pairs, judged_rows, max_unknown_ratio)
    of_queries = {"n_queries": queries.num_rows}
    positives, judged_negatives, n_contradictions = _split_by_score(
        *_known_rows(pairs), judgements.scores[pairs.known], n_documents=corpus.num_rows, **of_queries
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
    held_out = _held_out_positives(other_splits, corpus, queries, all_queries, judged_rows)
    given_negatives = None
    if given is not None:
        negatives = given[0] if queries is all_queries else given[0].of_queries(_new_rows(all_queries, queries))
        of_given = unknown_ids(negatives, given[1], max_unknown_ratio)
        reading |= {name: reading[name] + of_given[name] for name in of_given}
        given_negatives = _judgements(negatives, **of_queries)
    return Collection(
        corpus, queries, positives, judged_negatives, held_out, reading, source, given_negatives=given_negatives
    )


def assemble_triples(
    corpus: pa.Table,
    queries: pa.Table,
    triples: Rows,
    *,
    names: tuple[Rows, Rows],
    bad_lines: BadLines,
    max_unknown_ratio: float,
    keep_negatives: bool,
    source: Mapping[str, Any] | None,
) -> Collection:
    """Join documents and queries by triples of ids, which are read here; queries that none names are left out.

    Args:
        corpus: doc_id, title, text.
        queries: query_id, text, and answers where there are any.
        triples: of query, positive and negative.
        names: the streams that documents and queries were read from.
        bad_lines: what was skipped while reading them.
        max_unknown_ratio: the share of triples that may name unknown ids, for positives and for negatives.
        source: kept in the collection.
        keep_negatives: False leaves the negatives in the corpus, as documents like any other.

    Raises:
        CollectionError: no documents, no queries, no positives, or too many unknown ids.
    """
    _check_not_empty(corpus.num_rows, names[0].name, "documents", bad_lines)
    _check_not_empty(queries.num_rows, names[1].name, "queries", bad_lines)
    sides = read_triple_rows(triples, corpus, queries, bad_lines)[: 2 if keep_negatives else 1]
    _check_not_empty(len(sides[0].doc_rows), triples.name, "triples", bad_lines)
    found = [unknown_ids(side, triples, max_unknown_ratio) for side in sides]
    if not sides[0].known.any():
        raise CollectionError(
            f"{triples.name}: no positives: none of its queries and positives is there. "
            "Check that the three files belong together."
        )
    named = queries.take(np.unique(sides[0].query_rows[sides[0].known]))
    new_rows = _new_rows(queries, named)
    positives, *negatives = (_judgements(side.of_queries(new_rows), n_queries=named.num_rows) for side in sides)
    none = Judgements.none(named.num_rows)
    met = {"bad_lines_skipped": bad_lines.count, "bad_line_examples": bad_lines.examples}
    unknown = {name: sum((side[name] for side in found[1:]), found[0][name]) for name in found[0]}
    reading = {**NOTHING_MET, **met, **unknown}
    given = negatives[0] if negatives else None
    return Collection(corpus, named, positives, none, none, reading, source, given_negatives=given)


def _new_rows(before: pa.Table, queries: pa.Table) -> NDArray[np.int64]:
    """The rows that queries have now, -2 for those left out; and a last one for unknown ones, -1."""
    rows = rows_of(before["query_id"].combine_chunks(), queries["query_id"]).fill_null(-2).to_numpy()
    return np.append(rows.astype(np.int64), -1)


def _judgements(pairs: PairRows, *, n_queries: int) -> Judgements:
    """Each pair whose ids are known once."""
    return Judgements.from_pairs(*once_each(*_known_rows(pairs)), n_queries=n_queries)


def _known_rows(pairs: PairRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Query rows and document rows of the pairs whose ids are known."""
    known = pairs.known
    return pairs.query_rows[known].astype(np.int64), pairs.doc_rows[known].astype(np.int64)


def once_each(
    query_rows: NDArray[np.int64], doc_rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of equal (query, document) pairs the first, in their order."""
    if not len(doc_rows):
        return query_rows, doc_rows
    _, first = np.unique(query_rows * (int(doc_rows.max()) + 1) + doc_rows, return_index=True)
    first.sort()
    return query_rows[first], doc_rows[first]


def _without_other_splits(queries: pa.Table, split: JudgementRows, others: Sequence[JudgementRows]) -> pa.Table:
    """Leave out the queries that only other splits name."""
    named, elsewhere = set(split.query_ids), {query_id for other in others for query_id in other.query_ids}
    if not elsewhere - named:
        return queries
    return queries.filter(pa.array([i in named or i not in elsewhere for i in queries["query_id"].to_pylist()]))


def _held_out_positives(
    splits: Sequence[JudgementRows], corpus: pa.Table, queries: pa.Table, all_queries: pa.Table, rows: Rows
) -> Judgements:
    """Positives in other splits of the queries, or of left-out queries with the same text."""
    if not splits:
        return Judgements.none(queries.num_rows)
    row_of_text = {key: row for row, key in enumerate(text_keys(queries["text"].to_pylist()).tolist())}
    row_of = np.array([row_of_text.get(key, -1) for key in text_keys(all_queries["text"].to_pylist()).tolist()])
    parts = []
    for judgements in splits:
        pairs = rows_of_pairs(judgements, corpus, all_queries, rows)
        kept = pairs.known & (judgements.scores > 0) & (row_of[pairs.query_rows] >= 0)
        parts.append((row_of[pairs.query_rows[kept]], pairs.doc_rows[kept]))
    query_rows, doc_rows = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Judgements.from_pairs(query_rows, doc_rows, n_queries=queries.num_rows)


def _check_not_empty(count: int, name: str, what: str, bad_lines: BadLines) -> None:
    if not count:
        raise CollectionError(f"{name}: no {what}{bad_lines.hint()}. Give a file with at least one.")


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
