"""What a worker does with a block of queries: from lists of documents to negatives, by today's local code on a part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from foolsgold.calibration.heard import estimates_of
from foolsgold.choice_files import RenderedChoice, render_choice
from foolsgold.collection import Collection, Judgements
from foolsgold.collection.collection import CORPUS_SCHEMA, QUERIES_SCHEMA
from foolsgold.collection.part_of import PartOf
from foolsgold.encode import Encoded, Vectors
from foolsgold.export.render import render_documents
from foolsgold.export.sinks import Content
from foolsgold.filters import Answers, FalseNegativeModel, PairBlock, Relevance, apply_filters, filters_for
from foolsgold.report import Seen
from foolsgold.sample import Chooser, Chosen, RandomDocuments, Sampled, Suspects, Tally, Terms, Threshold
from foolsgold.sample.negatives import RANDOM_SOURCE
from foolsgold.scale.documents import IDS, TEXTS, Documents, Shares
from foolsgold.scale.known_estimates import KnownEstimates, completed_estimates
from foolsgold.scale.lists import Lists
from foolsgold.scale.part import Part, QuerySlice, rows_of_all
from foolsgold.scale.sources import FoundSource
from foolsgold.scale.stored_vectors import StoredVectors
from foolsgold.search import Candidates, Search
from foolsgold.search.candidates import to_batch
from foolsgold.settings import MiningSettings
from foolsgold.shards import ShardSizes
from foolsgold.witness import Background, Containment, FoldedTexts, Hubs, Testimony, Witnesses
from foolsgold.witness.shared_words import SharedWords

Found = Mapping[str, Lists]
"""By the name of the source: what it found for the queries of a block, by rows of the whole corpus."""

NO_TEXTS = CORPUS_SCHEMA.empty_table()


@dataclass(frozen=True)
class Whole:
    """What every block is seen against; sent to workers once.

    Attributes:
        settings: of the run.
        shares: who holds the documents.
        query_vectors: of all queries; None for a run without vectors.
        doc_keys: shape (N,).
        n_queries: Q.
        fingerprint: of the whole collection.
        shards: in which the output is written; None: in none.
        has_words: whether any document has a word.
        language: of the words.
        depth: candidates of a query, at most.
    """

    settings: MiningSettings
    shares: Shares
    query_vectors: StoredVectors | None
    doc_keys: NDArray[np.int64]
    n_queries: int
    fingerprint: str
    shards: ShardSizes | None
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
        choice: negatives, and the rows of their files.
        tally: counts.
        seen: for the report.
        suspects: probably relevant.
    """

    candidates: pa.RecordBatch
    choice: RenderedChoice
    tally: Tally
    seen: Seen
    suspects: Suspects


def candidates_of(whole: Whole, queries: QuerySlice, found: Found) -> Candidates:
    """The candidates of a block, with whole rows; `found` is for its queries alone."""
    block = _Block.of(whole, queries, found.values())
    return block.part.outside(block.candidates(found))


def testimony_of(whole: Whole, queries: QuerySlice, candidates: Candidates) -> Testimony:
    """What witnesses say of candidates of all queries of a slice."""
    block = _Block.of(whole, queries, [candidates.doc_rows])
    return block.testimony(block.part.inside(candidates))


def sampled_of(
    whole: Whole, queries: QuerySlice, model: FalseNegativeModel | None, found: Found
) -> tuple[Sampled, KnownEstimates | None]:
    """What `outlook_on` asks of a block of the sample, and its estimates; `found` is for its queries alone."""
    block = _Block.of(whole, queries, found.values())
    candidates = block.estimated(block.candidates(found), model)
    pairs = block.pairs(candidates)
    known = None if candidates.estimates is None else KnownEstimates(queries.rows, candidates.estimates)
    return Sampled.of(pairs, apply_filters(pairs, block.filters), whole.settings), known


def choose_again(whole: Whole, queries: QuerySlice, candidates: Candidates, choice: Choice) -> Chosen:
    """What is chosen of candidates that have their estimates, by rows of the slice's collection and of the corpus."""
    block = _Block.of(whole, queries, [candidates.doc_rows], heard=False)
    pairs = block.pairs(block.part.inside(candidates))
    chosen, _ = block.chooser(choice.terms).choose(pairs, apply_filters(pairs, block.filters))
    return block.numbered(chosen)


def handle(
    whole: Whole, queries: QuerySlice, model: FalseNegativeModel | None, known: KnownEstimates | None, choice: Choice,
    found: Found, places: slice,
) -> Handled:  # fmt: skip
    """All that is done with a block once its documents are found.

    Args:
        whole: what it is seen against.
        queries: the block.
        model: of false negatives; None for a run without vectors.
        known: what it says of queries of the sample; None where nothing is known yet.
        choice: on what is chosen.
        found: for these queries and others.
        places: of these among them.
    """
    found = {name: lists.of(places) for name, lists in found.items()}
    block = _Block.of(whole, queries, [lists.doc_rows for lists in found.values()])
    candidates = block.estimated(block.candidates(found), model, known)
    pairs = block.pairs(candidates)
    chooser = block.chooser(choice.terms)
    chosen, fates = chooser.choose(pairs, apply_filters(pairs, block.filters))
    chosen, pairs = block.numbered(chosen), pairs.renumbered(block.part_of)
    suspects = Suspects(whole.settings.suspect_probability)
    suspects.add(pairs)
    seen = Seen(whole.n_queries, whole.settings, choice.threshold)
    seen.add(pairs, fates, chosen)
    rows = to_batch(candidates, block.part, block.part_of)
    return Handled(rows, _rendered(whole, block.part, chosen), chooser.tally, seen, suspects)


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
        return cls(
            whole, Part.of(queries, documents, whole.doc_keys, None if has_answers else whole.fetch_texts), documents
        )

    @property
    def part_of(self) -> PartOf:
        """Where the part is in the whole."""
        return self.part.part_of(self._whole.fingerprint)

    @cached_property
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
            name: FoundSource(
                name, part.places(lists.doc_rows), lists.scores, texts, words, self._whole.language, part.slice.run,
                part.doc_rows,
            )
            for name, lists in found.items()
        }  # fmt: skip
        search = Search(part, self.encoded, sources, self._whole.settings, depth=self._whole.depth)
        return _narrowed(search.block(slice(0, part.n_meant)))

    def testimony(self, candidates: Candidates) -> Testimony:
        """What witnesses say."""
        encoded, hubs = self.encoded, self._documents.hubs
        assert encoded is not None and hubs is not None
        background = Background(self._own_hubs(hubs), self._words)
        containment = Containment(self.part, _folded_texts(self._whole.fingerprint), self.part.doc_rows)
        witnesses = Witnesses(self.part, encoded, self._whole.settings, background, containment)
        return witnesses.of(candidates, self._relevance)

    def estimated(
        self, candidates: Candidates, model: FalseNegativeModel | None, known: KnownEstimates | None = None
    ) -> Candidates:
        """With estimates, where there is a model; witnesses are heard for those queries that are not known."""
        if model is None:
            return candidates
        rows = self.part.slice.rows
        unknown = np.ones(len(rows), np.bool_) if known is None else ~np.isin(rows, known.rows)
        others = candidates.of_queries(unknown)
        of_others = estimates_of(self.testimony(others), model) if len(others) else None
        estimates = of_others if known is None else completed_estimates(known, unknown, of_others, candidates.doc_rows)
        return replace(candidates, estimates=estimates)

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
        drawn = chosen.sources == RANDOM_SOURCE
        found = replace(chosen, doc_rows=np.where(drawn, np.int32(-1), chosen.doc_rows)).renumbered(self.part_of)
        return replace(found, doc_rows=np.where(drawn, chosen.doc_rows, found.doc_rows))

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


def _narrowed(candidates: Candidates) -> Candidates:
    """Without columns in which no query has a candidate, as they are read back from a file."""
    width = int((candidates.doc_rows >= 0).sum(axis=1).max(initial=0))
    return replace(
        candidates,
        doc_rows=candidates.doc_rows[:, :width],
        scores=candidates.scores[:, :width],
        sources=candidates.sources[:, :width],
    )


@lru_cache(1)
def _folded_texts(fingerprint: str) -> FoldedTexts:
    """Of the documents of a collection, for all blocks that this process works on: many name the same ones."""
    return FoldedTexts()


def _rendered(whole: Whole, part: Part, chosen: Chosen) -> RenderedChoice:
    """The rows of negatives, made with the texts that they hold and no others."""
    rows = rows_of_all([chosen.doc_rows, chosen.positive_rows, part.slice.named_rows])
    documents = whole.shares.documents(rows, TEXTS) if len(rows) else Documents(rows, NO_TEXTS)
    small = Part.of(part.slice, documents, whole.doc_keys).with_own_keys()
    by_part = replace(
        chosen,
        query_rows=np.searchsorted(part.slice.rows, chosen.query_rows),
        positive_rows=small.places(chosen.positive_rows),
        doc_rows=small.places(chosen.doc_rows),
    )
    return render_choice(by_part, small, whole.settings, small.part_of(whole.fingerprint), whole.shards)


def documents_rendered(whole: Whole, start: int, stop: int) -> list[tuple[Content, ...]]:
    """What formats with a file of all documents write of some of them."""
    rows = np.arange(start, stop)
    table = whole.shares.documents(rows, TEXTS).table
    none = Judgements.none(0)
    some = Collection(table, QUERIES_SCHEMA.empty_table(), none, none, none)
    return render_documents(some, whole.settings, PartOf(np.empty(0, np.int64), rows, whole.fingerprint))
