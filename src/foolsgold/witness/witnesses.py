"""The witness stage: candidates in, what is known of them out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.encode import Encoded
from foolsgold.errors import CollectionError
from foolsgold.filters import Relevance
from foolsgold.search import Bm25Index, Candidates
from foolsgold.settings import MiningSettings
from foolsgold.witness.containment import Containment
from foolsgold.witness.features import WITNESSES, Testimony, above_median, relative_to_best, standardised
from foolsgold.witness.hubs import Hubs, HubSample
from foolsgold.witness.neighbours import Neighbours
from foolsgold.witness.shared_words import SharedWords

_MAY_CONTAIN = 0.5  # cosine from which texts are compared word by word: of less similar ones none contains the other
_VALUES_AT_ONCE = 2**21  # of vectors, and of cosines among candidates: they stay in the cache


class _Nearness(NamedTuple):
    """Of the candidates of some queries, each (B, K), as in `Testimony`."""

    positive_similarities: NDArray[np.float32]
    contains_positive: NDArray[np.bool_]
    duplicate_of: NDArray[np.int16]


class Background(NamedTuple):
    """What candidates are seen against: all queries, and the words of the whole corpus.

    Attributes:
        hubs: how near documents are to other queries.
        words: which they share; None where no document has any.
    """

    hubs: Hubs
    words: SharedWords | None

    @classmethod
    def of(cls, collection: Collection, encoded: Encoded, settings: MiningSettings) -> Background:
        """Of a whole collection."""
        sample = HubSample.of(encoded.query_vecs, seed=settings.seed)
        return cls(Hubs.of_documents(encoded.doc_vecs, sample, quiet=settings.quiet), _words_of(collection, settings))


class Witnesses:
    """Hears the witnesses for blocks of candidates, each relative to its own query.

    - `dense`: the score less the document's mean similarity with its ten nearest other queries (`Hubs`), in standard
      deviations of the query's candidates.
    - `words`: BM25 of query and document, relative to the best of the query's candidates and positives.
    - `near_positive`: cosine with the nearest known positive, above the median of the query's candidates.
    - `words_of_positive`: square root of the share of a known positive's words, by BM25 weight, that the document
      holds, above the median of the query's candidates.

    Known positives and their duplicates do not count as candidates. A collection without words has no witness among
    them: those two are 0.

    Args:
        collection: texts and judgements.
        encoded: its vectors.
        settings: language, threshold of near duplicates, seed.
        background: of these documents, in a larger corpus; None: it is all in the collection.
        containment: of these documents, which may remember their texts; None: it is new.
    """

    def __init__(
        self, collection: Collection, encoded: Encoded, settings: MiningSettings, background: Background | None = None,
        containment: Containment | None = None,
    ) -> None:  # fmt: skip
        self._collection = collection
        self._encoded = encoded
        self._hubs, self._words = background or Background.of(collection, encoded, settings)
        self._neighbours = Neighbours(encoded.doc_vecs, near_duplicate=settings.max_similarity_to_negative)
        self._containment = containment or Containment(collection)

    @property
    def silent(self) -> tuple[str, ...]:
        """Witnesses that have nothing to say of this collection."""
        return () if self._words is not None else (WITNESSES[1], WITNESSES[3])

    def hear(
        self, blocks: Iterable[Candidates], collection: Collection, query_rows: NDArray[np.int64] | None = None
    ) -> Iterator[Testimony]:
        """What is known of blocks of candidates.

        Args:
            blocks: of queries of `collection`.
            collection: the witnesses' own, or one with some of its queries, of which less may be known.
            query_rows: the rows of all its queries in the witnesses' own; None: it is that.
        """
        relevance = Relevance(collection)
        for block in blocks:
            yield self.of(block, relevance, None if query_rows is None else query_rows[block.query_rows])

    def of(
        self, candidates: Candidates, relevance: Relevance, query_rows: NDArray[np.int64] | None = None
    ) -> Testimony:
        """What is known of a block of candidates.

        Args:
            candidates: B queries, with the positives that may be known.
            relevance: that knows the same positives.
            query_rows: shape (B,), rows of the queries in the witnesses' collection, if not the candidates' own.
        """
        present = candidates.doc_rows >= 0
        unknown = relevance.may_be_relevant(candidates)
        query_rows = candidates.query_rows if query_rows is None else query_rows
        owners = candidates.owners
        dense = standardised(*self._dense(candidates, query_rows, owners), owners, unknown)
        of_candidates, of_positives, like = self._by_words(candidates, query_rows, present)
        by_words = relative_to_best(of_candidates, of_positives, owners, unknown)
        near, contained, duplicate_of = self._nearness(candidates, present)
        has_positive = np.diff(candidates.positive_offsets) > 0
        near_positive = np.where(has_positive[:, None], near, 0)
        columns = [dense[0], by_words[0], above_median(near_positive, unknown), above_median(np.sqrt(like), unknown)]
        return Testimony(
            features=np.where(present[..., None], np.stack(columns, axis=-1), 0),
            positive_features=np.stack([dense[1], by_words[1]], axis=-1),
            positive_similarities=near,
            contains_positive=contained,
            duplicate_of=duplicate_of,
        )

    def _dense(
        self, candidates: Candidates, query_rows: NDArray[np.int64], owners: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Similarity less that of the nearest other queries: candidates (B, K), positives (P,)."""
        of_candidates = np.broadcast_to(query_rows[:, None], candidates.doc_rows.shape)
        scores = np.nan_to_num(candidates.scores.astype(np.float64)) - self._hubs.of(of_candidates, candidates.doc_rows)
        positives = candidates.positive_scores - self._hubs.of(query_rows[owners], candidates.positive_rows)
        return scores, positives

    def _by_words(
        self, candidates: Candidates, query_rows: NDArray[np.int64], present: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """BM25 of candidates (B, K) and positives (P,), and the candidates' likeness to positives (B, K)."""
        scores, likeness = np.zeros(present.shape), np.zeros(present.shape)
        if self._words is None:
            return scores, np.zeros(len(candidates.positive_rows)), likeness
        n_present, offsets = present.sum(axis=1), candidates.positive_offsets
        owners = np.concatenate([np.repeat(np.arange(len(candidates)), n_present), candidates.owners])
        order = np.argsort(owners, kind="stable")  # of each query the candidates, then the positives
        doc_rows = np.concatenate([candidates.doc_rows[present], candidates.positive_rows])
        found = self._words.of(
            self._collection.query_texts(query_rows),
            doc_rows[order],
            np.concatenate([[0], np.cumsum(n_present + np.diff(offsets))]),
            candidates.positive_rows,
            offsets,
        )
        by_document, like = np.empty((2, len(order)))
        by_document[order], like[order] = found
        n_candidates = len(order) - len(candidates.positive_rows)
        scores[present], likeness[present] = by_document[:n_candidates], like[:n_candidates]
        return scores, by_document[n_candidates:], likeness

    def _nearness(self, candidates: Candidates, present: NDArray[np.bool_]) -> _Nearness:
        """What the documents say of each other, some queries at a time."""
        n_candidates = max(present.shape[1], 1)
        at_once = max(1, _VALUES_AT_ONCE // (n_candidates * max(n_candidates, self._encoded.doc_vecs.dimensions)))
        parts = [
            self._nearness_of(candidates, present, slice(start, min(start + at_once, len(present))))
            for start in range(0, len(present), at_once)
        ]
        return _Nearness(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _nearness_of(self, candidates: Candidates, present: NDArray[np.bool_], queries: slice) -> _Nearness:
        doc_rows, present = candidates.doc_rows[queries], present[queries]
        first = candidates.positive_offsets[queries.start : queries.stop]  # (S,)
        n_positives = np.diff(candidates.positive_offsets)[queries]
        vecs = self._neighbours.unit_vectors(np.maximum(doc_rows, 0))  # (S, K, D)
        near = np.full(doc_rows.shape, -np.inf, np.float32)
        contained = np.zeros(doc_rows.shape, np.bool_)
        for place in range(n_positives.max(initial=0)):
            some = np.flatnonzero(n_positives > place)
            positives = candidates.positive_rows[first[some] + place]
            of_some = vecs if len(some) == len(vecs) else vecs[some]
            cosines = self._neighbours.cosines(of_some, self._neighbours.unit_vectors(positives))  # (some, K)
            near[some] = np.maximum(near[some], cosines)
            asked = (cosines > _MAY_CONTAIN) & present[some] & ~contained[some]
            rows, columns = np.nonzero(asked)
            contained[some[rows], columns] = self._containment.of(doc_rows[some[rows], columns], positives[rows])
        near[~present | (n_positives == 0)[:, None]] = np.nan
        return _Nearness(near, contained, self._neighbours.duplicate_of(vecs, present))


def _words_of(collection: Collection, settings: MiningSettings) -> SharedWords | None:
    try:
        index = Bm25Index(collection.texts, language=settings.language, quiet=settings.quiet)
    except CollectionError:
        return None  # no document holds a word
    return SharedWords(index)
