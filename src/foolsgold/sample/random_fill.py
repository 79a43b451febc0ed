"""Random documents: a share of every row where that is asked for, and what short rows lack."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.filters import Answers, Filtered, PairBlock, Relevance
from foolsgold.sample.seeds import generator_of
from foolsgold.settings import MiningSettings

_HARMLESS = ("rank_window", "min_score", "duplicate_text")


class RandomDocuments:
    """Draws from the whole corpus what nothing speaks against.

    Never a known positive, a given negative, a candidate that was chosen or that a filter dropped as too similar, a
    text of any of these, the query's text, a document with an answer of the query, or the same text twice. Hard
    negatives alone can hurt recall (STAR, arXiv 2104.08051): random ones keep what is far from a query there.

    Args:
        relevance: what is known of the queries.
        settings: seed, rates, window.
        doc_keys: shape (N,), of the whole corpus, whose rows are drawn.
        answers: of the queries, to be looked for in the whole corpus; None: nothing is.
    """

    def __init__(
        self, relevance: Relevance, settings: MiningSettings, doc_keys: NDArray[np.int64], answers: Answers | None
    ) -> None:
        self._relevance = relevance
        self._settings = settings
        self._doc_keys = doc_keys
        self._answers = answers

    @classmethod
    def of(cls, collection: Collection, relevance: Relevance, settings: MiningSettings) -> RandomDocuments:
        """From the corpus of a collection."""
        return cls(relevance, settings, collection.document_keys, Answers.of(collection, settings))

    def draw(
        self,
        pairs: PairBlock,
        filtered: Filtered,
        *,
        taken: NDArray[np.bool_],
        n_wanted: NDArray[np.int64],
        pair_ids: Sequence[tuple[str, str]],
    ) -> dict[int, list[int]]:
        """Rows of documents by pair, in random order, no more than there are.

        All that a pair needs is drawn at once, so that nothing comes twice.

        Args:
            pairs: the block.
            filtered: what filters left of it.
            taken: shape (P, K), the candidates chosen.
            n_wanted: shape (P,), random documents asked for.
            pair_ids: P ids of query and positive.
        """
        if not n_wanted.any():
            return {}
        trusted = self._harmless(pairs, filtered) | (filtered.keep & ~taken)
        if self._settings.max_false_negative_rate is not None:
            trusted &= ~(pairs.false_negative_probabilities > self._settings.max_false_negative_rate)
        drawn = {}
        for pair in np.flatnonzero(n_wanted).tolist():
            barred = pairs.doc_keys[pair][pairs.present[pair] & ~trusted[pair]]
            query_row = int(pairs.query_rows[pair])
            known = (*self._relevance.positive_keys(query_row), *self._relevance.given_keys(query_row))
            drawn[pair] = self._documents(
                query_row,
                int(n_wanted[pair]),
                {int(key) for key in (*barred, *known, pairs.query_keys[pair])},
                generator_of(self._settings.seed, *pair_ids[pair]),
            )
        return drawn

    def _documents(self, query_row: int, n_wanted: int, barred: set[int], generator: np.random.Generator) -> list[int]:
        """Up to `n_wanted` rows of documents; `barred` are the keys of texts that may not come, or not again."""
        doc_keys = self._doc_keys
        n_documents, size = len(doc_keys), min(len(doc_keys), 4 * (n_wanted + len(barred)))
        chosen: list[int] = []
        while True:
            for row in generator.choice(n_documents, size, replace=False).tolist():
                key = int(doc_keys[row])
                if key in barred:
                    continue
                barred.add(key)
                if self._answers is not None and self._answers.answered_by(query_row, row):
                    continue
                chosen.append(row)
                if len(chosen) == n_wanted:
                    return chosen
            if size == n_documents:
                return chosen
            size = min(n_documents, 4 * size)

    def _harmless(self, pairs: PairBlock, filtered: Filtered) -> NDArray[np.bool_]:
        """Candidates dropped only for ranking or scoring too low, or for repeating one that was kept."""
        positions = [i for i, reason in enumerate(filtered.reasons) if reason in _HARMLESS]
        end = self._settings.max_rank if self._settings.max_rank is not None else self._settings.depth
        above_window = (pairs.ranks < end) & (filtered.dropped_by == _position(filtered.reasons, "rank_window"))
        harmless: NDArray[np.bool_] = np.isin(filtered.dropped_by, positions) & ~above_window
        return harmless


def _position(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -2
