"""What a worker does with a block of queries: from lists of documents to negatives, by today's local code on a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.calibration.heard import estimates_of
from foolsgold.collection import Collection
from foolsgold.encode import Encoded, Vectors
from foolsgold.export import RenderedRows, TrainingRows, render
from foolsgold.filters import Answers, FalseNegativeModel, PairBlock, Relevance, apply_filters, filters_for
from foolsgold.report import Watched
from foolsgold.sample import Chooser, Chosen, RandomDocuments, Sampled, Suspects, Tally, Terms, Threshold
from foolsgold.sample.negatives import RANDOM_SOURCE
from foolsgold.scale.documents import IDS, TEXTS, Documents, Shares
from foolsgold.scale.lists import Lists
from foolsgold.scale.part import Part, QuerySlice, rows_of_all
from foolsgold.scale.sources import FoundSource
from foolsgold.scale.stored_vectors import StoredVectors
from foolsgold.search import Candidates, Search
from foolsgold.search.candidates import to_batch
from foolsgold.settings import MiningSettings
from foolsgold.sources import parse_sources
from foolsgold.witness import Background, Hubs, Testimony, Witnesses
from foolsgold.witness.shared_words import SharedWords

Found = Mapping[str, Lists]
"""By the name of the source: what it found for the queries of a block, by rows of the whole corpus."""


@dataclass(frozen=True)
class Whole:
    """What every block is seen against; sent to workers once.

    Attributes:
        settings: of the run.
        shares: who holds the documents.
        query_vectors: of all queries; None for a run without vectors.
        doc_keys: shape (N,).
        has_words: whether any document has a word.
        language: of the words.
        depth: candidates of a query, at most.
    """

    settings: MiningSettings
    shares: Shares
    query_vectors: StoredVectors | None
    doc_keys: NDArray[np.int64]
    has_words: bool
    language: str | None
    depth: int

    def fetch_texts(self, rows: NDArray[np.int64]) -> pa.Table:
        """Titles and texts of some documents, ascending."""
        return self.shares.documents(rows, TEXTS).table


class Choice(NamedTuple):
    """On what is chosen: see `Choosing`."""

    terms: Terms
    threshold: Threshold | None


class Handled(NamedTuple):
    """What became of a block, with rows of the whole corpus.

    Attributes:
        candidates: the rows of candidates.parquet.
        negatives: the rows of negatives.parquet.
        rendered: the rows of the training file.
        chosen: the negatives.
        tally: counts.
        watched: for the report.
        suspects: probably relevant.
    """

    candidates: pa.RecordBatch
    negatives: pa.Table
    rendered: RenderedRows | None
    chosen: Chosen
    tally: Tally
    watched: Watched
    suspects: Suspects


def candidates_of(whole: Whole, queries: QuerySlice, found: Found, places: slice) -> Candidates:
    """The candidates of a block, with whole rows; for the arguments see `handle`."""
    found = {name: lists.of(places) for name, lists in found.items()}
    block = _Block.of(whole, queries, found.values())
    return block.part.outside(block.candidates(found))


def testimony_of(whole: Whole, queries: QuerySlice, candidates: Candidates) -> Testimony:
    """What witnesses say of candidates of all queries of a slice."""
    block = _Block.of(whole, queries, [candidates.doc_rows])
    return block.testimony(block.part.inside(candidates))


def sampled_of(
    whole: Whole, queries: QuerySlice, candidates: Candidates, model: FalseNegativeModel | None
) -> Sampled:
    """What `outlook_on` asks of a block of the sample."""
    block = _Block.of(whole, queries, [candidates.doc_rows])
    pairs = block.pairs(block.estimated(block.part.inside(candidates), model))
    return Sampled.of(pairs, apply_filters(pairs, block.filters), whole.settings)


def choose_again(whole: Whole, queries: QuerySlice, candidates: Candidates, choice: Choice) -> Chosen:
    """What is chosen of candidates that have their estimates, by rows of the slice's collection and of the corpus."""
    block = _Block.of(whole, queries, [candidates.doc_rows], heard=False)
    pairs = block.pairs(block.part.inside(candidates))
    chosen, _ = block.chooser(choice.terms).choose(pairs, apply_filters(pairs, block.filters))
    return block.numbered(chosen)


def handle(
    whole: Whole, queries: QuerySlice, model: FalseNegativeModel | None, choice: Choice, found: Found, places: slice
) -> Handled:
    """All that is done with a block once its documents are found.

    Args:
        whole: what it is seen against.
        queries: the block.
        model: of false negatives; None for a run without vectors.
        choice: on what is chosen.
        found: for these queries and others.
        places: of these among them.
    """
    found = {name: lists.of(places) for name, lists in found.items()}
    block = _Block.of(whole, queries, [lists.doc_rows for lists in found.values()])
    candidates = block.estimated(block.candidates(found), model)
    pairs = block.pairs(candidates)
    chooser = block.chooser(choice.terms)
    chosen, fates = chooser.choose(pairs, apply_filters(pairs, block.filters))
    chosen, pairs = block.numbered(chosen), block.numbered_pairs(pairs)
    suspects = Suspects(whole.settings.suspect_probability)
    suspects.add(pairs)
    watched = Watched.of_block(whole.shares.n_documents, len(whole.query_vectors or ()), whole.settings, choice.threshold)
    watched(pairs, fates, chosen)
    exported = _Exported.of(whole, block.part, chosen)
    return Handled(
        _numbered_batch(to_batch(candidates, block.part), block.part), exported.table(), exported.rendered(whole.settings),
        chosen, chooser.tally, watched, suspects,
    )  # fmt: skip


class _Block:
    """A block on its part of the collection."""

    def __init__(self, whole: Whole, part: Part, documents: Documents) -> None:
        self._whole, self.part, self._documents = whole, part, documents
        self._relevance = Relevance(part)
        self.filters = filters_for(whole.settings, part, whole.shares.n_documents)

    @classmethod
    def of(cls, whole: Whole, queries: QuerySlice, named: Any, *, heard: bool = True) -> _Block:
        """With the documents that are named, by whole rows, and those that something is known of."""
        named = [lists.doc_rows if isinstance(lists, Lists) else lists for lists in named]
        rows = rows_of_all([*named, queries.named_rows])
        has_answers = "answers" in queries.queries.column_names and whole.settings.answer_match
        documents = whole.shares.documents(rows, TEXTS if has_answers else IDS, heard=heard)
        return cls(whole, Part.of(queries, documents, whole.doc_keys, None if has_answers else whole.fetch_texts), documents)

    @property
    def encoded(self) -> Encoded | None:
        """Vectors of the queries that are meant, and of the part's documents."""
        stored = self._whole.query_vectors
        if stored is None or self._documents.vectors is None:
            return None
        query_vecs = Vectors.of(stored.take(self.part.slice.vector_rows), stored.similarity, "query_vecs")
        return Encoded(query_vecs, Vectors.of(self._documents.vectors, stored.similarity, "doc_vecs"), {})

    def candidates(self, found: Found) -> Candidates:
        """By the part's rows."""
        part, words = self.part, self._documents.words
        texts = part.query_texts(np.arange(part.n_meant))
        sources = {
            name: FoundSource(name, part.places(lists.doc_rows), lists.scores, texts, words, self._whole.language)
            for name, lists in found.items()
        }
        search = Search(part, self.encoded, sources, self._whole.settings, depth=self._whole.depth)
        return search.block(slice(0, part.n_meant))

    def testimony(self, candidates: Candidates) -> Testimony:
        """What witnesses say."""
        encoded, hubs = self.encoded, self._documents.hubs
        assert encoded is not None and hubs is not None
        background = Background(self._own_hubs(hubs), self._words)
        witnesses = Witnesses(self.part, encoded, self._whole.settings, background)
        return witnesses.of(candidates, self._relevance)

    def estimated(self, candidates: Candidates, model: FalseNegativeModel | None) -> Candidates:
        """With estimates, where there is a model."""
        if model is None:
            return candidates
        return replace(candidates, estimates=estimates_of(self.testimony(candidates), model))

    def pairs(self, candidates: Candidates) -> PairBlock:
        """One row per (query, positive) pair."""
        return self._relevance.pair_block(candidates)

    def chooser(self, terms: Terms) -> Chooser:
        """Chooses, and draws random documents from the whole corpus."""
        settings = self._whole.settings
        answers = Answers.of(_WholeTexts.of(self.part, self._whole), settings)
        random = RandomDocuments(self._relevance, settings, self._whole.doc_keys, answers)
        return Chooser(self.part, self._relevance, settings, terms, random=random)

    def numbered(self, chosen: Chosen) -> Chosen:
        """By whole rows; random documents have theirs already."""
        docs = np.where(chosen.sources == RANDOM_SOURCE, chosen.doc_rows, 0)
        own = self.part.whole_rows(np.where(chosen.sources == RANDOM_SOURCE, -1, chosen.doc_rows))
        return replace(
            chosen,
            query_rows=self.part.slice.rows[chosen.query_rows],
            positive_rows=self.part.whole_rows(chosen.positive_rows),
            doc_rows=np.where(chosen.sources == RANDOM_SOURCE, docs, own).astype(np.int32),
        )

    def numbered_pairs(self, pairs: PairBlock) -> PairBlock:
        """By whole rows."""
        return replace(
            pairs,
            query_rows=self.part.slice.rows[pairs.query_rows],
            positive_rows=self.part.whole_rows(pairs.positive_rows),
            doc_rows=self.part.whole_rows(pairs.doc_rows),
            given=pairs.given._replace(doc_rows=self.part.whole_rows(pairs.given.doc_rows)),
        )

    @property
    def _words(self) -> SharedWords | None:
        words = self._documents.words
        return None if words is None or not self._whole.has_words else SharedWords.of_words(words, self._whole.language)

    def _own_hubs(self, hubs: Hubs) -> Hubs:
        """With the part's own numbers of queries."""
        return hubs._replace(nearest=self.part.query_places(hubs.nearest))


class _WholeTexts(Collection):
    """The part's queries with their answers, and documents of the whole corpus."""

    @classmethod
    def of(cls, part: Part, whole: Whole) -> _WholeTexts:
        texts = cls(part.corpus, part.queries, part.positives, part.judged_negatives, part.held_out_positives)
        texts.__dict__["_whole"] = whole
        return texts

    def document_text(self, row: int) -> str:
        """Of a row of the whole corpus."""
        whole: Whole = self.__dict__["_whole"]
        table = whole.fetch_texts(np.array([row], np.int64))
        return " ".join(filter(None, (table["title"][0].as_py(), table["text"][0].as_py())))


class _Exported(NamedTuple):
    """Chosen negatives with the texts that their rows hold, and no others."""

    chosen: Chosen
    part: Part

    @classmethod
    def of(cls, whole: Whole, part: Part, chosen: Chosen) -> _Exported:
        rows = rows_of_all([chosen.doc_rows, chosen.positive_rows, part.slice.named_rows])
        documents = whole.shares.documents(rows, TEXTS) if len(rows) else Documents(rows, part.corpus.slice(0, 0))
        small = Part.of(part.slice, documents, whole.doc_keys)
        return cls(
            replace(
                chosen,
                query_rows=np.searchsorted(part.slice.rows, chosen.query_rows),
                positive_rows=small.places(chosen.positive_rows),
                doc_rows=small.places(chosen.doc_rows),
            ),
            small,
        )

    def table(self) -> pa.Table:
        """The rows of negatives.parquet."""
        return self.chosen.table(self.part)

    def rendered(self, settings: MiningSettings) -> RenderedRows | None:
        """The rows of the training file; None where none is written."""
        return None if settings.out is None else render(TrainingRows.of(self.chosen), self.part, settings)


def _numbered_batch(batch: pa.RecordBatch, part: Part) -> pa.RecordBatch:
    """Rows of candidates.parquet, whose columns of rows name the whole corpus."""
    for name in ("positive_rows", "doc_rows", "given_rows"):
        if name in batch.schema.names:
            lists = batch[name]
            own = part.whole_rows(lists.flatten().to_numpy()).astype(np.int32)
            column = pa.ListArray.from_arrays(lists.offsets, pa.array(own, pa.int32()))
            batch = batch.set_column(batch.schema.get_field_index(name), batch.schema.field(name), column)
    return batch


def names_of(settings: MiningSettings) -> Sequence[str]:
    """The sources that are asked."""
    return [source.name for source in parse_sources(settings.source)]

