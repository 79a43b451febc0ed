"""Negatives: the table of what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.collection import Collection, PartOf
from foolsgold.gather import gathered

GIVEN = "given"  # the source of a negative that the training data had already
RANDOM = "random"  # and of one that was drawn from the whole corpus
GIVEN_SOURCE, RANDOM_SOURCE = -2, -1  # in `Chosen.sources`: places in `Chosen.all_source_names`, from the end
NEGATIVES_SCHEMA = pa.schema(
    [
        ("query_id", pa.large_string()),
        ("positive_id", pa.large_string()),
        ("doc_id", pa.large_string()),
        ("rank", pa.int32()),
        ("score", pa.float32()),
        ("positive_score", pa.float32()),
        ("source", pa.large_string()),
        ("false_negative_probability", pa.float32()),
    ]
)


@dataclass(frozen=True, eq=False)
class Chosen:
    """Negatives by row, each array of shape (number of negatives,); those of a pair stand together.

    Given negatives come first, in the order given; then candidates, by rank; then random documents.

    Attributes:
        query_rows: rows in the collection.
        positive_rows: rows in the corpus; -1 for a query without positives.
        doc_rows: rows in the corpus.
        ranks: -1 for a random document, and for a given negative that was no candidate.
        scores: NaN for a random document, and where a run does not have a given negative.
        positive_scores: NaN for a query without positives, and for a positive without a score.
        sources: int8: what found it, as a place in `source_names`; -1 for a random document, -2 for a given negative.
        false_negative_probabilities: NaN where it is not known.
        source_names: such as "dense" and "bm25+dense".
    """

    query_rows: NDArray[np.int64]
    positive_rows: NDArray[np.int32]
    doc_rows: NDArray[np.int32]
    ranks: NDArray[np.int32]
    scores: NDArray[np.float32]
    positive_scores: NDArray[np.float32]
    sources: NDArray[np.int8]
    false_negative_probabilities: NDArray[np.float32]
    source_names: tuple[str, ...]

    @classmethod
    def concatenate(cls, parts: Sequence[Chosen]) -> Chosen:
        """All of several blocks, in order."""
        names = tuple(dict.fromkeys(name for part in parts for name in part.source_names))
        parts = [part._named(names) for part in parts]
        return cls._with_columns(lambda column: np.concatenate([getattr(part, column) for part in parts]), names)

    @classmethod
    def _with_columns(cls, column: Callable[[str], Any], source_names: tuple[str, ...]) -> Chosen:
        names = [field.name for field in fields(cls) if field.name != "source_names"]
        return cls(**{name: column(name) for name in names}, source_names=source_names)

    def _named(self, names: tuple[str, ...]) -> Chosen:
        """The same with other source names, which have all of these."""
        known = [names.index(name) for name in self.source_names]
        places = np.array([*known, GIVEN_SOURCE, RANDOM_SOURCE], np.int8)
        return replace(self, sources=places[self.sources], source_names=names)

    def __len__(self) -> int:
        return len(self.query_rows)

    @property
    def pair_starts(self) -> NDArray[np.int64]:
        """The first row of each pair."""
        same_query = self.query_rows[1:] == self.query_rows[:-1]
        same_positive = self.positive_rows[1:] == self.positive_rows[:-1]
        return np.flatnonzero(np.concatenate([[len(self) > 0], ~(same_query & same_positive)]))

    @property
    def all_source_names(self) -> tuple[str, ...]:
        """What may have found them, "given" and "random" last."""
        return (*self.source_names, GIVEN, RANDOM)

    @property
    def all_sources(self) -> NDArray[np.int32]:
        """What found each, as a place in `all_source_names`."""
        return self.sources.astype(np.int32) % len(self.all_source_names)

    @property
    def source_values(self) -> pa.DictionaryArray:
        """What found each, as strings."""
        return pa.DictionaryArray.from_arrays(
            pa.array(self.all_sources), pa.array(self.all_source_names, pa.large_string())
        )

    @property
    def mined(self) -> Chosen:
        """Those that the training data did not have already."""
        mined = self.sources != GIVEN_SOURCE
        return self._with_columns(lambda column: getattr(self, column)[mined], self.source_names)

    def renumbered(self, part_of: PartOf) -> Chosen:
        """The same with rows in the whole, where they were chosen from a part of a collection."""
        return replace(
            self,
            query_rows=part_of.queries(self.query_rows),
            positive_rows=part_of.documents(self.positive_rows).astype(np.int32),
            doc_rows=part_of.documents(self.doc_rows).astype(np.int32),
        )

    @property
    def expected_false_negative_ratio(self) -> float | None:
        """Sum of the probabilities by all negatives, given and random ones counting as none; None where all are."""
        return expected_ratio(self.false_negative_probabilities)

    def table(self, collection: Collection) -> pa.Table:
        """The rows of negatives.parquet: ids for rows, and nulls where there is no rank, score or positive."""
        probabilities = self.false_negative_probabilities
        columns = [
            gathered(collection.query_ids, self.query_rows),
            gathered(collection.doc_ids, self.positive_rows),
            gathered(collection.doc_ids, self.doc_rows),
            pa.array(self.ranks, pa.int32(), mask=self.ranks < 0),
            pa.array(self.scores, pa.float32(), mask=np.isnan(self.scores)),
            pa.array(self.positive_scores, pa.float32(), mask=np.isnan(self.positive_scores)),
            self.source_values.dictionary_decode(),
            pa.array(probabilities, pa.float32(), mask=np.isnan(probabilities)),
        ]
        return pa.table(columns, schema=NEGATIVES_SCHEMA)


def expected_ratio(probabilities: NDArray[np.float32]) -> float | None:
    """Their mean, an unknown one counting as 0; None where none is known."""
    known = probabilities[~np.isnan(probabilities)]
    return float(known.sum(dtype=np.float64) / len(probabilities)) if len(known) else None
