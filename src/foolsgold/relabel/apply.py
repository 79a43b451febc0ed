"""A collection after relabelling, and its candidates with the positives that it now has.

Relabelling false negatives as positives trains better retrievers than removing them (RLHN, arXiv 2505.16967).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection, Judgements
from foolsgold.relabel.decisions import DROP, NEGATIVE, POSITIVE, Decisions
from foolsgold.search import Candidates


def relabelled(collection: Collection, decisions: Decisions) -> Collection:
    """The collection as it is judged now: a decision replaces whatever was known of the pair before.

    `positive` adds a positive, after those that the query had; `negative` adds a document judged not relevant; `drop`
    sets one aside. Positives of other splits stay held out, whatever their label: training must not see them.
    """
    decisions = _without_held_out(collection, decisions)

    def revised(judged: Judgements, label: int) -> Judgements:
        before = _pairs(collection, judged)
        before = before[~np.isin(before, np.setdiff1d(decisions.pairs, decisions.labelled(label)))]
        new = np.setdiff1d(decisions.labelled(label), before)
        query_rows, doc_rows = np.divmod(np.concatenate([before, new]), collection.n_documents)
        return Judgements.from_pairs(query_rows, doc_rows, n_queries=collection.n_queries)

    return replace(
        collection,
        positives=revised(collection.positives, POSITIVE),
        judged_negatives=revised(collection.judged_negatives, NEGATIVE),
        set_aside=revised(Judgements.none(collection.n_queries), DROP),
    )


def count_overruled(collection: Collection, decisions: Decisions) -> dict[str, int]:
    """How many decisions speak against the collection's own judgements, by what those were."""
    positives, negatives = (
        _pairs(collection, judged) for judged in (collection.positives, collection.judged_negatives)
    )
    free = _without_held_out(collection, decisions)
    return {
        "overruled_positives": int(np.isin(positives, free.labelled(NEGATIVE, DROP)).sum()),
        "overruled_judged_negatives": int(np.isin(negatives, free.labelled(POSITIVE, DROP)).sum()),
        "held_out": len(decisions) - len(free),
    }


def _without_held_out(collection: Collection, decisions: Decisions) -> Decisions:
    free = ~np.isin(decisions.pairs, _pairs(collection, collection.held_out_positives))
    return replace(decisions, pairs=decisions.pairs[free], labels=decisions.labels[free])


def with_positives_of(collection: Collection, block: Candidates) -> Candidates:
    """The block with the positives that the collection has now, as far as their scores are known.

    A positive's score is that of the search, or that of the candidate it was until relabelling. One that was neither
    has no score: it stays a known positive, and gets no pair.
    """
    if collection.set_aside is None:  # not relabelled: the block has them already
        return block
    return with_positives(collection, block)


def with_positives(collection: Collection, block: Candidates) -> Candidates:
    """As `with_positives_of`, for a block of which other positives were known, whatever the collection is."""
    counts = collection.positives.counts[block.query_rows]
    doc_rows = np.concatenate([collection.positives.of(query) for query in block.query_rows.tolist()])
    known, scores = _scored_pairs(block, collection.n_documents)
    owners = np.repeat(np.arange(len(block)), counts)  # the block's query of each positive
    found, position = _position_of(owners * collection.n_documents + doc_rows, known)
    n_found = np.bincount(owners[found], minlength=len(block))
    return replace(
        block,
        positive_offsets=np.concatenate([[0], np.cumsum(n_found)]),
        positive_rows=doc_rows[found],
        positive_scores=scores[position],
    )


def with_positives_of_both(collection: Collection, again: Collection) -> Collection:
    """A collection with the positives that it has, and those that it has after relabelling: a search scores all."""
    before = _pairs(collection, collection.positives)
    pairs = np.concatenate([before, np.setdiff1d(_pairs(again, again.positives), before)])
    query_rows, doc_rows = np.divmod(pairs, collection.n_documents)
    return replace(collection, positives=Judgements.from_pairs(query_rows, doc_rows, n_queries=collection.n_queries))


def _scored_pairs(block: Candidates, n_documents: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The block's (query, document) pairs whose scores are known, and these; the search's own positives first."""
    positive_of = np.repeat(np.arange(len(block)), np.diff(block.positive_offsets))
    candidate_of, column = np.nonzero(block.doc_rows >= 0)
    pairs = [
        positive_of * n_documents + block.positive_rows,
        candidate_of * n_documents + block.doc_rows[candidate_of, column],
    ]
    return np.concatenate(pairs), np.concatenate([block.positive_scores, block.scores[candidate_of, column]])


def _position_of(wanted: NDArray[np.int64], known: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the wanted are known, and the first position of each of those."""
    values, first = np.unique(known, return_index=True)
    found = np.isin(wanted, values)
    return found, first[np.searchsorted(values, wanted[found])]


def _pairs(collection: Collection, judged: Judgements) -> NDArray[np.int64]:
    """Query row * N + document row of each judgement."""
    return judged.query_rows * collection.n_documents + judged.doc_rows
