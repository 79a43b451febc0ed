"""The calibration stage: every candidate gets its probability of being an unlabelled positive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.calibration.base_rate import estimated_base_rate
from foolsgold.calibration.fit import fit_near, with_base_rate
from foolsgold.calibration.hidden import HiddenPositives, blocks_of, hide_positives
from foolsgold.calibration.trial import FEWEST_QUERIES, Trial
from foolsgold.collection import Collection
from foolsgold.encode import Encoded
from foolsgold.filters import FalseNegativeModel, Relevance
from foolsgold.search import Candidates, CandidateStore, Estimates
from foolsgold.settings import MiningSettings
from foolsgold.witness import WITNESSES, Testimony, Witnesses

TRUST = 20.0
_MOST_QUERIES = 2_000
CALIBRATED, BASE_RATE, DEFAULT, NONE = "calibrated", "base rate", "default", "none"


@dataclass(frozen=True)
class Calibration:
    """The model that was used, and what it rests on.

    Attributes:
        model: gives the probabilities; None without vectors.
        method: "calibrated" on positives that were hidden; "base rate", the default coefficients with a base rate
            estimated from the known positives; "default", as they come with the package; "none" without vectors.
        seed: decided whose positives were hidden, and which.
        base_rate: mean probability of the candidates that it was set on; None for "default".
        n_queries: whose positives were hidden, or looked at.
        n_hidden: hidden positives among their candidates.
        silent: witnesses that had nothing to say.
        leak_test: whether positives were hidden, so that leaks can be measured.
    """

    model: FalseNegativeModel | None
    method: str = DEFAULT
    seed: int = 0
    base_rate: float | None = None
    n_queries: int = 0
    n_hidden: int = 0
    silent: tuple[str, ...] = ()
    leak_test: bool = False

    def describe(self) -> dict[str, Any]:
        """As the report and settings.json keep it."""
        return {
            "method": self.method,
            "queries": self.n_queries,
            "hidden_positives_among_candidates": self.n_hidden,
            "base_rate": self.base_rate,
            "seed": self.seed,
            "weights": None if self.model is None else dict(zip(WITNESSES, self.model.weights, strict=True)),
            "intercept": None if self.model is None else self.model.intercept,
            "silent_witnesses": list(self.silent),
            "leak_test": self.leak_test,
        }


def estimate(
    collection: Collection,
    encoded: Encoded | None,
    candidates: CandidateStore,
    settings: MiningSettings,
    hidden_file: Path | None,
) -> tuple[Calibration, Trial | None]:
    """Calibrate, and write estimates for all candidates into their store.

    Args:
        collection: as it is mined.
        encoded: its vectors; None: nothing can be estimated.
        candidates: of all its queries.
        settings: seed, language, and what the witnesses take.
        hidden_file: where the candidates of queries with hidden positives are to be; None keeps them in memory.

    Returns:
        The calibration; and, where some query has two positives, the trial of the leak test: each half of its queries
        is estimated by a model that was fitted on the other half.
    """
    if encoded is None:
        return Calibration(None, NONE, settings.seed), None
    witnesses = Witnesses(collection, encoded, settings)
    hidden = hide_positives(collection, seed=settings.seed)
    heard = None if hidden is None else _Heard.of(hidden, candidates, witnesses, settings)
    calibration = None if heard is None else heard.calibration(witnesses.silent)
    if calibration is None:
        calibration = _by_known_positives(collection, candidates, witnesses, settings)
    trial = None
    if hidden is not None and heard is not None:
        trial = Trial(hidden, CandidateStore(hidden.collection, hidden_file))
        trial.candidates.write(heard.estimated(calibration))
    model, relevance = calibration.model or FalseNegativeModel.default(), Relevance(collection)
    candidates.rewrite(
        replace(block, estimates=_estimates(witnesses.of(block, relevance), model))
        for block in _with_progress(candidates, collection, settings)
    )
    return replace(calibration, seed=settings.seed, leak_test=trial is not None), trial


@dataclass(frozen=True, eq=False)
class _Heard:
    """What was heard of the candidates of queries whose positives are hidden, block by block."""

    blocks: list[Candidates]
    testimonies: list[Testimony]
    unknown: NDArray[np.bool_]  # (H, K)
    relevant: NDArray[np.bool_]  # (H, K)

    @classmethod
    def of(
        cls, hidden: HiddenPositives, candidates: CandidateStore, witnesses: Witnesses, settings: MiningSettings
    ) -> _Heard:
        relevance = Relevance(hidden.collection)
        blocks = list(blocks_of(hidden, candidates.blocks(settings.block_size)))
        testimonies = [
            witnesses.of(block, relevance, query_rows=hidden.query_rows[block.query_rows]) for block in blocks
        ]
        width = max(block.doc_rows.shape[1] for block in blocks)
        unknown = _stacked([relevance.may_be_relevant(block) for block in blocks], width)
        relevant = [hidden.were_hidden(block.query_rows[:, None], block.doc_rows) for block in blocks]
        return cls(blocks, testimonies, unknown, _stacked(relevant, width))

    def calibration(self, silent: tuple[str, ...]) -> Calibration | None:
        """None where there are too few queries to learn from."""
        everyone = np.ones(len(self.unknown), np.bool_)
        model = self._model(everyone)
        if model is None or len(everyone) < FEWEST_QUERIES:
            return None
        relevant = self.relevant & self.unknown
        base_rate = float(relevant.sum() / self.unknown.sum())
        return Calibration(model, CALIBRATED, 0, base_rate, len(everyone), int(relevant.sum()), silent)

    def estimated(self, calibration: Calibration) -> Iterator[Candidates]:
        """The blocks with estimates, each query's by a model that did not see it."""
        odd = np.arange(len(self.unknown)) % 2 == 1
        default = calibration.model or FalseNegativeModel.default()
        models = (default, default)
        if calibration.method == CALIBRATED:
            models = (self._model(odd) or default, self._model(~odd) or default)  # for even rows, and for odd ones
        for block, testimony in zip(self.blocks, self.testimonies, strict=True):
            by_even, by_odd = (_estimates(testimony, model) for model in models)
            of_odd = (block.query_rows % 2 == 1)[:, None]
            probabilities = np.where(of_odd, by_odd.false_negative_probabilities, by_even.false_negative_probabilities)
            yield replace(block, estimates=by_even._replace(false_negative_probabilities=probabilities))

    def _model(self, queries: NDArray[np.bool_]) -> FalseNegativeModel | None:
        """Fitted on some of the queries; None where they have no candidates."""
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


def _by_known_positives(
    collection: Collection, candidates: CandidateStore, witnesses: Witnesses, settings: MiningSettings
) -> Calibration:
    """The default coefficients, with a base rate that the known positives tell."""
    default, relevance = FalseNegativeModel.default(), Relevance(collection)
    asked = np.flatnonzero(collection.positives.counts)
    if len(asked) > _MOST_QUERIES:
        asked = asked[np.linspace(0, len(asked) - 1, _MOST_QUERIES).astype(np.int64)]
    features, speaking = [np.empty((0, len(WITNESSES)))], [np.empty(0)]
    for block in candidates.blocks(settings.block_size):
        part = block.of_queries(np.isin(block.query_rows, asked))
        if not len(part):
            continue
        testimony = witnesses.of(part, relevance)
        features.append(testimony.features[relevance.may_be_relevant(part)])
        found = (part.positive_rows[:, None] == part.doc_rows[part.owners]).any(axis=1)
        speaking.append(_for_query(testimony.positive_features[found], default))
    everything = np.concatenate(features)
    rate = estimated_base_rate(_for_query(everything, default), np.concatenate(speaking))
    if rate is None:
        return Calibration(default, silent=witnesses.silent)
    model = with_base_rate(default, everything, rate)
    return Calibration(model, BASE_RATE, 0, rate, len(asked), silent=witnesses.silent)


def _for_query(features: NDArray[np.float64], model: FalseNegativeModel) -> NDArray[np.float64]:
    """What the witnesses of the query say, who can speak of known positives too: (n, F) or (n, 2) to (n,)."""
    return features[:, 0] * model.weights[0] + features[:, 1] * model.weights[1]


def _estimates(testimony: Testimony, model: FalseNegativeModel) -> Estimates:
    return Estimates(
        model.probabilities(testimony.features).astype(np.float32),
        testimony.positive_similarities,
        testimony.contains_positive,
        testimony.duplicate_of,
    )


def _with_progress(
    candidates: CandidateStore, collection: Collection, settings: MiningSettings
) -> Iterator[Candidates]:
    with tqdm(total=collection.n_queries, desc="estimate", unit="query", delay=1, disable=settings.quiet) as progress:
        for block in candidates.blocks(settings.block_size):
            yield block
            progress.update(len(block))


def _stacked(parts: list[NDArray[np.bool_]], width: int) -> NDArray[np.bool_]:
    return np.concatenate([_widened(part, width) for part in parts])


def _widened(values: NDArray[np.generic], width: int) -> NDArray[np.generic]:
    """With zeros after the last column, up to a width."""
    missing = [(0, 0)] * values.ndim
    missing[1] = (0, width - values.shape[1])
    return np.pad(values, missing)
