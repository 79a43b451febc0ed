"""The calibration stage: every candidate gets its probability of being an unlabelled positive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from foolsgold.calibration.calibration import NONE, Calibration
from foolsgold.calibration.heard import Heard, estimates_of
from foolsgold.calibration.hidden import hide_positives
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
    hidden = hide_positives(collection, seed=settings.seed)
    heard = None if hidden is None else Heard.of(hidden, candidates, witnesses, settings)
    calibration = None if heard is None else heard.calibration(witnesses.silent)
    if calibration is None:
        calibration = calibrate_by_known_positives(collection, candidates, witnesses, settings)
    trial = None
    if hidden is not None and heard is not None:
        trial = Trial(hidden, CandidateStore(hidden.collection, hidden_file))
        trial.candidates.write(heard.estimated(calibration))
    model, relevance = calibration.model or FalseNegativeModel.default(), Relevance(collection)
    candidates.rewrite(
        replace(block, estimates=estimates_of(witnesses.of(block, relevance), model))
        for block in _with_progress(candidates, collection, settings)
    )
    return replace(calibration, seed=settings.seed, leak_test=trial is not None), trial


def _with_progress(
    candidates: CandidateStore, collection: Collection, settings: MiningSettings
) -> Iterator[Candidates]:
    with tqdm(total=collection.n_queries, desc="estimate", unit="query", delay=1, disable=settings.quiet) as progress:
        for block in candidates.blocks(block_queries(settings)):
            yield block
            progress.update(len(block))
