"""The search stage on holders: blocks of queries go to all of them, and what they find becomes one list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.scale.documents import Shares
from foolsgold.scale.kept_lists import KeptLists
from foolsgold.scale.lists import Lists, filled, merged
from foolsgold.scale.pool import Pool, Ref
from foolsgold.scale.stored_vectors import StoredVectors
from foolsgold.search.plan import Plan
from foolsgold.search.run_file import RunSource
from foolsgold.sources import BM25, DENSE

SEARCHED_AT_ONCE = 8_192  # queries, for which the corpus goes by once
Found = Mapping[str, Lists]


class Searching:
    """Asks all sources for blocks of queries.

    What was found for a few scattered queries is kept, so that these are not searched again with their blocks.

    Args:
        pool: that the holders are of.
        shares: the holders; they know of the whole.
        collection: the queries.
        names: of the sources, in the order in which they are asked.
        runs: those that are files, by name.
        queries: vectors of all queries; None where none are compared.
        plan: of the index.
        k: documents wanted of each query and source.
        kept: where lists of a block are kept as soon as it is searched; None: nowhere.
    """

    def __init__(
        self, pool: Pool, shares: Shares, collection: Collection, names: Sequence[str], runs: Mapping[str, RunSource],
        queries: StoredVectors | None, plan: Plan | None, k: int, kept: KeptLists | None,
    ) -> None:  # fmt: skip
        self._pool, self._shares, self._collection = pool, shares, collection
        self._names, self._runs, self._plan, self._k = tuple(names), runs, plan, k
        self._queries: Ref[Any] = pool.put(queries)
        self._cache = kept
        self._kept_rows = np.empty(0, np.int64)
        self._kept: Found | None = None

    def unknown(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some queries, ascending, of which nothing is kept."""
        return np.setdiff1d(rows, self._kept_rows)

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Search some queries, ascending, and keep what is found: at most a few thousand."""
        new = self.unknown(rows)
        parts = [
            self._pool.get(self._begun(new[start : start + SEARCHED_AT_ONCE]))
            for start in range(0, len(new), SEARCHED_AT_ONCE)
        ]
        if not parts:
            return
        known = [] if self._kept is None else [self._kept]
        order = np.argsort(np.concatenate([self._kept_rows, new]))
        self._kept = {
            name: Lists.concatenated([part[name] for part in (*known, *parts)]).of(order) for name in self._names
        }
        self._kept_rows = np.concatenate([self._kept_rows, new])[order]

    def kept(self, rows: NDArray[np.int64]) -> Found:
        """What was found for some of these."""
        assert self._kept is not None
        places = np.searchsorted(self._kept_rows, rows)
        return {name: lists.of(places) for name, lists in self._kept.items()}

    def block(self, start: int, stop: int) -> Ref[Found]:
        """What is found for a block of queries; begun, not waited for."""
        known = self._kept_rows[slice(*np.searchsorted(self._kept_rows, [start, stop]))]
        rest = np.setdiff1d(np.arange(start, stop), known)
        found = self._begun(rest) if len(rest) else None
        if not len(known):
            assert found is not None
            return found
        return self._pool.submit(completed, stop - start, known - start, self.kept(known), found)

    def _begun(self, rows: NDArray[np.int64]) -> Ref[Found]:
        path = None if self._cache is None else self._cache.path(rows)
        found = None if self._cache is None or path is None else self._cache.read(path)
        if found is not None:
            return self._pool.put(found)
        parts = [ref for name in self._names for ref in self._parts(name, rows)]
        counts = [1 if name in self._runs else len(self._shares.holders) for name in self._names]
        return self._pool.submit(put_together, self._names, counts, self._k, self._cache, path, *parts)

    def _parts(self, name: str, rows: NDArray[np.int64]) -> Iterator[Ref[Lists] | Lists]:
        known = self._shares.known
        if name in self._runs:
            yield lists_of_run(self._runs[name], rows, self._k)
        elif name == BM25:
            texts = self._pool.put(self._collection.query_texts(rows))
            yield from (holder.call("search_words", texts, self._k, known) for holder in self._shares.holders)
        else:
            assert name == DENSE
            for holder in self._shares.holders:
                yield holder.call("search", self._queries, rows, self._k, self._plan, known)


class Sweeps:
    """Blocks of all queries, each searched while the one before is worked on, so that no holder waits.

    Args:
        searching: asks the holders.
        n_queries: Q.
    """

    def __init__(self, searching: Searching, n_queries: int) -> None:
        self._searching, self._n_queries = searching, n_queries
        self._begun: dict[int, Ref[Found]] = {}

    def begin(self, first: int) -> None:
        """Begin to search for a block, by its first query, unless that was done, or there is none."""
        if first not in self._begun and first < self._n_queries:
            stop = min(first + SEARCHED_AT_ONCE, self._n_queries)
            self._begun[first] = self._searching.block(first, stop)

    def of(self, query: int) -> tuple[int, Ref[Found]]:
        """The first query of the block that a query is in, and what is found for it; blocks are asked for in order."""
        first = query // SEARCHED_AT_ONCE * SEARCHED_AT_ONCE
        self.begin(first)
        self.begin(first + SEARCHED_AT_ONCE)
        for earlier in [begun for begun in self._begun if begun < first]:
            del self._begun[earlier]  # calls that are under way keep what they need
        return first, self._begun[first]


def put_together(
    names: Sequence[str], counts: Sequence[int], k: int, kept: KeptLists | None, path: Path | None, *parts: Lists
) -> Found:
    """One list a source, of the parts of its shares.

    Args:
        names: of the sources.
        counts: how many parts each has.
        k: documents wanted.
        kept: where the lists are kept; None: nowhere.
        path: their file.
        parts: source by source.
    """
    ends = np.cumsum(counts).tolist()
    found = {name: merged(k, *parts[end - count : end]) for name, count, end in zip(names, counts, ends, strict=True)}
    if kept is not None and path is not None:
        kept.write(path, found)
    return found


def completed(n_queries: int, known_places: NDArray[np.int64], known: Found, rest: Found | None) -> Found:
    """A block of which some queries were searched before."""
    return {
        name: filled(n_queries, known_places, lists, None if rest is None else rest[name])
        for name, lists in known.items()
    }


def lists_of_run(run: RunSource, rows: NDArray[np.int64], k: int) -> Lists:
    """The first k documents that a run has for some queries."""
    starts, counts = run.offsets[rows], np.diff(run.offsets)[rows]
    present = np.arange(k) < counts[:, None]  # (B, k)
    places = (starts[:, None] + np.arange(k))[present]
    lists = Lists(np.full(present.shape, -1, np.int32), np.full(present.shape, np.nan))
    lists.doc_rows[present], lists.scores[present] = run.doc_rows[places], run.scores[places]
    return lists
