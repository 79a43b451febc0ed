"""Learns from what a person decided of candidates: the model is moved as far as the decisions demand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.calibration.fit import fit_near
from foolsgold.calibration.heard import TRUST
from foolsgold.calibration.trial import Interval
from foolsgold.collection import Collection
from foolsgold.filters import FalseNegativeModel, Relevance
from foolsgold.memory import block_queries
from foolsgold.relabel import DROP, NEGATIVE, POSITIVE, Decisions
from foolsgold.search import CandidateStore
from foolsgold.settings import MiningSettings
from foolsgold.witness import WITNESSES, Witnesses

_INTERCEPT_TRUST = 1.0  # log-odds known to about 1: a base rate by known positives is right within a factor of two
_BANDS = (0.0, 0.1, 0.2, 0.5, 0.8, 1.0)  # of probability
_FEWEST_IN_BAND = 10


class Band(NamedTuple):
    """Decided candidates that were expected to be relevant with a probability in [low, high).

    Attributes:
        low: of the probability.
        high: of the probability; the last band has 1.0 too.
        n: how many.
        expected: their mean probability before the decisions were known.
        relevant: the share of them that is relevant.
    """

    low: float
    high: float
    n: int
    expected: float
    relevant: float


class Lesson(NamedTuple):
    """What was decided, beside what was expected.

    Attributes:
        n: candidates that were decided to be relevant or not.
        n_dropped: decisions that say neither.
        n_left_out: decisions on pairs that are no candidates, or that were known to be relevant.
        expected: mean probability of the n before the decisions were known; None where there are none.
        relevant: the share of the n that is relevant, with its interval; None likewise.
        bands: those with 10 decisions or more.
    """

    n: int
    n_dropped: int
    n_left_out: int
    expected: float | None
    relevant: Interval | None
    bands: list[Band]


@dataclass(frozen=True, eq=False)
class Decided:
    """Candidates that a person found relevant or not, as the witnesses saw them when that was not known.

    People decide on candidates near the threshold rather than on a random draw. Logistic regression may learn from
    them all the same: it models how probable relevance is given the features, and they were picked by these features
    alone, whatever the answer (Zadrozny, ICML 2004: a learner of P(y | x) is not biased by a selection that depends on
    x only, as far as the model can express the truth).

    Attributes:
        query_rows: shape (n,).
        features: shape (n, F), what the witnesses said.
        relevant: shape (n,).
        n_dropped: decisions that say neither.
        n_left_out: decisions on pairs that are no candidates, or that were known to be relevant.
    """

    query_rows: NDArray[np.int64]
    features: NDArray[np.float64]
    relevant: NDArray[np.bool_]
    n_dropped: int
    n_left_out: int

    @classmethod
    def of(
        cls,
        decisions: Decisions,
        collection: Collection,
        candidates: CandidateStore,
        witnesses: Witnesses,
        settings: MiningSettings,
    ) -> Decided:
        """Hear the witnesses on decided candidates.

        Args:
            decisions: on pairs of the collection.
            collection: as it was read, without the decisions.
            candidates: with the positives of that collection.
            witnesses: of its texts and vectors.
            settings: block size.
        """
        wanted = decisions.labelled(POSITIVE, NEGATIVE)
        found = list(_heard(wanted, collection, candidates, witnesses, settings))
        pairs = np.concatenate([np.empty(0, np.int64), *(pairs for pairs, _ in found)])
        features = np.concatenate([np.empty((0, len(WITNESSES))), *(features for _, features in found)])
        return cls(
            pairs // collection.n_documents,
            features,
            np.isin(pairs, decisions.labelled(POSITIVE)),
            n_dropped=len(decisions.labelled(DROP)),
            n_left_out=len(wanted) - len(pairs),
        )

    def moved(self, prior: FalseNegativeModel, *, without: NDArray[np.int64] | None = None) -> FalseNegativeModel:
        """A model after the decisions.

        Args:
            prior: what was learned without them.
            without: rows of queries whose decisions are not to be seen.
        """
        seen = np.ones(len(self.relevant), np.bool_) if without is None else ~np.isin(self.query_rows, without)
        if not seen.any():
            return prior
        return fit_near(prior, self.features[seen], self.relevant[seen], trust=TRUST, intercept_trust=_INTERCEPT_TRUST)

    def lesson(self, prior: FalseNegativeModel) -> Lesson:
        """What the prior expected, and what was decided."""
        if not len(self.relevant):
            return Lesson(0, self.n_dropped, self.n_left_out, None, None, [])
        expected = prior.probabilities(self.features)
        _, of_query = np.unique(self.query_rows, return_inverse=True)
        interval = Interval.of(
            np.bincount(of_query[self.relevant], minlength=of_query.max() + 1), np.bincount(of_query)
        )
        bands = list(self._bands(expected))
        return Lesson(len(self.relevant), self.n_dropped, self.n_left_out, float(expected.mean()), interval, bands)

    def _bands(self, expected: NDArray[np.float64]) -> Iterator[Band]:
        band_of = np.searchsorted(_BANDS[1:-1], expected, side="right")
        for band, (low, high) in enumerate(pairwise(_BANDS)):
            here = band_of == band
            if here.sum() >= _FEWEST_IN_BAND:
                yield Band(low, high, int(here.sum()), float(expected[here].mean()), float(self.relevant[here].mean()))


def _heard(
    wanted: NDArray[np.int64],
    collection: Collection,
    candidates: CandidateStore,
    witnesses: Witnesses,
    settings: MiningSettings,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Wanted pairs that are candidates and may be relevant, and their features, block by block."""
    relevance, query_rows = Relevance(collection), np.unique(wanted // collection.n_documents)
    if not len(query_rows):
        return
    for block in candidates.blocks(block_queries(settings), query_rows=query_rows):
        pairs = block.query_rows[:, None] * collection.n_documents + block.doc_rows
        here = np.isin(pairs, wanted) & relevance.may_be_relevant(block)
        yield pairs[here], witnesses.of(block, relevance).features[here]
