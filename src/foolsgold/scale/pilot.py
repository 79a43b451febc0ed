"""The pilot: queries that calibration and terms are learned from, searched and heard before all others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.choose import SAMPLED_QUERIES
from foolsgold.collection import Collection
from foolsgold.filters import FalseNegativeModel
from foolsgold.sample import Outlook, outlook_on
from foolsgold.scale.block import Whole, candidates_of, sampled_of, testimony_of
from foolsgold.scale.part import Slices
from foolsgold.scale.pool import Pool, Ref
from foolsgold.scale.searching import Searching
from foolsgold.search import Candidates
from foolsgold.search.candidate_store import sampled_queries
from foolsgold.settings import MiningSettings
from foolsgold.witness import WITNESSES, Testimony

_QUERIES_AT_ONCE = 256


class PilotCandidates:
    """Candidates of some queries, searched when they are asked for; stands in for a `CandidateStore`."""

    def __init__(self, pool: Pool, whole: Ref[Whole], slices: Slices, searching: Searching, ahead: int) -> None:
        self._pool, self._whole, self._searching, self._ahead = pool, whole, searching, ahead
        self._slices = slices

    def blocks(self, n_queries: int, query_rows: NDArray[np.int64]) -> Iterator[Candidates]:
        """Of these queries, ascending, at most `n_queries` at a time."""
        self._searching.keep(query_rows)
        size = min(n_queries, _QUERIES_AT_ONCE)
        starts = range(0, len(query_rows), size)
        return self._pool.ordered(
            (partial(self._begun, query_rows[start : start + size]) for start in starts), ahead=self._ahead
        )

    def _begun(self, rows: NDArray[np.int64]) -> Ref[Candidates]:
        found = self._searching.kept(rows)
        return self._pool.submit(candidates_of, self._whole, self._slices.of(rows), found, slice(0, len(rows)))


class HeardOnWorkers:
    """Witnesses that are heard by workers; stands in for `Witnesses`."""

    def __init__(self, pool: Pool, whole: Ref[Whole], *, has_words: bool, ahead: int) -> None:
        self._pool, self._whole, self._ahead = pool, whole, ahead
        self.silent = () if has_words else (WITNESSES[1], WITNESSES[3])

    def hear(
        self, blocks: Iterable[Candidates], collection: Collection, query_rows: NDArray[np.int64] | None = None
    ) -> Iterator[Testimony]:
        """As `Witnesses.hear`."""
        slices = Slices(collection, query_rows)
        calls = (partial(self._begun, slices, block) for block in blocks)
        return self._pool.ordered(calls, ahead=self._ahead)

    def _begun(self, slices: Slices, block: Candidates) -> Ref[Testimony]:
        return self._pool.submit(testimony_of, self._whole, slices.of(block.query_rows), block)


def outlook(
    pool: Pool, whole: Ref[Whole], collection: Collection, pilot: PilotCandidates, model: FalseNegativeModel | None,
    settings: MiningSettings, *, ahead: int,
) -> Outlook:  # fmt: skip
    """Terms, threshold and trade-offs, from the sample of queries that the local engine takes."""
    slices = Slices(collection)
    rows = sampled_queries(collection.n_queries, SAMPLED_QUERIES)

    def begun(block: Candidates) -> Ref[Any]:
        return pool.submit(sampled_of, whole, slices.of(block.query_rows), block, model)

    calls = (partial(begun, block) for block in pilot.blocks(_QUERIES_AT_ONCE, rows))
    return outlook_on(list(pool.ordered(calls, ahead=ahead)), settings)
