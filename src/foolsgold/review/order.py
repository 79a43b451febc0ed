"""The order in which pairs are decided: those first that teach most."""

from __future__ import annotations

from collections import deque
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.gather import gathered
from foolsgold.review.pairs import Pairs
from foolsgold.sample import Threshold

_BINS, _LEAST_IN_BIN = 10, 10
_EVERY = 5  # pairs, one of which comes from a farther bin
_AT_ONCE = 65_536


class Order(NamedTuple):
    """Of n pairs.

    Attributes:
        places: shape (n,): the first to be decided, the second, and so on.
        bins: shape (n,): the bin of each pair, 0 nearest to the threshold.
    """

    places: NDArray[np.int64]
    bins: NDArray[np.int64]


def review_order(pairs: Pairs, threshold: Threshold | None, collection: Collection, *, seed: int) -> Order:
    """Nearest to the threshold first, where a decision is least foreseen, and spread over queries.

    Pairs are parted into about 10 bins by their distance, as many in each (equal distances share one); the nearest bin
    comes first, but every fifth pair is one of the farther bins in turn: else a few hundred decisions would say nothing
    of most of the chosen, and the rate of false negatives would stay the model's guess. Within a bin the order is
    random, and a query comes again only after all others of the bin had their turn: so a bin's first decisions are a
    sample of its queries, and of the pairs of each, from which `RateEstimate` infers the rest. It depends on the seed
    and on ids alone.
    """
    bins = _bins(pairs.distances(threshold))
    within, between = _random_numbers(pairs, collection, seed)
    turns = _turns(bins, pairs.query_rows, within)
    by_bin = np.lexsort((between, turns, bins))
    return Order(_with_farther(by_bin, bins[by_bin]), bins)


def _with_farther(places: NDArray[np.int64], bins: NDArray[np.int64]) -> NDArray[np.int64]:
    """Every fifth from one of the farther bins in turn, each bin in the order that it has; both sorted by bin, (n,)."""
    left = [deque(part.tolist()) for part in np.split(places, np.flatnonzero(np.diff(bins)) + 1)]
    farther, mixed = deque(left[1:]), list[int]()
    for place in range(1, len(places) + 1):
        while not left[0]:
            left.pop(0)
        while farther and (not farther[0] or farther[0] is left[0]):
            farther.popleft()
        if place % _EVERY == 0 and farther:
            mixed.append(farther[0].popleft())
            farther.rotate(-1)
        else:
            mixed.append(left[0].popleft())
    return np.array(mixed, np.int64)


def _bins(distances: NDArray[np.float64]) -> NDArray[np.int64]:
    """Quantile bins, numbered from 0 without gaps."""
    n_bins = max(1, min(_BINS, len(distances) // _LEAST_IN_BIN))
    if not len(distances):
        return np.empty(0, np.int64)
    ranked = np.sort(distances)
    bounds = ranked[(np.arange(1, n_bins) * len(ranked)) // n_bins]
    found = np.searchsorted(bounds, distances, side="right")
    bins: NDArray[np.int64] = np.unique(found, return_inverse=True)[1].astype(np.int64)
    return bins


def _turns(bins: NDArray[np.int64], query_rows: NDArray[np.int64], within: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Whether a pair is its query's first, second, … in its bin, from 0."""
    order = np.lexsort((within, query_rows, bins))
    starts = (np.diff(bins[order], prepend=-1) != 0) | (np.diff(query_rows[order], prepend=-1) != 0)
    place = np.arange(len(order))
    turns = np.empty(len(order), np.int64)
    turns[order] = place - np.maximum.accumulate(np.where(starts, place, 0))
    return turns


def _random_numbers(pairs: Pairs, collection: Collection, seed: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Two numbers for each pair, (n,) each: one puts a query's pairs in order, the other queries in the same turn.

    With one number for both, queries of many pairs would come first.
    """
    numbers = np.empty((len(pairs), 2), np.uint64)
    for start in range(0, len(pairs), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        ids = zip(
            gathered(collection.query_ids, pairs.query_rows[part]).to_pylist(),
            gathered(collection.doc_ids, pairs.doc_rows[part]).to_pylist(),
            strict=True,
        )
        digests = b"".join(
            blake2b(f"{seed}\0{query_id}\0{doc_id}".encode(), digest_size=16).digest() for query_id, doc_id in ids
        )
        numbers[part] = np.frombuffer(digests, "<u8").reshape(-1, 2)
    return numbers[:, 0], numbers[:, 1]
