"""The queries whose negatives differ most, with what each run chose for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.compare.elsewhere import Elsewhere
from foolsgold.compare.joined import Joined, Negatives, Pairs
from foolsgold.compare.numbers import mean_by_query
from foolsgold.compare.overlap import OverlapByQuery

BOTH, FIRST, SECOND = "both", "first", "second"
_KINDS = (BOTH, FIRST, SECOND)
SHOWN_NEGATIVES = 10  # of a query, of each kind


@dataclass(frozen=True)
class Standing:
    """What one run says of a document for a query.

    Attributes:
        chosen: whether it is a negative there.
        rank: in its candidates; None where it is none, or that is not known.
        score: None where it is no negative of the run, or has no score.
        probability: of being relevant; None where the run knows nothing of it.
        is_positive: whether it is a known positive there.
    """

    chosen: bool
    rank: int | None
    score: float | None
    probability: float | None
    is_positive: bool = False


@dataclass(frozen=True)
class DifferingNegative:
    """A document that one run or both chose for a query.

    Its text is cut; None where it is none of the first few of its kind, or the collection cannot be read.
    """

    doc_id: str
    first: Standing
    second: Standing
    text: str | None = None

    @property
    def chosen_by(self) -> str:
        """Both, first or second."""
        return BOTH if self.first.chosen and self.second.chosen else FIRST if self.first.chosen else SECOND


@dataclass(frozen=True)
class Positive:
    """A known positive of a query in one run or both; one may have been relabelled."""

    doc_id: str
    known_in: str
    text: str


@dataclass(frozen=True)
class DifferingQuery:
    """A query, and the negatives of both runs.

    Attributes:
        query_id: of the query.
        overlap_ratio: documents that both chose by documents that either chose.
        negatives: those of both first, then those of the first alone, then of the second, each by rank.
        text: as texts are shown, cut; None where the collection was not, or cannot be, read.
        positives: the first few, as far as the collection can be read.
        n_positives: of which these are the first.
    """

    query_id: str
    overlap_ratio: float
    negatives: Sequence[DifferingNegative]
    text: str | None = None
    positives: Sequence[Positive] = ()
    n_positives: int = 0


def first_of_each(negatives: Sequence[DifferingNegative]) -> list[DifferingNegative]:
    """Those that are shown: the first few of both, of the first run alone, and of the second alone."""
    groups = ([one for one in negatives if one.chosen_by == name] for name in _KINDS)
    return [one for group in groups for one in group[:SHOWN_NEGATIVES]]


def most_differing(joined: Joined, by_query: OverlapByQuery, hardness: Sequence[Any], n: int) -> NDArray[np.int64]:
    """The queries whose negatives differ most, as places in `Joined.query_ids`; those that agree are none of them.

    The lowest overlap comes first; then the larger difference of expected false-negative rates; then of hardness; then
    the order of the collection.

    Args:
        joined: both runs' negatives.
        by_query: their overlap.
        hardness: of each run, a number a negative that may be set against that of the other.
        n: at most so many.
    """
    n_queries = len(joined.query_ids)
    rates, hard = (
        [mean_by_query(part.queries, values, n_queries) for part, values in zip(joined.negatives, each, strict=True)]
        for each in ([part.probabilities for part in joined.negatives], hardness)
    )
    ratios = by_query.ratios
    keys = (-np.nan_to_num(np.abs(hard[1] - hard[0])), -np.nan_to_num(np.abs(rates[1] - rates[0])), ratios)
    order = np.lexsort(keys)  # NaN, for queries without negatives, comes last
    chosen: NDArray[np.int64] = order[ratios[order] < 1][:n]
    return chosen


def differing_queries(
    joined: Joined, queries: NDArray[np.int64], by_query: OverlapByQuery,
    pairs: tuple[Pairs, Pairs], found: tuple[Elsewhere | None, Elsewhere | None],
) -> list[DifferingQuery]:  # fmt: skip
    """What both runs chose for some queries, without texts.

    Args:
        joined: both runs' negatives.
        queries: places in `Joined.query_ids`.
        by_query: their overlap.
        pairs: as `Joined.pairs`.
        found: each run's pairs in the candidates of the other.
    """
    first, second = (_chosen(joined, part, queries) for part in joined.negatives)
    elsewhere = (_Lookup(pairs[0].keys, found[0]), _Lookup(pairs[1].keys, found[1]))
    shown = []
    for query in queries.tolist():
        of_first, of_second = first.get(query, {}), second.get(query, {})
        negatives = []
        for doc in dict.fromkeys((*of_first, *of_second)):
            key = query * len(joined.doc_ids) + doc
            standings = (
                of_first.get(doc) or elsewhere[1].standing(key), of_second.get(doc) or elsewhere[0].standing(key),
            )  # fmt: skip
            negatives.append(DifferingNegative(joined.doc_ids[doc].as_py(), *standings))
        negatives.sort(key=_place)
        ratio = float(by_query.ratios[query])
        shown.append(DifferingQuery(joined.query_ids[query].as_py(), ratio, negatives))
    return shown


def _place(negative: DifferingNegative) -> tuple[int, float]:
    own = negative.first if negative.first.chosen else negative.second
    return _KINDS.index(negative.chosen_by), float("inf") if own.rank is None else own.rank


def _chosen(joined: Joined, part: Negatives, queries: NDArray[np.int64]) -> dict[int, dict[int, Standing]]:
    """By query and document; a document chosen for several positives stands once."""
    rows = np.flatnonzero(np.isin(part.queries, queries))
    chosen: dict[int, dict[int, Standing]] = {}
    for row in rows.tolist():
        rank = None if np.isnan(part.ranks[row]) else int(part.ranks[row])
        standing = Standing(True, rank, _known(part.scores[row]), _known(part.probabilities[row]))
        chosen.setdefault(int(part.queries[row]), {}).setdefault(int(part.docs[row]), standing)
    return chosen


class _Lookup:
    """What the other run says of a pair that it did not choose."""

    def __init__(self, keys: NDArray[np.int64], found: Elsewhere | None) -> None:
        self._keys = keys
        self._found = found

    def standing(self, key: int) -> Standing:
        """Of a pair among these."""
        if self._found is None:
            return Standing(False, None, None, None)
        place = int(np.searchsorted(self._keys, key))
        rank = int(self._found.ranks[place])
        probability = _known(self._found.probabilities[place])
        return Standing(False, None if rank < 0 else rank, None, probability, bool(self._found.positive[place]))


def _known(value: np.floating[Any]) -> float | None:
    return None if np.isnan(value) else float(value)
