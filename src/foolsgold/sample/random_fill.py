"""Random documents for pairs that have too few negatives."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock


def random_documents(
    pairs: PairBlock,
    pair: int,
    *,
    n_wanted: int,
    trusted: NDArray[np.bool_],
    doc_keys: NDArray[np.int64],
    positive_keys: NDArray[np.int64],
    generator: np.random.Generator,
) -> list[int]:
    """Up to `n_wanted` rows of documents that nothing speaks against, in random order.

    Never a known positive, a candidate that a filter dropped as too similar, a text of either, the query's text, or a
    text that was chosen already.

    Args:
        pairs: the block.
        pair: its row.
        n_wanted: how many are missing.
        trusted: shape (K,), candidates that were dropped only for being too easy.
        doc_keys: shape (N,), text keys of the whole corpus.
        positive_keys: text keys of the query's known positives.
        generator: seeded for this pair.
    """
    barred = pairs.doc_keys[pair][pairs.present[pair] & ~trusted]
    taken = {int(key) for key in (*barred, *positive_keys, pairs.query_keys[pair])}
    n_documents, size = len(doc_keys), min(len(doc_keys), 4 * (n_wanted + len(taken)))
    chosen: list[int] = []
    while True:
        for row in generator.choice(n_documents, size, replace=False).tolist():
            key = int(doc_keys[row])
            if key not in taken:
                taken.add(key)
                chosen.append(row)
                if len(chosen) == n_wanted:
                    return chosen
        if size == n_documents:
            return chosen
        size = min(n_documents, 4 * size)
