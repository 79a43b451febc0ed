"""Filter and sample, block by block: from stored candidates to negatives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from foolsgold.collection import Collection
from foolsgold.filters import Filtered, PairBlock, Relevance, apply_filters, filters_for
from foolsgold.relabel import with_positives_of
from foolsgold.sample import Chooser, Chosen, CrossEncoderJudge, Suspects, Tally, Terms, terms_for
from foolsgold.search import CandidateStore
from foolsgold.settings import MiningSettings

_SAMPLED_QUERIES = 4_000  # to find the terms


class Choice(NamedTuple):
    """The negatives, the counts, the candidates to be judged, and the terms that were found."""

    negatives: Chosen
    tally: Tally
    suspects: Suspects
    terms: Terms


def choose(
    collection: Collection,
    candidates: CandidateStore,
    settings: MiningSettings,
    *,
    terms: Terms | None = None,
    judge: CrossEncoderJudge | None = None,
    target: Path | None = None,
) -> Choice:
    """Choose from all candidates.

    Args:
        collection: what is known to be relevant, and not.
        candidates: of its queries.
        settings: rules, sampler and number of negatives.
        terms: those of an earlier choice; None: they are found, so that what settings allow is kept.
        judge: is asked about survivors; what it scored is kept in `target`, the candidates.parquet to be.
        target: see there.
    """
    filters, relevance = filters_for(settings, collection), Relevance(collection)
    if terms is None:
        terms = terms_for(_filtered_sample(collection, candidates, settings), settings)
    chooser, suspects = Chooser(collection, relevance, settings, terms), Suspects(settings.suspect_probability)
    plain = ((block, None) for block in candidates.blocks(settings.block_size))
    chosen = []
    with tqdm(total=collection.n_queries, desc="choose", unit="query", delay=1, disable=settings.quiet) as progress:
        for block, group_judge in plain if judge is None else judge.groups(candidates, target):
            pairs = relevance.pair_block(with_positives_of(collection, block))
            suspects.add(pairs)
            chosen.append(chooser.choose(pairs, apply_filters(pairs, filters), group_judge))
            progress.update(len(block))
    return Choice(Chosen.concatenate(chosen), chooser.tally, suspects, terms)


def _filtered_sample(
    collection: Collection, candidates: CandidateStore, settings: MiningSettings
) -> Iterator[tuple[PairBlock, Filtered]]:
    """What filters leave of a sample of queries, spread evenly, before anything is chosen."""
    filters, relevance = filters_for(settings, collection), Relevance(collection)
    n_queries = collection.n_queries
    sampled = np.unique(np.linspace(0, n_queries - 1, min(n_queries, _SAMPLED_QUERIES)).astype(np.int64))
    for block in candidates.blocks(settings.block_size):
        part = block.of_queries(np.isin(block.query_rows, sampled))
        if len(part):
            pairs = relevance.pair_block(with_positives_of(collection, part))
            yield pairs, apply_filters(pairs, filters)
