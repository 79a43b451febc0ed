"""Negatives that training data has already: which of them stand, and why others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from foolsgold.collection.collection import Collection, Judgements

STANDS, KNOWN_POSITIVE, SET_ASIDE, REPEATED = range(4)
FATES = ("stands", "known_positive", "set_aside", "repeated_text")


def given_fates(collection: Collection, given: Judgements) -> NDArray[np.int8]:
    """What becomes of each given negative, shape (n,), a position in FATES.

    One that is a known positive of its query, by id or by text, is none: the positive wins. So does what relabelling
    set aside, and of several that say the same the first stands.
    """
    keys, groups = collection.document_keys, collection.query_groups

    def texts(judged: Judgements) -> NDArray[np.int64]:
        pairs: NDArray[np.int64] = groups[judged.query_rows] * collection.n_documents + keys[judged.doc_rows]
        return pairs

    fates = np.full(len(given.doc_rows), REPEATED, np.int8)
    _, first = np.unique(given.query_rows * collection.n_documents + keys[given.doc_rows], return_index=True)
    fates[first] = STANDS
    if collection.set_aside is not None:
        fates[np.isin(texts(given), texts(collection.set_aside))] = SET_ASIDE
    for positives in (collection.positives, collection.held_out_positives):
        fates[np.isin(texts(given), texts(positives))] = KNOWN_POSITIVE
    return fates
