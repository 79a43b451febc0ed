"""The calibration stage: every candidate gets its probability of being an unlabelled positive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from foolsgold.calibration.asked import CandidatesOfQueries, Hearing
from foolsgold.calibration.calibration import CALIBRATED, NONE, Calibration
from foolsgold.calibration.heard import Heard, estimates_of
from foolsgold.calibration.hidden import HiddenPositives, hide_positives
from foolsgold.calibration.known import calibrate_by_known_positives
from foolsgold.calibration.trial import Trial
from foolsgold.collection import Collection
from foolsgold.encode import Encoded
from foolsgold.filters import FalseNegativeModel, Relevance
from foolsgold.memory import block_queries
from foolsgold.search import Candidates, CandidateStore
from foolsgold.settings import MiningSettings
from foolsgold.witness import Witnesses


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
    learned, trial = learn(collection, candidates, witnesses, settings, hidden_file)
    write_estimates(collection, candidates, witnesses, learned.model, settings)
    return learned.calibration, trial


def learn(
    collection: Collection,
    candidates: CandidatesOfQueries,
    witnesses: Hearing,
    settings: MiningSettings,
    hidden_file: Path | None,
) -> tuple[Learned, Trial | None]:
    """What a collection teaches, and the trial of the leak test; for the arguments see `estimate`."""
    calibration, hidden, heard = learned = Learned.of(collection, candidates, witnesses, settings)
    trial = None
    if hidden is not None and heard is not None:
        trial = Trial(hidden, CandidateStore(hidden.collection, hidden_file))
        trial.candidates.write(heard.estimated(heard.models(calibration)))
    calibration = replace(calibration, seed=settings.seed, leak_test=trial is not None)
    return learned._replace(calibration=calibration), trial


class Learned(NamedTuple):
    """What a collection teaches by its own positives.

    Attributes:
        calibration: the model and what it rests on.
        hidden: positives that were hidden; None where none could be.
        heard: what the witnesses said of their queries' candidates; None likewise.
    """

    calibration: Calibration
    hidden: HiddenPositives | None
    heard: Heard | None

    @classmethod
    def of(
        cls, collection: Collection, candidates: CandidatesOfQueries, witnesses: Hearing, settings: MiningSettings
    ) -> Learned:
        """Hide positives; where they are too few, go by the known ones."""
        hidden = hide_positives(collection, seed=settings.seed)
        heard = None if hidden is None else Heard.of(hidden, candidates, witnesses, settings)
        calibration = None if heard is None else heard.calibration(witnesses.silent)
        if calibration is None:
            calibration = calibrate_by_known_positives(collection, candidates, witnesses, settings)
        return cls(calibration, hidden, heard)

    @property
    def model(self) -> FalseNegativeModel:
        """That was learned."""
        return self.calibration.model or FalseNegativeModel.default()

    def model_without(self, query_rows: NDArray[np.int64]) -> FalseNegativeModel:
        """The same as if nothing had been hidden of some queries, by their rows in the collection."""
        if self.hidden is None or self.heard is None or self.calibration.method != CALIBRATED:
            return self.model
        return self.heard.model(~np.isin(self.hidden.query_rows, query_rows)) or FalseNegativeModel.default()


def write_estimates(
    collection: Collection,
    candidates: CandidateStore,
    witnesses: Witnesses,
    model: FalseNegativeModel,
    settings: MiningSettings,
) -> None:
    """Hear the witnesses on all candidates, and keep what they and the model say in their store."""
    relevance = Relevance(collection)
    candidates.rewrite(
        replace(block, estimates=estimates_of(witnesses.of(block, relevance), model))
        for block in _with_progress(candidates, collection, settings)
    )


def _with_progress(
    candidates: CandidateStore, collection: Collection, settings: MiningSettings
) -> Iterator[Candidates]:
    with tqdm(total=collection.n_queries, desc="estimate", unit="query", delay=1, disable=settings.quiet) as progress:
        for block in candidates.blocks(block_queries(settings)):
            yield block
            progress.update(len(block))
