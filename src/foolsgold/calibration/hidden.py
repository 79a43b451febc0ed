"""Positives hidden on purpose: what is known to be relevant, shown to the pipeline as if it were not known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection, Judgements
from foolsgold.filters import Relevance
from foolsgold.sample.seeds import generator_of
from foolsgold.search import Candidates

_MOST_QUERIES = 2_000


@dataclass(frozen=True, eq=False)
class HiddenPositives:
    """Queries with two or more positives, of which all but one are hidden.

    Attributes:
        collection: those queries alone, each with its one visible positive; the corpus is the whole.
        query_rows: shape (H,), their rows in the whole collection.
        truth_collection: the whole collection.
    """

    collection: Collection
    query_rows: NDArray[np.int64]
    truth_collection: Collection

    def of(self, block: Candidates) -> Candidates | None:
        """The candidates of those queries of a block that are here, each with its visible positive alone."""
        rows = np.searchsorted(self.query_rows, block.query_rows)
        here = np.flatnonzero(self.query_rows[np.minimum(rows, len(self.query_rows) - 1)] == block.query_rows)
        if not len(here):
            return None
        visible = self.collection.positives.doc_rows[rows[here]]  # one each
        offsets = block.positive_offsets
        places = [
            int(offsets[query] + np.argmax(block.positive_rows[offsets[query] : offsets[query + 1]] == doc))
            for query, doc in zip(here.tolist(), visible.tolist(), strict=True)
        ]
        return replace(
            block,
            query_rows=rows[here],
            doc_rows=block.doc_rows[here],
            scores=block.scores[here],
            positive_offsets=np.arange(len(here) + 1),
            positive_rows=visible,
            positive_scores=block.positive_scores[places],
            sources=block.sources[here],
            estimates=None,
            given=None if block.given is None else block.given.of_queries(here),
        )

    def were_hidden(self, query_rows: NDArray[np.int64], doc_rows: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which documents are positives that were hidden, by id or by text, in the shape of both.

        Args:
            query_rows: rows of `collection`.
            doc_rows: -1 is no document.
        """
        in_truth = self.truth.known(self.query_rows[query_rows], doc_rows)
        return in_truth & ~self._visible.known(query_rows, doc_rows) & (doc_rows >= 0)

    @cached_property
    def n_hidden(self) -> NDArray[np.int64]:
        """Hidden positives that say different things, shape (H,)."""
        known = [len(self.truth.positive_keys(row)) for row in self.query_rows.tolist()]
        visible = [len(self._visible.positive_keys(row)) for row in range(len(self.query_rows))]
        return np.array(known, np.int64) - np.array(visible, np.int64)

    @cached_property
    def truth(self) -> Relevance:
        """What is known of all queries."""
        return Relevance(self.truth_collection)

    @cached_property
    def _visible(self) -> Relevance:
        return Relevance(self.collection)


def hide_positives(collection: Collection, *, seed: int) -> HiddenPositives | None:
    """Hide all positives but one of up to 2,000 queries; None where no query has two that differ.

    Which queries, and which positive stays, depends on the seed and the query's id alone.
    """
    several = np.flatnonzero(_distinct_positives(collection) >= 2)
    if not len(several):
        return None
    ids = collection.query_ids.take(several).to_pylist()
    draws = [generator_of(seed, query_id, "hidden") for query_id in ids]
    order = np.argsort([draw.random() for draw in draws], kind="stable")[:_MOST_QUERIES]
    chosen = np.sort(order)
    query_rows = several[chosen]
    visible = [draws[place].choice(collection.positives.of(int(several[place]))) for place in chosen.tolist()]
    positives = Judgements.from_pairs(
        np.arange(len(query_rows)), np.array(visible, np.int64), n_queries=len(query_rows)
    )
    return HiddenPositives(collection.with_queries(query_rows, positives), query_rows, collection)


def _distinct_positives(collection: Collection) -> NDArray[np.int64]:
    """Positives of each query that say different things, shape (Q,)."""
    positives = collection.positives
    pairs = np.unique(positives.query_rows * collection.n_documents + collection.document_keys[positives.doc_rows])
    return np.bincount(pairs // collection.n_documents, minlength=collection.n_queries)


def blocks_of(hidden: HiddenPositives, blocks: Iterator[Candidates]) -> Iterator[Candidates]:
    """The candidates of the queries whose positives are hidden."""
    for block in blocks:
        found = hidden.of(block)
        if found is not None:
            yield found
