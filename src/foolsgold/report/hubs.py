"""How often each document was chosen: a few documents may supply many of the negatives (hubs)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foolsgold.collection import Collection
from foolsgold.gather import gathered
from foolsgold.sample import Chosen

_MOST_CHOSEN = 10


class DocumentCounts:
    """Counts, for each document of the corpus, the pairs that it is a negative of: four bytes a document."""

    def __init__(self, n_documents: int) -> None:
        self._counts = np.zeros(n_documents, np.int32)

    def add(self, chosen: Chosen) -> None:
        """The negatives of a block."""
        docs, counts = np.unique(chosen.doc_rows, return_counts=True)
        self._counts[docs] += counts

    @property
    def most_chosen(self) -> NDArray[np.int64]:
        """Rows of the ten documents that were chosen most, as far as there are so many."""
        most = np.argsort(-self._counts, kind="stable")[:_MOST_CHOSEN]
        return most[self._counts[most] > 0]

    def describe(self, collection: Collection) -> dict[str, Any]:
        """As the report keeps it: documents by how often they were chosen, and those chosen most.

        `top_percent_ratio` is the share of the negatives that the top 1% of all documents supply.
        """
        total, n_top = int(self._counts.sum(dtype=np.int64)), -(-len(self._counts) // 100)
        top = np.partition(self._counts, -n_top)[-n_top:] if n_top else self._counts
        most = self.most_chosen
        ids = gathered(collection.doc_ids, most).to_pylist()
        times = Counter(self._counts[self._counts > 0].tolist())
        return {
            "chosen": int((self._counts > 0).sum()),
            "top_percent": n_top,
            "top_percent_ratio": int(top.sum(dtype=np.int64)) / total if total else None,
            "by_times_chosen": {str(n): times[n] for n in sorted(times)},
            "most_chosen": [
                {"doc_id": doc_id, "negatives": int(count)}
                for doc_id, count in zip(ids, self._counts[most], strict=True)
            ],
        }
