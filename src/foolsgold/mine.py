"""mine: collection → encode → search → filter → sample → export; and select, which begins at filter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from foolsgold.collection import Collection, as_collection
from foolsgold.encode import encode
from foolsgold.errors import SettingsError
from foolsgold.export import write_training_file
from foolsgold.filters import Relevance, apply_filters, filters_for
from foolsgold.output import OutputFolder
from foolsgold.provenance import CANDIDATES_FILE, NEGATIVES_FILE, Provenance, keep_collection
from foolsgold.relabel import take_in, with_positives_of
from foolsgold.report import Stages, make_report
from foolsgold.result import MiningResult
from foolsgold.sample import Chooser, Chosen, Tally
from foolsgold.search import CandidateStore, Search, check_sources, open_sources
from foolsgold.settings import SELECTABLE, MiningSettings


def mine(collection: Any, encoder: Any, settings: MiningSettings | None = None) -> MiningResult:
    """Mine hard negatives for every (query, positive) pair of a collection.

    Args:
        collection: a Collection (`read_beir`, `read_files`, `read_pairs`), the path of a BEIR folder, or pairs in any
            form that `read_pairs` takes.
        encoder: a hub id, a model folder, "offline", a SentenceTransformer, an Encoder, or PrecomputedVectors; None
            where the only source is BM25 or a run, whose own scores are taken.
        settings: what to choose and where to write; None is the default.

    Raises:
        FoolsgoldError: one of its kinds, saying what is wrong, where, and how to mend it; earlier output is untouched.

    >>> import numpy as np
    >>> from foolsgold import PrecomputedVectors, read_pairs
    >>> collection = read_pairs([("red", "crimson")], corpus=["rose", "blue", "crimson"])
    >>> doc_vecs = np.array([[0.8, 0.6], [0, 1], [1, 0]], np.float32)
    >>> vectors = PrecomputedVectors(query_vecs=np.array([[1, 0]], np.float32), doc_vecs=doc_vecs)
    >>> mine(collection, vectors, MiningSettings(negatives=1, quiet=True)).to_dataset("triplet")[0]
    {'anchor': 'red', 'positive': 'crimson', 'negative': 'rose'}
    """
    settings = MiningSettings() if settings is None else settings
    if not isinstance(settings, MiningSettings):
        raise SettingsError(f"settings is a {type(settings).__name__}; it takes MiningSettings(...).")
    check_sources(settings, has_encoder=encoder is not None)
    stages = Stages()
    with OutputFolder(settings.out) as folder:
        with stages("read"):
            collection = as_collection(collection, settings)
            filters_for(settings, collection)  # what cannot work is said before hours of encoding
            sources = open_sources(collection, settings)
            keep_collection(collection, folder)
        with stages("encode"):
            encoded = None if encoder is None else encode(collection, encoder, settings)
        with stages("search"):
            candidates = CandidateStore(collection, folder.file(CANDIDATES_FILE))
            search = Search(collection, encoded, sources, settings)
            candidates.write(search.blocks())
            described = {} if encoded is None else encoded.encoder
            origin = Provenance.of_run(collection, settings, described, search.describe())
        return _choose_and_write(collection, candidates, settings, folder, stages, origin)


def select(folder: str | Path, *, collection: Any = None, relabel: Any = None, **changes: Any) -> MiningResult:
    """Choose again from the candidates of an earlier run, with other settings; nothing is encoded or searched.

    Args:
        folder: the output folder of `mine`.
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was.
        relabel: decisions about pairs, each positive, negative or drop: a file with query_id, doc_id and label, a list
            of such triples, or a table. They override what was known, and later selections go on with them.
        **changes: settings that choose: negatives, margins, window, score bounds, sampler, short_rows, format, seed;
            and `out`, another folder for the result (default: the same, replacing what was chosen before).

    Raises:
        FoolsgoldError: no such output, a collection that is gone or has changed, or settings or decisions that cannot
            work; earlier output is untouched.
    """
    origin = Provenance.read(Path(folder))
    not_here = sorted(set(changes) - set(SELECTABLE))
    if not_here:
        raise SettingsError(f"{', '.join(not_here)} cannot be changed by select; it takes {', '.join(SELECTABLE)}.")
    settings = origin.settings.replace(**{"out": str(folder), "quiet": False, **changes})
    stages = Stages()
    with OutputFolder(settings.out) as target:
        with stages("read"):
            collection = origin.collection_again(collection)
            keep_collection(collection, target)
            origin = origin.moved(collection, settings.out)
            collection, relabelled = take_in(relabel, collection, origin=origin, target=target)
            candidates = CandidateStore(collection, origin.carry_over(target))
        origin = replace(origin, relabelled=relabelled)
        return _choose_and_write(collection, candidates, settings, target, stages, origin)


def _choose_and_write(
    collection: Collection,
    candidates: CandidateStore,
    settings: MiningSettings,
    folder: OutputFolder,
    stages: Stages,
    origin: Provenance,
) -> MiningResult:
    with stages("filter and sample"):
        negatives, tally = choose(collection, candidates, settings)
        folder.write_parquet(NEGATIVES_FILE, negatives)
    with stages("export"):
        train = folder.file(f"train.{settings.file_type}")
        n_rows = write_training_file(negatives, collection, settings, train) if train else None
    report = make_report(
        collection=collection, settings=settings, search=origin.search, relabelled=origin.relabelled, tally=tally,
        negatives=negatives, n_training_rows=n_rows, stages=stages.measured,
    )  # fmt: skip
    folder.write_json("report.json", report)
    folder.write_json("settings.json", origin.settings_file(settings))
    folder.publish(obsolete=origin.obsolete_files(folder))
    return MiningResult(negatives, report, settings, collection, folder.path)


def choose(collection: Collection, candidates: CandidateStore, settings: MiningSettings) -> tuple[pa.Table, Tally]:
    """Filter and sample, block by block: the table of negatives, and the counts."""
    filters = filters_for(settings, collection)
    relevance = Relevance(collection)
    chooser = Chooser(collection, relevance, settings)
    blocks = []
    with tqdm(total=collection.n_queries, desc="choose", unit="query", delay=1, disable=settings.quiet) as progress:
        for block in candidates.blocks(settings.block_size):
            pairs = relevance.pair_block(with_positives_of(collection, block))
            blocks.append(chooser.choose(pairs, apply_filters(pairs, filters)))
            progress.update(len(block))
    return Chosen.concatenate(blocks).table(collection), chooser.tally
