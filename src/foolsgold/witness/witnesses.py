"""The witness stage: candidates in, what is known of them out."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection, words
from foolsgold.encode import Encoded
from foolsgold.errors import CollectionError
from foolsgold.filters import Relevance
from foolsgold.search import Bm25Index, Candidates
from foolsgold.settings import MiningSettings
from foolsgold.witness.containment import contains
from foolsgold.witness.features import WITNESSES, Testimony, above_median, relative_to_best, standardised
from foolsgold.witness.hubs import Hubs
from foolsgold.witness.neighbours import Neighbours

_MAY_CONTAIN = 0.5  # cosine from which texts are compared word by word: of less similar ones none contains the other
_FOLDED_TEXTS = 65_536  # kept in memory


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
    """

    def __init__(self, collection: Collection, encoded: Encoded, settings: MiningSettings) -> None:
        self._collection = collection
        self._encoded = encoded
        self._hubs = Hubs(encoded.query_vecs, encoded.doc_vecs, seed=settings.seed, quiet=settings.quiet)
        self._neighbours = Neighbours(encoded.doc_vecs, near_duplicate=settings.max_similarity_to_negative)
        self._words = _words_of(collection, settings)
        self._folded = lru_cache(_FOLDED_TEXTS)(self._fold)

    @property
    def silent(self) -> tuple[str, ...]:
        """Witnesses that have nothing to say of this collection."""
        return () if self._words is not None else (WITNESSES[1], WITNESSES[3])

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
        by_words = relative_to_best(*self._by_words(candidates, query_rows, owners), owners, unknown)
        near, like, contained, duplicate_of = self._nearness(candidates, present)
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
        self, candidates: Candidates, query_rows: NDArray[np.int64], owners: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """BM25: candidates (B, K), positives (P,)."""
        if self._words is None:
            return np.zeros(candidates.doc_rows.shape), np.zeros(len(owners))
        texts = self._collection.query_texts(query_rows)
        scores = self._words.pair_scores(texts, candidates.doc_rows)
        positives = self._words.pair_scores([texts[owner] for owner in owners], candidates.positive_rows[:, None])
        return scores.astype(np.float64), positives[:, 0].astype(np.float64)

    def _nearness(
        self, candidates: Candidates, present: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_], NDArray[np.int16]]:
        """Cosine, shared words and containment with the nearest positive, and near duplicates; each (B, K)."""
        shape = candidates.doc_rows.shape
        near, like = np.full(shape, np.nan, np.float32), np.zeros(shape)
        contained, duplicate_of = np.zeros(shape, np.bool_), np.full(shape, -1, np.int16)
        for row, (start, stop) in enumerate(pairwise(candidates.positive_offsets.tolist())):
            docs = candidates.doc_rows[row][present[row]]
            vecs = self._neighbours.unit_vectors(docs)
            place = np.flatnonzero(present[row])
            duplicate_of[row, place] = self._neighbours.duplicate_of(vecs)
            positives = candidates.positive_rows[start:stop]
            if not len(positives):
                continue
            cosines = self._neighbours.cosines(vecs, self._neighbours.unit_vectors(positives))
            near[row, place] = cosines.max(axis=1)
            contained[row, place] = self._contained(docs, positives, cosines)
            if self._words is not None:
                words_of = [self._words.likeness(positive, docs) for positive in positives.tolist()]
                like[row, place] = np.max(words_of, axis=0)
        return near, like, contained, duplicate_of

    def _contained(
        self, docs: NDArray[np.int32], positives: NDArray[np.int32], cosines: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        found = np.zeros(len(docs), np.bool_)
        for column, positive in zip(*(axis.tolist() for axis in np.nonzero(cosines > _MAY_CONTAIN)), strict=True):
            if not found[column]:
                found[column] = contains(self._folded(int(docs[column])), self._folded(int(positives[positive])))
        return found

    def _fold(self, doc_row: int) -> str:
        return words(self._collection.document_text(doc_row))


def _words_of(collection: Collection, settings: MiningSettings) -> Bm25Index | None:
    try:
        return Bm25Index(collection.document_texts(), language=settings.language, quiet=settings.quiet)
    except CollectionError:
        return None  # no document holds a word
