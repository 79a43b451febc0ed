"""The pairs that a desk would show, in its order, for those who decide them elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from foolsgold.review.decision_log import DECISIONS_FILE, DecisionLog
from foolsgold.review.open_output import OpenOutput, open_output
from foolsgold.review.pair_to_decide import PairToDecide
from foolsgold.review.pairs import FATES

_MOST_POSITIVES = 3


def pairs_in_turn(out: Path, *, collection: Any = None, quiet: bool = False) -> Iterator[PairToDecide]:
    """Those that are not decided yet; texts are read one by one. For arguments and errors see `open_output`."""
    log = DecisionLog(out / DECISIONS_FILE)
    decided = {pair for pair, label in log.labels.items() if label is not None}
    opened = open_output(out, collection=collection, quiet=quiet)
    for place in opened.order.places.tolist():
        pair = _pair(opened, place)
        if (pair.query_id, pair.doc_id) not in decided:
            yield pair


def _pair(opened: OpenOutput, place: int) -> PairToDecide:
    collection, pairs = opened.collection, opened.open.pairs
    query, doc, rank = int(pairs.query_rows[place]), int(pairs.doc_rows[place]), int(pairs.ranks[place])
    positives = collection.positives.of(query)[:_MOST_POSITIVES].tolist()
    return PairToDecide(
        collection.query_ids[query].as_py(), collection.doc_ids[doc].as_py(), collection.query_texts([query])[0],
        collection.document_text(doc), [collection.document_text(row) for row in positives],
        _known(pairs.scores[place]), rank if rank >= 0 else None, _known(pairs.probabilities[place]),
        chosen=bool(pairs.chosen[place]), reason=FATES[pairs.fates[place]],
    )  # fmt: skip


def _known(value: np.floating) -> float | None:
    return None if math.isnan(value) else float(value)
