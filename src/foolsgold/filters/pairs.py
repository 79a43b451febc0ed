"""The rows that filters see: one per (query, positive) pair, with the query's candidates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import STANDS, Collection, Judgements, PartOf
from foolsgold.filters.known_pairs import KnownPairs
from foolsgold.search import Candidates, Estimates

_GIVEN_AT_ONCE = 4_096


class GivenRows(NamedTuple):
    """The given negatives of a block's pairs, g in all; those of a pair stand together, in the order given.

    Attributes:
        pairs: shape (g,), the pair of each.
        doc_rows: shape (g,), rows in the corpus.
        scores: shape (g,), float32; NaN where it is not known.
        ranks: shape (g,); -1 where it is no candidate.
    """

    pairs: NDArray[np.int64]
    doc_rows: NDArray[np.int32]
    scores: NDArray[np.float32]
    ranks: NDArray[np.int32]


NO_GIVEN = GivenRows(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32), np.empty(0, np.int32))


@dataclass(frozen=True)
class PairBlock:
    """The candidates of a block of queries, one row per (query, positive) pair; a query without positives is one row.

    Attributes:
        first_pairs: shape (B,), the first pair of each query; pairs of a query stand together.
        query_rows: shape (P,), rows in the collection.
        positive_rows: shape (P,), rows in the corpus; -1 for a query without positives.
        positive_scores: shape (P,), float64; NaN for a query without positives, and for a positive without a score.
        doc_rows: shape (P, K), rows in the corpus; -1 where `present` is False.
        scores: shape (P, K), float64.
        present: shape (P, K), whether there is a candidate.
        known_positive: shape (P, K), whether it is a known positive of the query, by id.
        known_positive_text: shape (P, K), whether its text is that of a known positive.
        judged_negative: shape (P, K), whether it was judged not relevant.
        set_aside: shape (P, K), whether relabelling found its text neither relevant nor irrelevant.
        doc_keys: shape (P, K), equal where texts are equal; -1 where `present` is False.
        query_keys: shape (P,), comparable with doc_keys.
        sources: shape (P, K), int8: what found each, as a place in `source_names`; -1 where there is none.
        source_names: such as "dense" and "bm25+dense".
        false_negative_probabilities: shape (P, K), of being an unlabelled positive; NaN where it is not known.
        positive_similarities: shape (P, K), cosine with the nearest known positive; NaN where it is not known.
        contains_positive: shape (P, K), whether one text contains the other.
        duplicate_of: shape (P, K), rank of the first candidate that this one nearly repeats, or its own.
        is_given: shape (P, K), whether its text is that of a given negative.
        given: negatives that the training data has already, as far as they stand.
    """

    first_pairs: NDArray[np.int64]
    query_rows: NDArray[np.int64]
    positive_rows: NDArray[np.int32]
    positive_scores: NDArray[np.float64]
    doc_rows: NDArray[np.int32]
    scores: NDArray[np.float64]
    present: NDArray[np.bool_]
    known_positive: NDArray[np.bool_]
    known_positive_text: NDArray[np.bool_]
    judged_negative: NDArray[np.bool_]
    set_aside: NDArray[np.bool_]
    doc_keys: NDArray[np.int64]
    query_keys: NDArray[np.int64]
    sources: NDArray[np.int8]
    source_names: tuple[str, ...]
    false_negative_probabilities: NDArray[np.float32]
    positive_similarities: NDArray[np.float32]
    contains_positive: NDArray[np.bool_]
    duplicate_of: NDArray[np.int16]
    is_given: NDArray[np.bool_]
    given: GivenRows

    @property
    def n_given(self) -> NDArray[np.int64]:
        """Given negatives of each pair, shape (P,)."""
        return np.bincount(self.given.pairs, minlength=len(self.query_rows))

    @property
    def has_positive(self) -> NDArray[np.bool_]:
        """Whether the pair has a positive, shape (P,)."""
        return self.positive_rows >= 0

    def renumbered(self, part_of: PartOf) -> PairBlock:
        """The same with rows in the whole, where the block was made of a part; keys stay comparable with each other."""
        return replace(
            self,
            query_rows=part_of.queries(self.query_rows),
            positive_rows=part_of.documents(self.positive_rows).astype(np.int32),
            doc_rows=part_of.documents(self.doc_rows).astype(np.int32),
            given=self.given._replace(doc_rows=part_of.documents(self.given.doc_rows).astype(np.int32)),
        )

    @property
    def ranks(self) -> NDArray[np.int64]:
        """Rank of each column, shape (K,)."""
        return np.arange(self.doc_rows.shape[1])


class Relevance:
    """What a collection knows about relevance, ready to be asked for blocks of candidates.

    Queries whose folded texts are equal share what is known of any of them: a positive of one is never a negative of
    another.
    """

    def __init__(self, collection: Collection) -> None:
        self.doc_keys = collection.document_keys
        self.query_keys = collection.query_keys
        self._groups = collection.query_groups  # (Q,)
        self._n_keys = collection.n_keys
        positives, held_out = collection.positives, collection.held_out_positives
        self._positives = self._pairs(positives, held_out)
        self._positive_texts = self._pairs(positives, held_out, by_text=True)
        self._judged_negatives = self._pairs(collection.judged_negatives)
        set_aside = collection.set_aside or Judgements.none(collection.n_queries)
        self._set_aside_texts = self._pairs(set_aside, by_text=True)
        self._barred_texts = self._pairs(positives, held_out, set_aside, by_text=True)
        self._given = collection.given_negatives or Judgements.none(collection.n_queries)
        self._stands = collection.given_fates == STANDS
        given_keys = self.doc_keys[self._given.doc_rows[self._stands]]
        self._given_texts = KnownPairs(self._given.query_rows[self._stands], given_keys, self._n_keys)

    def positive_keys(self, query_row: int) -> NDArray[np.int64]:
        """Text keys of all known positives of a query, and of what relabelling set aside."""
        return self._barred_texts.of(int(self._groups[query_row]))

    def given_keys(self, query_row: int) -> NDArray[np.int64]:
        """Text keys of the given negatives of a query that stand."""
        return self._given_texts.of(query_row)

    def known(self, query_rows: NDArray[np.int64], doc_rows: NDArray[np.integer]) -> NDArray[np.bool_]:
        """Which documents are known positives of their query, by id or by text, in the shape of both."""
        return self._positive_texts.have(self._groups[query_rows], self.doc_keys[doc_rows])

    def may_be_relevant(self, candidates: Candidates) -> NDArray[np.bool_]:
        """Which candidates are neither known positives nor the query's own text, shape (B, K)."""
        query_rows, doc_rows = candidates.query_rows[:, None], candidates.doc_rows
        own_text = self.doc_keys[doc_rows] == self.query_keys[query_rows]
        may_be: NDArray[np.bool_] = (doc_rows >= 0) & ~own_text & ~self.known(query_rows, doc_rows)
        return may_be

    def pair_block(self, candidates: Candidates) -> PairBlock:
        """One row per (query, positive) pair of a block of candidates."""
        n_pairs = np.maximum(np.diff(candidates.positive_offsets), 1)
        owners = np.repeat(np.arange(len(candidates)), n_pairs)  # the block's query of each pair
        of = slice(None) if len(owners) == len(candidates) else owners  # one pair a query: nothing is copied
        positive_rows = np.full(len(owners), -1, np.int32)
        positive_scores = np.full(len(owners), np.nan)
        has_positive = (np.diff(candidates.positive_offsets) > 0)[owners]
        positive_rows[has_positive] = candidates.positive_rows
        positive_scores[has_positive] = candidates.positive_scores
        doc_rows, present = candidates.doc_rows, candidates.doc_rows >= 0
        groups = self._groups[candidates.query_rows]
        doc_keys = np.where(present, self.doc_keys[doc_rows], -1)
        judged = self._judged_negatives.among(doc_rows, groups)
        estimates = (candidates.estimates or Estimates.nothing(doc_rows.shape)).knowing(judged)
        return PairBlock(
            first_pairs=np.concatenate([[0], np.cumsum(n_pairs)[:-1]]),
            query_rows=candidates.query_rows[of],
            positive_rows=positive_rows,
            positive_scores=positive_scores,
            doc_rows=doc_rows[of],
            scores=candidates.scores[of].astype(np.float64),
            present=present[of],
            known_positive=self._positives.among(doc_rows, groups)[of],
            known_positive_text=self._positive_texts.among(doc_keys, groups)[of],
            judged_negative=judged[of],
            set_aside=self._set_aside_texts.among(doc_keys, groups)[of],
            doc_keys=doc_keys[of],
            query_keys=self.query_keys[candidates.query_rows][of],
            sources=candidates.sources[of],
            source_names=candidates.source_names,
            is_given=self._given_texts.among(doc_keys, candidates.query_rows)[of],
            given=self._given_rows(candidates, owners),
            **{name: values[of] for name, values in estimates._asdict().items()},
        )

    def _given_rows(self, candidates: Candidates, owners: NDArray[np.int64]) -> GivenRows:
        """Those that stand, for each pair of a query, owners (P,), anew."""
        if candidates.given is None:
            return NO_GIVEN
        judged, scores = candidates.given
        stands = self._stands[self._given.places_of(candidates.query_rows)]
        queries, docs = judged.query_rows[stands], judged.doc_rows[stands]
        ranks = _ranks_among(candidates.doc_rows, queries, docs)
        offsets = np.concatenate([[0], np.cumsum(np.bincount(queries, minlength=len(candidates)))])
        places = Judgements(offsets, np.arange(len(docs), dtype=np.int32)).of_queries(owners)
        of_pair = places.doc_rows
        return GivenRows(places.query_rows, docs[of_pair], scores[stands][of_pair], ranks[of_pair])

    def _pairs(self, *judged: Judgements, by_text: bool = False) -> KnownPairs:
        query_rows = np.concatenate([judgements.query_rows for judgements in judged])
        doc_rows = np.concatenate([judgements.doc_rows for judgements in judged])
        docs = self.doc_keys[doc_rows] if by_text else doc_rows
        return KnownPairs(self._groups[query_rows], docs, self._n_keys)


def _ranks_among(
    candidates: NDArray[np.int32], queries: NDArray[np.int64], docs: NDArray[np.int32]
) -> NDArray[np.int32]:
    """The column in which each document stands among the candidates (B, K) of its query; -1 where it does not."""
    ranks = np.full(len(docs), -1, np.int32)
    for start in range(0, len(docs), _GIVEN_AT_ONCE):
        part = slice(start, start + _GIVEN_AT_ONCE)
        place, column = np.nonzero(candidates[queries[part]] == docs[part, None])
        ranks[start + place] = column
    return ranks
