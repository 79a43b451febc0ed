"""Learns from positives that are hidden: what the witnesses say of the candidates of their queries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from foolsgold.calibration.asked import CandidatesOfQueries, Hearing
from foolsgold.calibration.calibration import CALIBRATED, Calibration
from foolsgold.calibration.fit import fit_near, with_base_rate
from foolsgold.calibration.hidden import HiddenPositives, blocks_of
from foolsgold.calibration.trial import FEWEST_QUERIES
from foolsgold.filters import FalseNegativeModel, Relevance
from foolsgold.memory import block_queries
from foolsgold.search import Candidates, Estimates
from foolsgold.settings import MiningSettings
from foolsgold.witness import Testimony

TRUST = 20.0


@dataclass(frozen=True, eq=False)
class Heard:
    """What was heard of the candidates of queries whose positives are hidden, block by block."""

    blocks: list[Candidates]
    testimonies: list[Testimony]
    unknown: NDArray[np.bool_]  # (H, K)
    relevant: NDArray[np.bool_]  # (H, K)

    @classmethod
    def of(
        cls, hidden: HiddenPositives, candidates: CandidatesOfQueries, witnesses: Hearing, settings: MiningSettings
    ) -> Heard:
        """Hide them, and hear the witnesses on what is left among their queries' candidates."""
        blocks = list(blocks_of(hidden, candidates.blocks(block_queries(settings), hidden.query_rows)))
        testimonies = list(witnesses.hear(blocks, hidden.collection, hidden.query_rows))
        return cls.told(hidden, blocks, testimonies)

    @classmethod
    def told(cls, hidden: HiddenPositives, blocks: list[Candidates], testimonies: list[Testimony]) -> Heard:
        """What witnesses said of the candidates of queries with hidden positives."""
        relevance = Relevance(hidden.collection)
        width = max(block.doc_rows.shape[1] for block in blocks)
        unknown = _stacked([relevance.may_be_relevant(block) for block in blocks], width)
        relevant = [hidden.were_hidden(block.query_rows[:, None], block.doc_rows) for block in blocks]
        return cls(blocks, testimonies, unknown, _stacked(relevant, width))

    def calibration(self, silent: tuple[str, ...]) -> Calibration | None:
        """None where there are too few queries to learn from."""
        everyone = np.ones(len(self.unknown), np.bool_)
        model = self.model(everyone)
        if model is None or len(everyone) < FEWEST_QUERIES:
            return None
        relevant = self.relevant & self.unknown
        base_rate = float(relevant.sum() / self.unknown.sum())
        return Calibration(model, CALIBRATED, 0, base_rate, len(everyone), int(relevant.sum()), silent)

    def models(self, calibration: Calibration) -> tuple[FalseNegativeModel, FalseNegativeModel]:
        """For even rows, and for odd ones: each did not see the queries that it is for."""
        odd = np.arange(len(self.unknown)) % 2 == 1
        default = calibration.model or FalseNegativeModel.default()
        if calibration.method != CALIBRATED:
            return default, default
        return self.model(odd) or default, self.model(~odd) or default

    def estimated(self, models: tuple[FalseNegativeModel, FalseNegativeModel]) -> Iterator[Candidates]:
        """The blocks with estimates, by the first model for even rows, and by the second for odd ones."""
        for block, testimony in zip(self.blocks, self.testimonies, strict=True):
            by_even, by_odd = (estimates_of(testimony, model) for model in models)
            of_odd = (block.query_rows % 2 == 1)[:, None]
            probabilities = np.where(of_odd, by_odd.false_negative_probabilities, by_even.false_negative_probabilities)
            yield replace(block, estimates=by_even._replace(false_negative_probabilities=probabilities))

    def model(self, queries: NDArray[np.bool_]) -> FalseNegativeModel | None:
        """Fitted on some of the queries, chosen (H,); None where they have no candidates."""
        use = self.unknown & queries[:, None]
        width = self.unknown.shape[1]
        features = np.concatenate([_widened(testimony.features, width) for testimony in self.testimonies])[use]
        return fitted_from(FalseNegativeModel.default(), features, self.relevant[use])


def fitted_from(
    prior: FalseNegativeModel, features: NDArray[np.float64], relevant: NDArray[np.bool_]
) -> FalseNegativeModel | None:
    """The prior's coefficients, moved as far as the examples (n, F) demand; None where there are none."""
    n_relevant = int(relevant.sum())
    if not len(relevant):
        return None
    if n_relevant in (0, len(relevant)):
        return with_base_rate(prior, features, (n_relevant + 0.5) / (len(relevant) + 1))
    return fit_near(prior, features, relevant, trust=TRUST)


def estimates_of(testimony: Testimony, model: FalseNegativeModel) -> Estimates:
    """What candidates.parquet keeps of the witnesses, and the probabilities that a model makes of them."""
    return Estimates(
        model.probabilities(testimony.features).astype(np.float32),
        testimony.positive_similarities,
        testimony.contains_positive,
        testimony.duplicate_of,
    )


def _stacked(parts: list[NDArray[np.bool_]], width: int) -> NDArray[np.bool_]:
    return np.concatenate([_widened(part, width) for part in parts])


def _widened(values: NDArray[np.generic], width: int) -> NDArray[np.generic]:
    """With zeros after the last column, up to a width."""
    missing = [(0, 0)] * values.ndim
    missing[1] = (0, width - values.shape[1])
    return np.pad(values, missing)
