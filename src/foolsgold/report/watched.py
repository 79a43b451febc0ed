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
        self._by_rank = ByRank(collection.n_queries)
        self.examples = ExamplePairs(threshold, settings.suspect_probability)

    def __call__(self, pairs: PairBlock, fates: Fates, chosen: Chosen) -> None:
        """See a block."""
        self.documents.add(chosen)
        self._by_rank.add(pairs)
        self.examples.add(pairs, fates, chosen)

    def describe(self) -> dict[str, Any]:
        """Numbers for the report."""
        return {"by_rank": self._by_rank.describe(), "documents": self.documents.describe(self._collection)}
