"""A collection spread over workers: what can be asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foolsgold.calibration import Calibration, LeakTest, Trial
from foolsgold.calibration.calibration import NONE
from foolsgold.calibration.estimate import learn
from foolsgold.collection import Collection
from foolsgold.encode import Vectors
from foolsgold.export.formats import FORMATS
from foolsgold.export.sinks import Content
from foolsgold.filters import FalseNegativeModel
from foolsgold.kept_candidates import identity_of
from foolsgold.memory import block_queries
from foolsgold.sample import Chosen, Outlook, outlook_on
from foolsgold.scale.block import Choice, Handled, Whole, choose_again, documents_rendered, handle
from foolsgold.scale.counting import Counting
from foolsgold.scale.documents import Shares
from foolsgold.scale.kept_lists import KeptLists
from foolsgold.scale.known_estimates import KnownEstimates
from foolsgold.scale.part import Slices
from foolsgold.scale.pilot import HeardOnWorkers, PilotCandidates
from foolsgold.scale.pool import Pool, Ref
from foolsgold.scale.progress import RunProgress
from foolsgold.scale.remote_collection import RemoteCollection
from foolsgold.scale.searching import SEARCHED_AT_ONCE, Searching, Sweeps
from foolsgold.scale.sharing import share_out
from foolsgold.scale.stored_vectors import StoredVectors
from foolsgold.search import Candidates
from foolsgold.search.bm25 import describe_words
from foolsgold.search.plan import Plan
from foolsgold.search.random_pairs import random_pair_scores
from foolsgold.search.rescore import pair_scores
from foolsgold.search.run_file import RunSource
from foolsgold.search.search import describe_search
from foolsgold.settings import MiningSettings
from foolsgold.shards import ShardSizes
from foolsgold.sources import BM25, DENSE, parse_sources

_DOCUMENTS_AT_ONCE = 8_192  # rendered
_MOST_QUERIES = 512  # of a block: its documents, with vectors and texts, are a hundred megabytes
_COPIES = 2  # of the vectors of a block, at most
_BLOCKS_AHEAD = 3  # a worker's core: done, under way, and waiting for its documents


class Lesson(NamedTuple):
    """What was learned before anything is chosen.

    Attributes:
        calibration: what estimates rest on.
        model: that makes them; None for a run without vectors.
        trial: of the leak test; None where no positive could be hidden.
        outlook: terms, threshold and trade-offs.
        known: estimates of the sample, on which these rest; None for a run without vectors.
    """

    calibration: Calibration
    model: FalseNegativeModel | None
    trial: Trial | None
    outlook: Outlook
    known: KnownEstimates | None

    @property
    def choice(self) -> Choice:
        """On what is chosen."""
        return Choice(self.outlook.terms, self.outlook.threshold)


class SpreadVectors(NamedTuple):
    """Of both sides; None where a run has none."""

    query_vecs: StoredVectors
    doc_vecs: StoredVectors


@dataclass(frozen=True)
class Spread:
    """A collection whose documents are with holders.

    Attributes:
        pool: the workers.
        collection: queries and what is known of them.
        settings: of the run.
        whole: what every block is seen against.
        sent: the same, where workers find it.
        searching: asks the holders.
        sweeps: the same for one block of queries after the other.
        description: of sources and search.
        scoring_run: the run whose scores are taken; None: those of vectors or words.
    """

    pool: Pool
    collection: Collection
    settings: MiningSettings
    whole: Whole
    sent: Ref[Whole]
    searching: Searching
    sweeps: Sweeps
    description: Mapping[str, Any]
    scoring_run: RunSource | None

    @classmethod
    def over(
        cls, pool: Pool, collection: RemoteCollection, vectors: SpreadVectors | None,
        runs: Mapping[str, RunSource], settings: MiningSettings, *, about: Mapping[str, Any], cache: Path | None,
        store: Path, shards: ShardSizes | None, counting: Counting | None,
    ) -> Spread:  # fmt: skip
        """Share the corpus out, and plan the search.

        Args:
            pool: the workers.
            collection: queries and ids; its documents are shared out.
            vectors: of both; None where none are compared.
            runs: sources that are files, by name.
            settings: of the run.
            about: what `describe_encoder` says; empty for a run without vectors.
            cache: where lists of blocks are kept; None: nowhere.
            store: a folder of this run, which workers share.
            shards: in which the output is written.
            counting: of the words; None where neither vectors nor BM25 ask for them.
        """
        corpus = collection.pieces
        names = [source.name for source in parse_sources(settings.source)]
        query_vecs, doc_vecs = vectors or (None, None)
        shares, words = share_out(
            pool, corpus, query_vecs, doc_vecs, settings, counting=counting, store=store,
        )  # fmt: skip
        if words is not None and BM25 in names:
            words.check()
        has_words = words is not None and len(words.hashes) > 0
        language = None if counting is None else counting.language
        depth = min(settings.depth, collection.n_documents)
        whole = Whole(
            settings, shares, query_vecs, collection.document_keys, collection.n_queries, collection.fingerprint,
            shards, has_words, language, depth,
        )  # fmt: skip
        plan = None
        if query_vecs is not None and DENSE in names:
            plan = shares.holders[0].result("plan", shares.known, query_vecs.n_rows, depth)
        lists = _kept_lists(cache, collection, about, runs, settings, plan, len(shares.holders))
        searching = Searching(pool, shares, collection, names, runs, query_vecs, plan, depth, lists)
        described: dict[str, Any] = {} if plan is None else {**plan.describe(), **_index(shares, plan, depth, pool)}
        if BM25 in names:
            described |= describe_words(language, guessed=settings.language is None)
        for run in runs.values():
            described |= run.describe()
        score = partial(_pair_scores, shares, vectors, collection, runs.get(names[0]), language)
        by_chance = random_pair_scores(
            score, n_queries=collection.n_queries, n_documents=collection.n_documents, seed=settings.seed
        )
        description = describe_search(
            names, described, scored_by=names[0] if vectors is None else DENSE, depth=depth, seed=settings.seed,
            by_chance=by_chance,
        )  # fmt: skip
        scoring = runs.get(names[0]) if vectors is None else None
        sweeps = Sweeps(searching, collection.n_queries)
        return cls(pool, collection, settings, whole, pool.put(whole), searching, sweeps, description, scoring)

    @property
    def ahead(self) -> int:
        """Blocks that are under way at once."""
        return _BLOCKS_AHEAD * self.pool.n_workers * self.pool.threads_per_worker

    @cached_property
    def queries_at_once(self) -> int:
        """Queries of a block: their documents are with them, and what those have."""
        vectors = self.whole.query_vectors
        more = 0 if vectors is None else _COPIES * 4 * vectors.dimensions
        return min(block_queries(self.settings, more_bytes=more), _MOST_QUERIES)

    @cached_property
    def block_starts(self) -> list[int]:
        """The first query of each block; none goes over a sweep's end."""
        n_queries, size = self.collection.n_queries, self.queries_at_once
        return [
            start
            for first in range(0, n_queries, SEARCHED_AT_ONCE)
            for start in range(first, min(first + SEARCHED_AT_ONCE, n_queries), size)
        ]

    def learn(self, hidden_file: Path | None) -> Lesson:
        """Search and hear the pilot; calibrate, and find terms.

        Args:
            hidden_file: where the candidates of queries with hidden positives are to be; None keeps them in memory.
        """
        slices = Slices(self.collection, run=self.scoring_run)
        progress = RunProgress(self.pool, quiet=self.settings.quiet)
        pilot = PilotCandidates(
            self.pool, self.sent, slices, self.searching, self.sweeps, self.queries_at_once, self.ahead, progress
        )
        calibration, model, trial = Calibration(None, NONE, self.settings.seed), None, None
        if self.whole.query_vectors is not None:
            heard = HeardOnWorkers(self.pool, self.sent, has_words=self.whole.has_words, ahead=self.ahead)
            learned, trial = learn(self.collection, pilot, heard, self.settings, hidden_file)
            calibration, model = learned.calibration, learned.model
        outlook = outlook_on(list(pilot.sampled(model)), self.settings)
        return Lesson(calibration, model, trial, outlook, pilot.known_estimates())

    def handled(self, lesson: Lesson) -> Iterator[Handled]:
        """All blocks, in order."""
        slices, n_queries = Slices(self.collection, run=self.scoring_run), self.collection.n_queries
        size, starts = self.queries_at_once, self.block_starts

        def begun(start: int) -> Ref[Handled]:
            first, found = self.sweeps.of(start)
            stop = min(start + size, first + SEARCHED_AT_ONCE, n_queries)
            known = None if lesson.known is None else lesson.known.between(start, stop)
            return self.pool.submit(
                handle, self.sent, slices.of(np.arange(start, stop)), lesson.model, known, lesson.choice, found,
                slice(start - first, stop - first),
            )  # fmt: skip

        return self.pool.ordered((partial(begun, start) for start in starts), ahead=self.ahead)

    def documents_rendered(self) -> Iterator[tuple[Content, ...]] | None:
        """What goes into files of all documents, in order; None where the format has none."""
        if self.settings.out is None or not FORMATS[self.settings.format].documents:
            return None
        return self._documents_rendered()

    def _documents_rendered(self) -> Iterator[tuple[Content, ...]]:
        n_documents = self.collection.n_documents
        starts = range(0, n_documents, _DOCUMENTS_AT_ONCE)
        bounds = [(start, min(start + _DOCUMENTS_AT_ONCE, n_documents)) for start in starts]
        calls = (partial(self.pool.submit, documents_rendered, self.sent, *each) for each in bounds)
        for contents in self.pool.ordered(calls, ahead=self.ahead):
            yield from contents

    def leak_test(self, lesson: Lesson) -> LeakTest | None:
        """Choose once more with hidden positives."""
        trial = lesson.trial
        if trial is None:
            return None
        slices = Slices(trial.hidden.collection, trial.hidden.query_rows)

        def begun(block: Candidates) -> Ref[Chosen]:
            return self.pool.submit(choose_again, self.sent, slices.of(block.query_rows), block, lesson.choice)

        calls = (partial(begun, block) for block in trial.candidates.blocks(_MOST_QUERIES))
        return LeakTest.of_choice(trial.hidden, Chosen.concatenate(list(self.pool.ordered(calls, ahead=self.ahead))))


def _index(shares: Shares, plan: Plan, k: int, pool: Pool) -> dict[str, Any]:
    """What approximate indexes say of themselves: of several that with the least recall."""
    if plan.kind == "exact":
        return {}
    begun = [holder.call("describe_index", plan, shares.known, k) for holder in shares.holders]
    described: list[dict[str, Any]] = [pool.get(one) for one in begun]
    return min(described, key=lambda each: float(each["recall"]))


def _kept_lists(
    cache: Path | None, collection: Collection, about: Mapping[str, Any], runs: Mapping[str, RunSource],
    settings: MiningSettings, plan: Plan | None, n_shares: int,
) -> KeptLists | None:  # fmt: skip
    """Where the lists of this very search are kept; what an approximate index finds depends on how it is cut."""
    if cache is None or (about and about["fingerprint"] is None):
        return None
    described = {name: run.describe() for name, run in runs.items()}
    identity = identity_of(collection, about or None, described, settings)
    index = None if plan is None else plan.kind
    return KeptLists.of(cache, {**identity, "index": index, "shares": n_shares if index == "voyager" else None})


def _pair_scores(
    shares: Shares, vectors: SpreadVectors | None, collection: Collection, run: RunSource | None, language: str | None,
    query_rows: NDArray[np.integer], doc_rows: NDArray[np.integer],
) -> NDArray[np.floating]:  # fmt: skip
    """Scores of a few pairs, (P,): of vectors, or where there are none of the only source."""
    if vectors is None and run is not None:
        return run.pair_scores(query_rows, doc_rows)
    rows, places = np.unique(doc_rows, return_inverse=True)
    documents = shares.documents(rows, heard=True)
    if vectors is None:
        assert documents.words is not None
        texts = collection.query_texts(query_rows)
        return documents.words.pair_scores(texts, language, places[:, None])[:, 0]
    assert documents.vectors is not None
    queries, query_places = np.unique(query_rows, return_inverse=True)
    query_vecs = Vectors.of(vectors.query_vecs.take(queries), vectors.query_vecs.similarity, "query_vecs")
    doc_vecs = Vectors.of(documents.vectors, vectors.doc_vecs.similarity, "doc_vecs")
    return pair_scores(query_vecs, doc_vecs, query_places, places)
