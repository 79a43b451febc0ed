"""mine: collection → encode → search → calibrate → filter → sample → export; and select, which begins at filter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from foolsgold.ahead import ahead
from foolsgold.cache_folder import open_cache
from foolsgold.calibration import LeakTest, Trial, estimate
from foolsgold.choice_files import ChoiceFiles, check_training_place
from foolsgold.choose import Choosing
from foolsgold.collection import Collection, as_collection
from foolsgold.encode import encode, identify
from foolsgold.errors import SettingsError
from foolsgold.export import check_ids
from foolsgold.filters import filters_for
from foolsgold.kept_candidates import Found, KeptCandidates
from foolsgold.output import OutputFolder
from foolsgold.provenance import (
    CANDIDATES_FILE,
    HIDDEN_FILE,
    SUSPECTS_FILE,
    Provenance,
    keep_collection,
    named,
)
from foolsgold.relabel import take_in
from foolsgold.report import Stages, Watched, make_report, report_page
from foolsgold.result import MiningResult
from foolsgold.sample import CrossEncoderJudge, judge_for
from foolsgold.scale import Engine, as_engine
from foolsgold.search import CandidateStore, Search, check_sources, open_sources
from foolsgold.settings import SELECTABLE, MiningSettings


def mine(
    collection: Any,
    encoder: Any,
    settings: MiningSettings | None = None,
    *,
    cross_encoder: Any = None,
    engine: Engine | None = None,
) -> MiningResult:
    """Mine hard negatives for every (query, positive) pair of a collection.

    Args:
        collection: a Collection (`read_beir`, `read_files`, `read_pairs`, `read_training_data`), the path of a BEIR
            folder, `ir_datasets:ID`, or pairs in any form that `read_pairs` takes.
        encoder: a hub id, a model folder, "offline", "openai:NAME" (an endpoint's model), a SentenceTransformer, an
            Encoder, or PrecomputedVectors; None where the only source is BM25 or a run, whose own scores are taken.
        settings: what to choose and where to write; None is the default.
        cross_encoder: a loaded CrossEncoder, a hub id or a folder, instead of `settings.cross_encoder`.
        engine: `RayEngine(...)` or `ShardEngine()` for more than this machine or its memory holds; the result is the
            same. None is this process, with all vectors in memory.

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
    if engine is not None:
        engine = as_engine(engine)
        from foolsgold.scale.run import mine_with

        return mine_with(engine, collection, encoder, settings, cross_encoder=cross_encoder)
    if cross_encoder is not None:
        settings = settings.replace(cross_encoder=named(cross_encoder))
    check_sources(settings, has_encoder=encoder is not None)
    stages = Stages()
    with OutputFolder(settings.out) as folder:
        with stages("read"):
            check_training_place(folder, settings)
            collection = as_collection(collection, settings)
            filters_for(settings, collection)  # what cannot work is said before hours of encoding
            check_ids(settings, collection)
            sources = open_sources(collection, settings)
            judge = judge_for(settings.cross_encoder if cross_encoder is None else cross_encoder, collection, settings)
            keep_collection(collection, folder)
            cache = open_cache(settings.cache, out=settings.out)
        with stages("load"):
            encoder, about = identify(encoder, settings, cache)
            kept = KeptCandidates(cache, collection, about, sources, settings)
            found = kept.found(collection, folder)
        if found is None:
            with stages("encode"):
                scratch = cache or folder.scratch
                encoded = encode(collection, encoder, settings, cache=cache, scratch=scratch, about=about)
                encoder = None  # the model's memory is for search to use
            with stages("search"):
                candidates = CandidateStore(collection, folder.file(CANDIDATES_FILE))
                search = Search(collection, encoded, sources, settings)
                candidates.write(search.blocks())
            with stages("calibrate"):
                calibration, trial = estimate(collection, encoded, candidates, settings, folder.file(HIDDEN_FILE))
            described = {} if encoded is None else encoded.encoder
            found = Found(candidates, trial, described, search.describe(), calibration.describe())
            kept.keep(found, folder)
        origin = Provenance.of_run(collection, settings, found.encoder, found.search, found.calibration)
        return _choose_and_write(collection, found.candidates, found.trial, settings, folder, stages, origin, judge)


def select(folder: str | Path, *, collection: Any = None, relabel: Any = None, **changes: Any) -> MiningResult:
    """Choose again from the candidates of an earlier run, with other settings; nothing is encoded or searched.

    Args:
        folder: the output folder of `mine`.
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was.
        relabel: decisions about pairs, each positive, negative or drop: a file with query_id, doc_id and label, such as
            decisions.jsonl of the review desk, a list of such triples, or a table. They override what was known, and
            later selections go on with them, until the desk's log takes one back.
        **changes: settings that choose: negatives, rates and margins, window, score bounds, sampler, short_rows,
            format, seed; `cross_encoder`, which may also be a loaded CrossEncoder; and `out`, another folder for the
            result (default: the same, replacing what was chosen before).

    Raises:
        FoolsgoldError: no such output, a collection that is gone or has changed, or settings or decisions that cannot
            work; earlier output is untouched.
    """
    origin = Provenance.read(Path(folder))
    not_here = sorted(set(changes) - set(SELECTABLE))
    if not_here:
        raise SettingsError(f"{', '.join(not_here)} cannot be changed by select; it takes {', '.join(SELECTABLE)}.")
    cross_encoder, changes = origin.cross_encoder_again(changes)
    # whoever wrote the folder does not decide whether code is run here
    settings = origin.settings.replace(**{"out": str(folder), "quiet": False, "trust_remote_code": False, **changes})
    stages = Stages()
    with OutputFolder(settings.out) as target:
        with stages("read"):
            collection = origin.collection_again(collection)
            keep_collection(collection, target)
            origin = origin.moved(collection, settings.out)
            trial = Trial.again(collection, origin.calibration, origin.hidden_for(target))
            collection, relabelled = take_in(relabel, collection, origin=origin, target=target)
            candidates = CandidateStore(collection, origin.candidates_for(target))
            check_training_place(target, settings, candidates.shards)
            judge = judge_for(cross_encoder, collection, settings)
        origin = replace(origin, relabelled=relabelled)
        return _choose_and_write(collection, candidates, trial, settings, target, stages, origin, judge)


def _choose_and_write(
    collection: Collection,
    candidates: CandidateStore,
    trial: Trial | None,
    settings: MiningSettings,
    folder: OutputFolder,
    stages: Stages,
    origin: Provenance,
    judge: CrossEncoderJudge | None,
) -> MiningResult:
    if judge is not None and trial is not None:
        judge.remember(trial.hidden.query_rows)
    with stages("choose and write"):
        choosing = Choosing(collection, candidates, settings, judge=judge, target=folder.file(CANDIDATES_FILE))
        watched = Watched(collection, settings, choosing.threshold)
        with ChoiceFiles(collection, settings, folder, candidates.shards) as files:
            for chosen in ahead(choosing.blocks(watched)):
                files.add(chosen)
        choosing.suspects.write(collection, folder.file(SUSPECTS_FILE))
    with stages("leak test"):
        leak = LeakTest.of(trial, settings, terms=choosing.terms, judge=judge)
    origin = replace(origin, cross_encoder=None if judge is None else judge.describe())
    report = make_report(
        collection=collection, settings=settings, origin=origin, choosing=choosing, watched=watched, leak=leak,
        numbers=files.numbers, n_training_rows=files.n_training_rows, stages=stages.measured,
        cross_encoder=None if judge is None else judge.report(sum(choosing.tally.fates.values())),
    )  # fmt: skip
    folder.write_json("report.json", report)
    about = origin.settings_file(settings)
    folder.write_json("settings.json", about)
    if folder.path is not None:
        folder.write_text("report.html", report_page(report, about, watched, collection))
    negatives = files.negatives()
    folder.publish(obsolete=origin.obsolete_files(folder))
    return MiningResult(negatives, report, settings, collection, folder.path, about)
