"""Pairs to show on the page: easiest, hardest, nearest to the threshold, and with the likeliest false negatives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.filters import PairBlock
from foolsgold.sample import CHOSEN, Chosen, Fates, Threshold

GROUPS = ("hardest", "easiest", "nearest", "suspected")
_PER_GROUP = 40
_CANDIDATES = 4  # of a pair, beside the chosen: the likeliest to be relevant, and the first ranks
_CHOSEN = 12  # of a pair, shown at most
_POSITIVES = 4


class Shown(NamedTuple):
    """A document beside a query; None where something is not known."""

    doc_row: int
    rank: int | None
    score: float | None
    probability: float | None
    source: str
    fate: str


@dataclass(frozen=True)
class ExamplePair:
    """A (query, positive) pair with some of its candidates.

    Attributes:
        value: by which it was picked: mean score of its negatives, distance to the threshold, or probability.
        query_row: in the collection.
        positive_rows: of the query, that of the pair first; at most four.
        positive_scores: of these; None where it is not known.
        n_positives: that the query has.
        hardness: mean score of the pair's negatives; None where none has a score.
        shown: twelve negatives, what is likeliest relevant, and some others, by rank; then negatives beyond candidates.
        n_chosen: negatives that the pair has.
        n_candidates: that the query has.
    """

    value: float
    query_row: int
    positive_rows: list[int]
    positive_scores: list[float | None]
    n_positives: int
    hardness: float | None
    shown: list[Shown]
    n_chosen: int
    n_candidates: int


class ExamplePairs:
    """Picks pairs while blocks come by; keeps at most 40 of each kind, and of a query one of each kind.

    Args:
        threshold: to which some shall be near; None: none are picked for that.
        suspect_probability: from which a candidate is suspected of being relevant.
    """

    def __init__(self, threshold: Threshold | None, suspect_probability: float) -> None:
        self._threshold = threshold
        self._suspect_probability = suspect_probability
        self.groups: dict[str, list[ExamplePair]] = {name: [] for name in GROUPS}

    def add(self, pairs: PairBlock, fates: Fates, chosen: Chosen) -> None:
        """A block of queries."""
        for group, keys in self._keys(pairs, fates).items():
            kept = self.groups[group]
            worst = kept[-1].value if len(kept) >= _PER_GROUP else np.inf
            for pair in _lowest_of_each_query(pairs, np.where(keys < worst, keys, np.inf)):
                kept.append(_example(float(keys[pair]), pair, pairs, fates, chosen))
            _keep_lowest(kept)

    def merge(self, other: ExamplePairs) -> None:
        """Add those of other queries; rows are those of the whole collection."""
        for group, kept in self.groups.items():
            kept += other.groups[group]
            _keep_lowest(kept)

    def _keys(self, pairs: PairBlock, fates: Fates) -> dict[str, NDArray[np.float64]]:
        """What each kind of example is picked by, the lowest first, shape (P,); infinity for pairs that are none."""
        taken = fates.are(CHOSEN) & ~np.isnan(pairs.scores)
        n_taken = taken.sum(axis=1)
        hardness = np.where(taken, pairs.scores, 0.0).sum(axis=1) / np.maximum(n_taken, 1)
        unknown = ~(pairs.known_positive | pairs.known_positive_text | pairs.set_aside | pairs.is_given)
        guessed = unknown & pairs.present & ~pairs.judged_negative
        likely = np.where(guessed, np.nan_to_num(pairs.false_negative_probabilities), 0.0).max(axis=1, initial=0.0)
        keys = {
            "hardest": np.where(n_taken > 0, -hardness, np.inf),
            "easiest": np.where(n_taken > 0, hardness, np.inf),
            "suspected": np.where(likely >= self._suspect_probability, -likely, np.inf),
        }
        if self._threshold is not None:
            distances = np.where(guessed, self._threshold.distances(pairs), np.inf)
            keys["nearest"] = distances.min(axis=1, initial=np.inf)
        return keys


def _keep_lowest(examples: list[ExamplePair]) -> None:
    examples.sort(key=lambda example: (example.value, example.query_row))
    del examples[_PER_GROUP:]


def _lowest_of_each_query(pairs: PairBlock, keys: NDArray[np.float64]) -> Iterator[int]:
    """Of each query the pair with the lowest key, the lowest 40 of these in the block's order."""
    queries = np.repeat(np.arange(len(pairs.first_pairs)), np.diff([*pairs.first_pairs, len(keys)]))
    order = np.lexsort((np.arange(len(keys)), keys, queries))
    first = order[np.flatnonzero(np.diff(queries[order], prepend=-1))]
    first = first[np.isfinite(keys[first])]
    yield from sorted(first[np.argsort(keys[first], kind="stable")[:_PER_GROUP]].tolist())


def _example(value: float, pair: int, pairs: PairBlock, fates: Fates, chosen: Chosen) -> ExamplePair:
    same_query = np.flatnonzero(pairs.query_rows == pairs.query_rows[pair])
    others = same_query[same_query != pair]
    positives = [row for row in (pair, *others.tolist()) if pairs.positive_rows[row] >= 0]
    of_pair = (chosen.query_rows == pairs.query_rows[pair]) & (chosen.positive_rows == pairs.positive_rows[pair])
    rows = np.flatnonzero(of_pair)
    scores = chosen.scores[rows][~np.isnan(chosen.scores[rows])]
    beyond = list(_beyond_candidates(rows, chosen))
    return ExamplePair(
        value,
        int(pairs.query_rows[pair]),
        [int(pairs.positive_rows[row]) for row in positives[:_POSITIVES]],
        [_known(pairs.positive_scores[row]) for row in positives[:_POSITIVES]],
        len(positives),
        float(scores.mean(dtype=np.float64)) if len(scores) else None,
        [*_candidates(pair, pairs, fates, without={one.doc_row for one in beyond}), *beyond],
        len(rows),
        int(pairs.present[pair].sum()),
    )


def _candidates(pair: int, pairs: PairBlock, fates: Fates, *, without: set[int]) -> Iterator[Shown]:
    """The chosen, the likeliest to be relevant, and the first, by rank; but for some documents."""
    present = pairs.present[pair] & ~np.isin(pairs.doc_rows[pair], list(without))
    taken = present & (fates.of[pair] == fates.names.index(CHOSEN))
    taken &= np.cumsum(taken) <= _CHOSEN
    likeliest = np.argsort(-np.where(present, np.nan_to_num(pairs.false_negative_probabilities[pair]), -1))[:3]
    wanted = taken.copy()
    wanted[likeliest] = True
    for rank in np.flatnonzero(present).tolist():
        if int((wanted & ~taken).sum()) >= _CANDIDATES:
            break
        wanted[rank] = True
    for rank in np.flatnonzero(wanted & present).tolist():
        yield Shown(
            int(pairs.doc_rows[pair, rank]), rank, _known(pairs.scores[pair, rank]),
            _known(pairs.false_negative_probabilities[pair, rank]),
            pairs.source_names[pairs.sources[pair, rank]], fates.names[fates.of[pair, rank]],
        )  # fmt: skip


def _beyond_candidates(rows: NDArray[np.int64], chosen: Chosen) -> Iterator[Shown]:
    """Negatives of a pair that are no candidates: random documents, and some that the training data gave."""
    names = chosen.all_source_names
    for row in rows[chosen.ranks[rows] < 0][:_CHOSEN].tolist():
        yield Shown(
            int(chosen.doc_rows[row]), None, _known(chosen.scores[row]), None, names[chosen.all_sources[row]], CHOSEN
        )


def _known(value: float | np.floating) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
