"""What was decided of (query, document) pairs, kept beside the result; later ones override earlier ones."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import LABELS, Collection, read_labels
from foolsgold.errors import CollectionError
from foolsgold.provenance import RELABELLED_FILE, Provenance

POSITIVE, NEGATIVE, DROP = range(len(LABELS))


@dataclass(frozen=True, eq=False)
class Decisions:
    """A label for each of n (query, document) pairs, sorted, so that the order in which they were given is no matter.

    Attributes:
        pairs: shape (n,), query row * N + document row: ascending, each once.
        labels: shape (n,), positions in LABELS.
        n_documents: N.
        n_undecided: rows of the last reading that had no label, or pairs of a log that had none.
        taken_back: pairs and labels, each of shape (m,), that a log said and took back: where they came in by it
            before, they go again.
        n_taken_back: how many went so.
    """

    pairs: NDArray[np.int64]
    labels: NDArray[np.int64]
    n_documents: int
    n_undecided: int = 0
    taken_back: tuple[NDArray[np.int64], NDArray[np.int64]] = (np.empty(0, np.int64), np.empty(0, np.int64))
    n_taken_back: int = 0

    @classmethod
    def read(cls, given: Any, collection: Collection) -> Decisions:
        """From a file or Python values, as `read_labels` takes them.

        Raises:
            FoolsgoldError: as `read_labels`.
        """
        found = read_labels(given, collection, "relabel")
        given_pairs, stands = found.query_rows * collection.n_documents + found.doc_rows, found.stands
        pairs, first = np.unique(given_pairs[stands], return_index=True)
        taken_back = given_pairs[~stands], found.labels[~stands]
        return cls(pairs, found.labels[stands][first], collection.n_documents, found.n_undecided, taken_back)

    @classmethod
    def of_run(cls, origin: Provenance, collection: Collection) -> Decisions:
        """Those that were taken in by earlier selections.

        Raises:
            CollectionError: relabelled.parquet is gone, or is not what was written.
        """
        if origin.relabelled is None or origin.folder is None:
            return cls(np.empty(0, np.int64), np.empty(0, np.int64), collection.n_documents)
        file = origin.folder / RELABELLED_FILE
        mend = "Restore it, or mine again and give the decisions anew; to change some, pass those with --relabel FILE."
        if not file.is_file():
            raise CollectionError(f"{file}, which holds the decisions taken in before, is gone. {mend}")
        decisions = cls.read(file, collection)
        if decisions.fingerprint != origin.relabelled.get("fingerprint"):
            raise CollectionError(f"{file} has changed since these negatives were chosen. {mend}")
        return decisions

    def __len__(self) -> int:
        return len(self.pairs)

    def overridden_by(self, later: Decisions) -> Decisions:
        """These and later ones; of a pair that both name, the later label, and without what was taken back since.

        Only the label that was taken back goes: another one of the same pair came from elsewhere, and stays.
        """
        stays = ~np.isin(self._coded(self.pairs, self.labels), self._coded(*later.taken_back))
        pairs, first = np.unique(np.concatenate([later.pairs, self.pairs[stays]]), return_index=True)
        labels = np.concatenate([later.labels, self.labels[stays]])[first]
        return Decisions(pairs, labels, self.n_documents, later.n_undecided, n_taken_back=len(self) - int(stays.sum()))

    @staticmethod
    def _coded(pairs: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """A number for each pair and label."""
        return pairs * len(LABELS) + labels

    def labelled(self, *labels: int) -> NDArray[np.int64]:
        """The pairs that have one of the labels."""
        return self.pairs[np.isin(self.labels, labels)]

    def table(self, collection: Collection) -> pa.Table:
        """The rows of relabelled.parquet: query_id, doc_id, label."""
        query_rows, doc_rows = np.divmod(self.pairs, self.n_documents)
        labels = pa.array(LABELS, pa.large_string()).take(pa.array(self.labels))
        columns = [collection.query_ids.take(pa.array(query_rows)), collection.doc_ids.take(pa.array(doc_rows)), labels]
        return pa.table(columns, names=["query_id", "doc_id", "label"])

    @property
    def counts(self) -> dict[str, int]:
        """Decisions by label, rows that were undecided, and earlier decisions that were taken back."""
        by_label = {name: int(np.sum(self.labels == label)) for label, name in enumerate(LABELS)}
        return {**by_label, "undecided": self.n_undecided, "taken_back": self.n_taken_back}

    @property
    def fingerprint(self) -> str:
        """A hash of pairs and labels."""
        return blake2b(self.pairs.tobytes() + self.labels.tobytes(), digest_size=16).hexdigest()
