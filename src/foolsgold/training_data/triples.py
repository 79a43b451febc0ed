"""Triples: each a true combination of a query's positives and negatives, none of these favoured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from foolsgold.sample.seeds import generator_of
from foolsgold.training_data.examples import Examples
from foolsgold.training_data.settings import PreparationSettings


def make_triples(
    examples: Examples, negatives: Mapping[int, Sequence[int]], settings: PreparationSettings
) -> NDArray[np.int32]:
    """(qid, positive's pid, negative's pid), shape (T, 3), shuffled: ColBERT trains on them in the order of the file.

    A query has as many as it has combinations, at most `max_triples_per_query`, whatever the number of its positives.

    Args:
        examples: queries and positives.
        negatives: of each query that has positives; where not all find room, the first go before the others.
        settings: the limit, and the seed.
    """
    queries, parts = examples.queries, [np.empty((0, 3), np.int32)]
    for qid, pids in negatives.items():
        positives = generator_of(settings.seed, queries[qid], "positives").permutation(examples.positives[qid])
        rows, columns = combinations(len(positives), len(pids), settings.max_triples_per_query)
        parts.append(np.stack([np.full(len(rows), qid), positives[rows], np.array(pids, np.int32)[columns]], axis=1))
    triples = np.concatenate(parts).astype(np.int32)
    return np.random.default_rng(settings.seed).permutation(triples)


def combinations(n_rows: int, n_columns: int, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first `most` of all pairs (row, column), each once, in an order in which neither is favoured.

    The pairs run along diagonals, `(t mod n_rows, (t + t // lcm) mod n_columns)` with the least common multiple of the
    two: after any number of pairs, no row has come two times more than another, and no column.

    >>> [list(map(int, places)) for places in combinations(2, 4, most=5)]
    [[0, 1, 0, 1, 0], [0, 1, 2, 3, 1]]
    """
    t = np.arange(min(n_rows * n_columns, most))
    if not len(t):
        return t, t
    return t % n_rows, (t + t // np.lcm(n_rows, n_columns)) % n_columns
