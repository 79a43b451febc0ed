"""Scores of pairs drawn at random: what a document that has nothing to do with the query scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from foolsgold.histogram import Histogram
from foolsgold.search.scorer import Scorer

_PAIRS = 4_096
_KNOWN = 0.99  # of them; a run scores what it found alone, which is no chance


def random_pair_scores(score: Scorer, *, n_queries: int, n_documents: int, seed: int) -> dict[str, Any] | None:
    """A histogram of the scores of 4,096 random (query, document) pairs; None where not all have one, as in a run.

    Args:
        score: of (query rows, document rows).
        n_queries: Q.
        n_documents: N.
        seed: of the draw.
    """
    if not n_queries or not n_documents:
        return None
    draw = np.random.default_rng([seed, _PAIRS])
    query_rows = np.sort(draw.integers(n_queries, size=_PAIRS))
    doc_rows = draw.integers(n_documents, size=_PAIRS)
    scores = score(query_rows, doc_rows)
    found = Histogram.of(scores)
    return None if found is None or np.isfinite(scores).mean() < _KNOWN else found.describe()
