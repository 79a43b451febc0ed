"""Calibrates without hidden positives: by how the known positives score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.calibration.asked import CandidatesOfQueries, Hearing
from foolsgold.calibration.base_rate import estimated_base_rate
from foolsgold.calibration.calibration import BASE_RATE, Calibration
from foolsgold.calibration.fit import with_base_rate
from foolsgold.collection import Collection
from foolsgold.filters import FalseNegativeModel, Relevance
from foolsgold.memory import block_queries
from foolsgold.settings import MiningSettings
from foolsgold.witness import WITNESSES

_MOST_QUERIES = 2_000


def calibrate_by_known_positives(
    collection: Collection, candidates: CandidatesOfQueries, witnesses: Hearing, settings: MiningSettings
) -> Calibration:
    """The default coefficients, with a base rate that the known positives tell."""
    default, relevance = FalseNegativeModel.default(), Relevance(collection)
    asked = np.flatnonzero(collection.positives.counts)
    if len(asked) > _MOST_QUERIES:
        asked = asked[np.linspace(0, len(asked) - 1, _MOST_QUERIES).astype(np.int64)]
    features, speaking = [np.empty((0, len(WITNESSES)))], [np.empty(0)]
    parts = list(candidates.blocks(block_queries(settings), asked))
    for part, testimony in zip(parts, witnesses.hear(parts, collection), strict=True):
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
