"""What the report's page shows beyond counts, gathered while negatives are chosen."""

from __future__ import annotations

from typing import Any

from foolsgold.collection import Collection
from foolsgold.filters import PairBlock
from foolsgold.report.by_rank import ByRank
from foolsgold.report.example_pairs import ExamplePairs
from foolsgold.report.hubs import DocumentCounts
from foolsgold.sample import Chosen, Fates, Threshold
from foolsgold.settings import MiningSettings


class Seen:
    """Numbers and a few examples of some blocks, whose size does not depend on the collection's.

    Args:
        n_queries: Q, of the whole collection.
        settings: from which probability on a candidate is suspected.
        threshold: where the rules draw the line.
    """

    def __init__(self, n_queries: int, settings: MiningSettings, threshold: Threshold | None) -> None:
        self.by_rank = ByRank(n_queries)
        self.examples = ExamplePairs(threshold, settings.suspect_probability)

    def add(self, pairs: PairBlock, fates: Fates, chosen: Chosen) -> None:
        """See a block, whose rows are those of the whole collection."""
        self.by_rank.add(pairs)
        self.examples.add(pairs, fates, chosen)

    def merge(self, other: Seen) -> None:
        """Add what was seen of blocks that come after these."""
        self.by_rank.merge(other.by_rank)
        self.examples.merge(other.examples)


class Watched:
    """Sees each block of a choice, and keeps numbers and a few examples; no texts.

    Args:
        collection: that is mined.
        settings: from which probability on a candidate is suspected.
        threshold: where the rules draw the line.
    """

    def __init__(self, collection: Collection, settings: MiningSettings, threshold: Threshold | None) -> None:
        self._collection = collection
        self.documents = DocumentCounts(collection.n_documents)
        self._seen = Seen(collection.n_queries, settings, threshold)

    @property
    def examples(self) -> ExamplePairs:
        """Pairs to show."""
        return self._seen.examples

    def __call__(self, pairs: PairBlock, fates: Fates, chosen: Chosen) -> None:
        """See a block."""
        self.documents.add(chosen)
        self._seen.add(pairs, fates, chosen)

    def merge(self, seen: Seen, chosen: Chosen) -> None:
        """Add blocks that were seen elsewhere, which come after these, and their negatives, by row in the whole."""
        self.documents.add(chosen)
        self._seen.merge(seen)

    def describe(self) -> dict[str, Any]:
        """Numbers for the report."""
        return {"by_rank": self._seen.by_rank.describe(), "documents": self.documents.describe(self._collection)}
