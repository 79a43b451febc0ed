"""Triples: each a true combination of a query's positives and negatives, none of these favoured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.sample.seeds import generator_of
from foolsgold.training_data.examples import Examples
from foolsgold.training_data.new_negatives import in_random_order
from foolsgold.training_data.settings import PreparationSettings


class Known(NamedTuple):
    """The pids of a query that go into its triples."""

    positives: list[int]
    negatives: list[int]


def known_passages(
    examples: Examples, new_negatives: Mapping[int, Sequence[int]], settings: PreparationSettings
) -> dict[int, Known]:
    """By qid, the passages for which its triples have room: positives in random order, given negatives before new ones.

    Args:
        examples: positives and given negatives.
        new_negatives: of each query that has positives.
        settings: how many triples there may be, and the seed.
    """
    queries, most = examples.queries, settings.max_triples_per_query
    found = {}
    for qid, pids in new_negatives.items():
        generator = generator_of(settings.seed, queries[qid], "positives")
        positives = list(in_random_order(examples.positives[qid], generator))
        found[qid] = Known(positives[:most], [*examples.given_negatives[qid], *pids][:most])
    return found


def make_triples(known: Mapping[int, Known], settings: PreparationSettings) -> NDArray[np.int32]:
    """(qid, positive's pid, negative's pid), shape (T, 3), shuffled: ColBERT trains on them in the order of the file.

    A query has as many as it has combinations, at most `max_triples_per_query`, whatever the number of its positives.
    """
    parts = [np.empty((0, 3), np.int32)]
    for qid, (positives, negatives) in known.items():
        rows, columns = combinations(len(positives), len(negatives), settings.max_triples_per_query)
        pids = np.array(positives, np.int32)[rows], np.array(negatives, np.int32)[columns]
        parts.append(np.stack([np.full(len(rows), qid, np.int32), *pids], axis=1))
    return np.random.default_rng(settings.seed).permutation(np.concatenate(parts))


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
