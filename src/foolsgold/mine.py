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
from foolsgold.report import Stages, make_report
from foolsgold.result import MiningResult
from foolsgold.sample import Chooser, Chosen, CrossEncoderJudge, Tally, judge_for
from foolsgold.search import CandidateStore, Search
from foolsgold.settings import SELECTABLE, MiningSettings


def mine(
    collection: Any, encoder: Any, settings: MiningSettings | None = None, *, cross_encoder: Any = None
) -> MiningResult:
    """Mine hard negatives for every (query, positive) pair of a collection.

    Args:
        collection: a Collection (`read_beir`, `read_files`, `read_pairs`), the path of a BEIR folder, or pairs in any
            form that `read_pairs` takes.
        encoder: a hub id, a model folder, "offline", a SentenceTransformer, an Encoder, or PrecomputedVectors.
        settings: what to choose and where to write; None is the default.
        cross_encoder: a loaded CrossEncoder, a hub id or a folder, instead of `settings.cross_encoder`.

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
    if cross_encoder is not None:
        settings = settings.replace(cross_encoder=_name_of(cross_encoder))
    stages = Stages()
    with OutputFolder(settings.out) as folder:
        with stages("read"):
            collection = as_collection(collection, settings)
            filters_for(settings, collection.n_documents)  # what cannot work is said before hours of encoding
            judge = judge_for(settings.cross_encoder if cross_encoder is None else cross_encoder, collection, settings)
            keep_collection(collection, folder)
        with stages("encode"):
            encoded = encode(collection, encoder, settings)
        with stages("search"):
            candidates = CandidateStore(collection, folder.file(CANDIDATES_FILE))
            search = Search(collection, encoded, settings)
            candidates.write(search.blocks())
            origin = Provenance.of_run(collection, settings, encoded.encoder, search.describe())
        return _choose_and_write(collection, candidates, settings, folder, stages, origin, judge)


def select(folder: str | Path, *, collection: Any = None, **changes: Any) -> MiningResult:
    """Choose again from the candidates of an earlier run, with other settings; nothing is encoded or searched.

    Args:
        folder: the output folder of `mine`.
        collection: the collection (a Collection, or the path of a BEIR folder), if it is no longer where it was.
        **changes: settings that choose: negatives, margins, window, score bounds, sampler, short_rows, format, seed;
            `cross_encoder`, which may also be a loaded CrossEncoder; and `out`, another folder for the result
            (default: the same, replacing what was chosen before).

    Raises:
        FoolsgoldError: no such output, a collection that is gone or has changed, or settings that cannot work.
    """
    origin = Provenance.read(Path(folder))
    not_here = sorted(set(changes) - set(SELECTABLE))
    if not_here:
        raise SettingsError(f"{', '.join(not_here)} cannot be changed by select; it takes {', '.join(SELECTABLE)}.")
    cross_encoder, changes = _cross_encoder_again(origin, changes)
    # whoever wrote the folder does not decide whether code is run here
    settings = origin.settings.replace(**{"out": str(folder), "quiet": False, "trust_remote_code": False, **changes})
    stages = Stages()
    with OutputFolder(settings.out) as target:
        with stages("read"):
            collection = origin.collection_again(collection)
            candidates = CandidateStore(collection, origin.carry_over(target))
            judge = judge_for(cross_encoder, collection, settings)
            keep_collection(collection, target)
        origin = origin.moved(collection, settings.out)
        return _choose_and_write(collection, candidates, settings, target, stages, origin, judge)


def _choose_and_write(
    collection: Collection,
    candidates: CandidateStore,
    settings: MiningSettings,
    folder: OutputFolder,
    stages: Stages,
    origin: Provenance,
    judge: CrossEncoderJudge | None,
) -> MiningResult:
    with stages("filter and sample"):
        negatives, tally = choose(collection, candidates, settings, judge, folder.file(CANDIDATES_FILE))
        folder.write_parquet(NEGATIVES_FILE, negatives)
    with stages("export"):
        train = folder.file(f"train.{settings.file_type}")
        n_rows = write_training_file(negatives, collection, settings, train) if train else None
    origin = replace(origin, cross_encoder=None if judge is None else judge.scorer.describe())
    report = make_report(
        collection=collection, settings=settings, search=origin.search, tally=tally, negatives=negatives,
        n_training_rows=n_rows, stages=stages.measured,
        cross_encoder=None if judge is None else judge.report(sum(tally.fates.values())),
    )  # fmt: skip
    folder.write_json("report.json", report)
    folder.write_json("settings.json", origin.settings_file(settings))
    folder.publish(obsolete=origin.obsolete_files(folder))
    return MiningResult(negatives, report, settings, collection, folder.path)


def choose(
    collection: Collection,
    candidates: CandidateStore,
    settings: MiningSettings,
    judge: CrossEncoderJudge | None = None,
    target: Path | None = None,
) -> tuple[pa.Table, Tally]:
    """Filter and sample, block by block: the table of negatives, and the counts.

    What a judge scored is kept in `target`, the candidates.parquet to be.
    """
    filters = filters_for(settings, collection.n_documents)
    relevance = Relevance(collection)
    chooser = Chooser(collection, relevance, settings)
    plain = ((block, None) for block in candidates.blocks(settings.block_size))
    blocks = []
    with tqdm(total=collection.n_queries, desc="choose", unit="query", delay=1, disable=settings.quiet) as progress:
        for block, group_judge in plain if judge is None else judge.groups(candidates, target):
            pairs = relevance.pair_block(block)
            blocks.append(chooser.choose(pairs, apply_filters(pairs, filters), group_judge))
            progress.update(len(block))
    return Chosen.concatenate(blocks).table(collection), chooser.tally


def _name_of(cross_encoder: Any) -> str | None:
    """As settings keep it: None for an object."""
    return str(cross_encoder) if isinstance(cross_encoder, (str, Path)) else None


def _cross_encoder_again(origin: Provenance, changes: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The cross-encoder to choose again with: the one given, or the one named before; and the changes with its name."""
    if "cross_encoder" in changes:
        given = changes["cross_encoder"]
        off = {"cross_encoder_max_probability": None} if given is None else {}
        return given, {**off, **changes, "cross_encoder": _name_of(given)}
    if origin.cross_encoder is not None and origin.settings.cross_encoder is None:
        raise SettingsError(
            "cross_encoder is missing: the one that judged these candidates was given as an object. Give it again, "
            "or another, or None to choose without."
        )
    return origin.settings.cross_encoder, changes
