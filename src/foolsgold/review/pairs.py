"""Pairs that are open to decision: what was chosen, and what rules dropped that only guess relevance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from foolsgold.choose import Choosing
from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.collection import Collection, rows_of
from foolsgold.errors import CollectionError
from foolsgold.filters import PairBlock
from foolsgold.sample import GIVEN, GUESSING, NEGATIVES_SCHEMA, RANDOM, Chosen, Fates, Threshold
from foolsgold.search import CandidateStore
from foolsgold.settings import MiningSettings

CHOSEN, SUSPECTED = "chosen", "suspected_positive"
FATES = (CHOSEN, *GUESSING, SUSPECTED)
_MOST_DROPPED, _FEWEST_DROPPED = 5_000, 100
_COLUMNS = ("query_id", "doc_id", "rank", "score", "positive_score", "source", "false_negative_probability")


@dataclass(frozen=True, eq=False)
class Pairs:
    """n (query, document) pairs by row, each array of shape (n,); no texts.

    Attributes:
        query_rows: rows in the collection.
        doc_rows: rows in the corpus.
        ranks: among the query's candidates.
        scores: of the document; NaN where it is not known.
        positive_scores: of the positive for which the document was chosen or dropped; NaN where it has none.
        probabilities: of being an unlabelled positive; NaN where it is not known.
        sources: int16: what found it, as a place in `source_names`.
        fates: int8: what became of it, as a place in FATES.
        source_names: such as "dense" and "bm25+dense".
    """

    query_rows: NDArray[np.int64]
    doc_rows: NDArray[np.int64]
    ranks: NDArray[np.int32]
    scores: NDArray[np.float32]
    positive_scores: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    sources: NDArray[np.int16]
    fates: NDArray[np.int8]
    source_names: tuple[str, ...]

    @classmethod
    def concatenate(cls, parts: Sequence[Pairs]) -> Pairs:
        """All of several, in order."""
        names = tuple(dict.fromkeys(name for part in parts for name in part.source_names))
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _column_names()}
        sources = [
            np.array([names.index(name) for name in part.source_names], np.int16)[part.sources] for part in parts
        ]
        return cls(**{**columns, "sources": np.concatenate(sources)}, source_names=names)

    def at(self, places: NDArray[Any]) -> Pairs:
        """Some of them, by place or as a mask."""
        columns = {name: getattr(self, name)[places] for name in _column_names()}
        return Pairs(**columns, source_names=self.source_names)

    def __len__(self) -> int:
        return len(self.query_rows)

    @property
    def chosen(self) -> NDArray[np.bool_]:
        """Which were chosen as negatives."""
        chosen: NDArray[np.bool_] = self.fates == FATES.index(CHOSEN)
        return chosen

    def keys(self, n_documents: int) -> NDArray[np.int64]:
        """Query row * N + document row."""
        return self.query_rows * n_documents + self.doc_rows

    def distances(self, threshold: Threshold | None) -> NDArray[np.float64]:
        """How far each lies from the threshold; without one, the lower the score the farther. Infinity: not known."""
        scores, positives = self.scores.astype(np.float64), self.positive_scores.astype(np.float64)
        if threshold is None:
            found = -scores
        elif threshold.by == "probability":
            found = np.abs(self.probabilities.astype(np.float64) - threshold.value)
        else:
            relative = (scores - positives) / np.where(positives == 0, 1.0, np.abs(positives))
            found = np.abs(relative - threshold.value)
        return np.where(np.isnan(found), np.inf, found)


class OpenPairs(NamedTuple):
    """What there is to decide.

    Attributes:
        pairs: each (query, document) once: all that were chosen, then those dropped that lie nearest to the threshold.
        threshold: see `Threshold`; None where nothing is known.
        n_known: pairs that were chosen and are known to be no false negatives: judged not relevant by the collection,
            or by decisions that `select --relabel` took in. They are not among `pairs`.
    """

    pairs: Pairs
    threshold: Threshold | None
    n_known: int


def open_pairs(
    collection: Collection, candidates: CandidateStore, negatives: ChosenNegatives, settings: MiningSettings
) -> OpenPairs:
    """Find them; candidates are filtered and chosen from again, block by block, to know what was dropped and why.

    Args:
        collection: as it was judged for these negatives.
        candidates: of its queries.
        negatives: what was chosen.
        settings: with which.

    Raises:
        CollectionError: candidates or negatives cannot be read, or are of another collection.
    """
    chosen = _once(Pairs.concatenate(list(_chosen(negatives, collection))), collection.n_documents)
    choosing = Choosing(collection, candidates, settings)
    dropped = _Dropped(chosen, collection.n_documents, settings.suspect_probability, choosing.threshold)
    for _ in choosing.blocks(watch=dropped.add):
        pass
    known = _judged_negative(chosen, collection)
    return OpenPairs(Pairs.concatenate([chosen.at(~known), dropped.nearest()]), choosing.threshold, int(known.sum()))


def _chosen(negatives: ChosenNegatives, collection: Collection) -> Iterator[Pairs]:
    """Mined negatives, a part at a time; those that were given or drawn at random are nobody's guess."""
    schema = pa.schema([NEGATIVES_SCHEMA.field(name) for name in _COLUMNS])
    yield _from_batch(pa.RecordBatch.from_pylist([], schema), collection)  # there may be none
    for batch in negatives.batches(_COLUMNS):
        yield _from_batch(batch.filter(pc.invert(pc.is_in(batch["source"], pa.array([GIVEN, RANDOM])))), collection)


def _from_batch(batch: pa.RecordBatch, collection: Collection) -> Pairs:
    queries, docs = rows_of(batch["query_id"], collection.query_ids), rows_of(batch["doc_id"], collection.doc_ids)
    if queries.null_count or docs.null_count:
        raise CollectionError("negatives.parquet has other queries or documents than the collection. Mine again.")
    found_by = pc.dictionary_encode(batch["source"])

    def numbers(name: str) -> NDArray[np.float32]:
        return np.asarray(batch[name].to_numpy(zero_copy_only=False), np.float32)

    return Pairs(
        query_rows=queries.to_numpy().astype(np.int64),
        doc_rows=docs.to_numpy().astype(np.int64),
        ranks=batch["rank"].fill_null(-1).to_numpy(),
        scores=numbers("score"),
        positive_scores=numbers("positive_score"),
        probabilities=numbers("false_negative_probability"),
        sources=found_by.indices.to_numpy().astype(np.int16),
        fates=np.full(len(queries), FATES.index(CHOSEN), np.int8),
        source_names=tuple(found_by.dictionary.to_pylist()),
    )


class _Dropped:
    """Collects candidates that guessing rules dropped, and keeps the nearest to the threshold.

    Args:
        chosen: pairs that were chosen, for whatever positive; as many others are kept, and never very many.
        n_documents: N.
        suspect_probability: from which a candidate is kept whatever became of it.
        threshold: None where nothing is known.
    """

    def __init__(
        self, chosen: Pairs, n_documents: int, suspect_probability: float, threshold: Threshold | None
    ) -> None:
        self._threshold = threshold
        self._chosen = np.sort(chosen.keys(n_documents))
        self._n_documents = n_documents
        self._suspect_probability = suspect_probability
        self._n_most = min(max(len(chosen), _FEWEST_DROPPED), _MOST_DROPPED)
        self._parts = [chosen.at(np.empty(0, np.int64))]

    def add(self, pairs: PairBlock, fates: Fates, chosen: Chosen) -> None:
        """Those of a block; a pair of which the answer is known is none."""
        known = (
            pairs.known_positive | pairs.known_positive_text | pairs.judged_negative | pairs.set_aside | pairs.is_given
        )
        suspected = pairs.false_negative_probabilities >= self._suspect_probability
        row, column = np.nonzero(pairs.present & ~known & (fates.are(*GUESSING) | suspected))
        places = np.array([FATES.index(name) if name in GUESSING else FATES.index(SUSPECTED) for name in fates.names])
        found = Pairs(
            query_rows=pairs.query_rows[row],
            doc_rows=pairs.doc_rows[row, column].astype(np.int64),
            ranks=column.astype(np.int32),
            scores=pairs.scores[row, column].astype(np.float32),
            positive_scores=pairs.positive_scores[row].astype(np.float32),
            probabilities=pairs.false_negative_probabilities[row, column].astype(np.float32),
            sources=pairs.sources[row, column].astype(np.int16),
            fates=places[fates.of[row, column]].astype(np.int8),
            source_names=pairs.source_names,
        )
        found = _once(found, self._n_documents)
        self._parts.append(found.at(~np.isin(found.keys(self._n_documents), self._chosen)))
        if sum(len(part) for part in self._parts) > 4 * self._n_most:
            self._parts = [self.nearest()]

    def nearest(self) -> Pairs:
        """At most `n_most` of all so far, in the collection's order."""
        found = Pairs.concatenate(self._parts)
        places = np.argsort(found.distances(self._threshold), kind="stable")[: self._n_most]
        return found.at(np.sort(places))


def _once(pairs: Pairs, n_documents: int) -> Pairs:
    """Each (query, document) once, as it comes first."""
    _, first = np.unique(pairs.keys(n_documents), return_index=True)
    return pairs.at(np.sort(first))


def _judged_negative(pairs: Pairs, collection: Collection) -> NDArray[np.bool_]:
    """Which are known to be no false negatives; queries of one text share what is known of any of them."""
    groups, judged = collection.query_groups, collection.judged_negatives
    known = groups[judged.query_rows] * collection.n_documents + judged.doc_rows
    return np.isin(groups[pairs.query_rows] * collection.n_documents + pairs.doc_rows, known)


def _column_names() -> list[str]:
    return [field.name for field in fields(Pairs) if field.name != "source_names"]
