"""Filter and sample, block by block: from stored candidates to negatives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from foolsgold.ahead import ahead
from foolsgold.collection import Collection
from foolsgold.filters import Filtered, PairBlock, Relevance, apply_filters, filters_for
from foolsgold.memory import block_queries
from foolsgold.relabel import with_positives_of
from foolsgold.sample import (
    Chooser,
    Chosen,
    CrossEncoderJudge,
    Fates,
    GroupJudge,
    Outlook,
    Sampled,
    Suspects,
    Tally,
    Terms,
    Threshold,
    outlook_on,
)
from foolsgold.search import Candidates, CandidateStore
from foolsgold.settings import MiningSettings

SAMPLED_QUERIES = 4_000  # to find the terms


class Choosing:
    """Chooses from all candidates, block by block, and counts.

    Args:
        collection: what is known to be relevant, and not.
        candidates: of its queries.
        settings: rules, sampler and number of negatives.
        terms: those of an earlier choice; None: they are found, so that what settings allow is kept.
        judge: is asked about survivors; what it scored is kept in `target`, the candidates.parquet to be.
        target: see there.

    Attributes:
        terms: on which is chosen.
        outlook: what was found with the terms; None where they were given.
        suspects: candidates to be judged, of the blocks chosen so far.
    """

    def __init__(
        self,
        collection: Collection,
        candidates: CandidateStore,
        settings: MiningSettings,
        *,
        terms: Terms | None = None,
        judge: CrossEncoderJudge | None = None,
        target: Path | None = None,
    ) -> None:
        self._collection = collection
        self._candidates = candidates
        self._settings = settings
        self._judge = judge
        self._target = target
        self._filters = filters_for(settings, collection)
        self._relevance = Relevance(collection)
        self.outlook: Outlook | None = None
        if terms is None:
            self.outlook = outlook_on(list(self._sampled()), settings)
            terms = self.outlook.terms
        self.terms = terms
        self._chooser = Chooser(collection, self._relevance, settings, self.terms)
        self.suspects = Suspects(settings.suspect_probability)

    @property
    def threshold(self) -> Threshold | None:
        """Where the rules draw the line; None where that is not known."""
        return None if self.outlook is None else self.outlook.threshold

    @property
    def tally(self) -> Tally:
        """Counts over the blocks chosen so far."""
        return self._chooser.tally

    def blocks(self, watch: Callable[[PairBlock, Fates, Chosen], None] | None = None) -> Iterator[Chosen]:
        """The negatives, in the collection's order.

        Args:
            watch: is shown each block: its pairs, the fates of their candidates, and the negatives.
        """
        progress = tqdm(
            total=self._collection.n_queries, desc="choose", unit="query", delay=1, disable=self._settings.quiet
        )
        with progress:
            for block, group_judge in self._candidate_blocks():
                pairs, filtered = self._filtered(block)
                self.suspects.add(pairs)
                chosen, fates = self._chooser.choose(pairs, filtered, group_judge)
                if watch is not None:
                    watch(pairs, fates, chosen)
                yield chosen
                progress.update(len(block))

    def _candidate_blocks(self) -> Iterator[tuple[Candidates, GroupJudge | None]]:
        if self._judge is not None:
            return self._judge.groups(self._candidates, self._target)
        return ((block, None) for block in ahead(self._candidates.blocks(block_queries(self._settings))))

    def _sampled(self) -> Iterator[Sampled]:
        """What filters leave of a sample of queries, spread evenly, before anything is chosen."""
        sampled = self._candidates.sample(SAMPLED_QUERIES)
        for block in ahead(self._candidates.blocks(block_queries(self._settings), query_rows=sampled)):
            yield Sampled.of(*self._filtered(block), self._settings)

    def _filtered(self, block: Candidates) -> tuple[PairBlock, Filtered]:
        pairs = self._relevance.pair_block(with_positives_of(self._collection, block))
        return pairs, apply_filters(pairs, self._filters)


class Choice(NamedTuple):
    """All negatives of a choice, the counts, and the terms."""

    negatives: Chosen
    tally: Tally
    terms: Terms


def choose(
    collection: Collection,
    candidates: CandidateStore,
    settings: MiningSettings,
    *,
    terms: Terms | None = None,
    judge: CrossEncoderJudge | None = None,
) -> Choice:
    """Choose from all candidates, for a trial: what is chosen is kept in memory. For the arguments see `Choosing`."""
    choosing = Choosing(collection, candidates, settings, terms=terms, judge=judge)
    return Choice(Chosen.concatenate(list(choosing.blocks())), choosing.tally, choosing.terms)
