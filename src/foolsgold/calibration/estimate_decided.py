"""The calibration stage where a person has decided on candidates."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from foolsgold.calibration.calibration import Calibration
from foolsgold.calibration.decided import Decided, Lesson
from foolsgold.calibration.estimate import Learned, write_estimates
from foolsgold.calibration.heard import Heard
from foolsgold.calibration.hidden import hide_positives
from foolsgold.calibration.trial import Trial
from foolsgold.collection import Collection
from foolsgold.encode import Encoded
from foolsgold.memory import block_queries
from foolsgold.relabel import Decisions, relabelled, with_positives
from foolsgold.search import CandidateStore
from foolsgold.settings import MiningSettings
from foolsgold.witness import Witnesses


class Taught(NamedTuple):
    """What comes of decisions: the relabelled collection, calibration and trial on it, and what was learned."""

    collection: Collection
    calibration: Calibration
    trial: Trial | None
    lesson: Lesson


def estimate_decided(
    collection: Collection,
    decisions: Decisions,
    encoded: Encoded,
    candidates: CandidateStore,
    settings: MiningSettings,
) -> Taught:
    """As `estimate`, with a model that was moved by decisions, for the collection after relabelling.

    The prior is what the collection teaches without the decisions, and so are the features of decided candidates:
    what was decided must not be known to those who are asked about it. All else is of the relabelled collection.

    Args:
        collection: as it was read.
        decisions: on its pairs.
        encoded: its vectors.
        candidates: of all its queries, with scores for its positives before and after (see `with_positives_of_both`);
            they get estimates.
        settings: as for `estimate`.
    """
    size, witnesses = block_queries(settings), Witnesses(collection, encoded, settings)
    before = CandidateStore(collection)
    before.write(with_positives(collection, block) for block in candidates.blocks(size))
    learned = Learned.of(collection, before, witnesses, settings)
    decided = Decided.of(decisions, collection, before, witnesses, settings)
    again = relabelled(collection, decisions)
    candidates.rewrite(with_positives(again, block) for block in candidates.blocks(size))
    trial = _trial(again, learned, decided, candidates, witnesses, settings)
    model = decided.moved(learned.model)
    write_estimates(again, candidates, witnesses, model, settings)
    calibration = replace(learned.calibration, model=model, seed=settings.seed, leak_test=trial is not None)
    return Taught(again, calibration, trial, decided.lesson(learned.model))


def _trial(
    again: Collection,
    learned: Learned,
    decided: Decided,
    candidates: CandidateStore,
    witnesses: Witnesses,
    settings: MiningSettings,
) -> Trial | None:
    """Each half of its queries is estimated by a model that saw neither its positives nor the decisions on it."""
    hidden = hide_positives(again, seed=settings.seed)
    if hidden is None:
        return None
    heard = Heard.of(hidden, candidates, witnesses, settings)
    even, odd = (
        decided.moved(learned.model_without(half), without=half)
        for half in (hidden.query_rows[::2], hidden.query_rows[1::2])
    )
    trial = Trial(hidden, CandidateStore(hidden.collection))
    trial.candidates.write(heard.estimated((even, odd)))
    return trial
