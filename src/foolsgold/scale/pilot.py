"""The pilot: queries that calibration and terms are learned from, searched and heard before all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from foolsgold.choose import SAMPLED_QUERIES
from foolsgold.collection import Collection
from foolsgold.filters import FalseNegativeModel
from foolsgold.sample import Sampled
from foolsgold.scale.block import Whole, candidates_of, sampled_of, testimony_of
from foolsgold.scale.known_estimates import KnownEstimates
from foolsgold.scale.part import Slices
from foolsgold.scale.pool import Pool, Ref
from foolsgold.scale.progress import RunProgress
from foolsgold.scale.searching import Searching, Sweeps
from foolsgold.search import Candidates
from foolsgold.search.candidate_store import sampled_queries
from foolsgold.witness import WITNESSES, Testimony

_MOST_QUERIES = 256  # of a block: a pilot has too few blocks of any other size to keep all workers

R = TypeVar("R")


class PilotCandidates:
    """Candidates of some queries, searched when they are asked for; stands in for a `CandidateStore`."""

    def __init__(
        self, pool: Pool, whole: Ref[Whole], slices: Slices, searching: Searching, sweeps: Sweeps,
        queries_at_once: int, ahead: int, progress: RunProgress,
    ) -> None:  # fmt: skip
        self._progress = progress
        self._pool, self._whole, self._searching, self._ahead = pool, whole, searching, ahead
        self._slices, self._sweeps = slices, sweeps
        self._at_once = min(queries_at_once, _MOST_QUERIES)
        self._sampled = sampled_queries(slices.n_queries, SAMPLED_QUERIES)  # those that the local engine takes
        self._known: list[KnownEstimates] = []

    def blocks(self, n_queries: int, query_rows: NDArray[np.int64]) -> Iterator[Candidates]:
        """Of these queries, ascending, at most `n_queries` at a time."""
        self._keep(query_rows)

        def begun(rows: NDArray[np.int64]) -> Ref[Candidates]:
            return self._pool.submit(candidates_of, self._whole, self._slices.of(rows), self._searching.kept(rows))

        return self._ordered("pilot", begun, query_rows, min(n_queries, self._at_once))

    def sampled(self, model: FalseNegativeModel | None) -> Iterator[Sampled]:
        """Of the queries that terms are found on, what is asked of them."""
        self._keep(self._sampled)

        def begun(rows: NDArray[np.int64]) -> Ref[tuple[Sampled, KnownEstimates | None]]:
            found = self._searching.kept(rows)
            return self._pool.submit(sampled_of, self._whole, self._slices.of(rows), model, found)

        for sampled, known in self._ordered("sample", begun, self._sampled, self._at_once):
            if known is not None:
                self._known.append(known)
            yield sampled

    def known_estimates(self) -> KnownEstimates | None:
        """Of those queries, once all of them were asked for; None where nothing is estimated."""
        return KnownEstimates.joined(self._known) if self._known else None

    def _keep(self, query_rows: NDArray[np.int64]) -> None:
        rows = self._searching.unknown(np.union1d(query_rows, self._sampled))  # the corpus goes by once for both
        if len(rows):
            with self._progress.stage("search pilot", total=len(rows), unit="query", n_shards=1) as line:
                self._searching.keep(rows)
                line.done(len(rows))
        self._sweeps.begin(0)  # holders go on while the pilot is heard

    def _ordered(
        self, name: str, begun: Callable[[NDArray[np.int64]], Ref[R]], query_rows: NDArray[np.int64], size: int
    ) -> Iterator[R]:
        parts = [query_rows[start : start + size] for start in range(0, len(query_rows), size)]
        results = self._pool.ordered((partial(begun, part) for part in parts), ahead=self._ahead)
        with self._progress.stage(name, total=len(query_rows), unit="query", n_shards=len(parts)) as line:
            for part, result in zip(parts, results, strict=True):
                line.done(len(part))
                yield result


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
