"""mine, beyond one machine or its memory: read → encode → share out → learn → handle block by block → report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from foolsgold.cache_folder import RUN_PREFIX, open_cache
from foolsgold.choice_files import ChoiceFiles, check_training_place
from foolsgold.collection import Collection, CollectionFiles, as_collection
from foolsgold.errors import SettingsError
from foolsgold.export import check_ids
from foolsgold.filters import filters_for
from foolsgold.output import OutputFolder
from foolsgold.owner import mark_owned, remove_abandoned_runs
from foolsgold.provenance import CANDIDATES_FILE, HIDDEN_FILE, SUSPECTS_FILE, Provenance, keep_collection
from foolsgold.report import Stages, Watched, make_report, report_page
from foolsgold.result import MiningResult
from foolsgold.sample import Outlook, Suspects, Tally, Terms, Threshold
from foolsgold.scale.block import Handled
from foolsgold.scale.corpus_of import corpus_of
from foolsgold.scale.counting import Counting
from foolsgold.scale.encode_on import encode_on
from foolsgold.scale.engine import Engine
from foolsgold.scale.pool import Pool
from foolsgold.scale.progress import RunProgress
from foolsgold.scale.read_sharded import read_sharded
from foolsgold.scale.remote_collection import RemoteCollection
from foolsgold.scale.shared_folder import check_shared
from foolsgold.scale.spread import Lesson, Spread, SpreadVectors
from foolsgold.scale.texts import SideTexts
from foolsgold.scale.worker_encoder import identify_on
from foolsgold.search import CandidateWriter, check_sources
from foolsgold.search.run_file import RunSource, read_run
from foolsgold.settings import MiningSettings
from foolsgold.shards import ShardSizes
from foolsgold.sources import BM25, parse_sources

_SHARDS = ShardSizes()


def mine_with(
    engine: Engine, collection: Any, encoder: Any, settings: MiningSettings, *, cross_encoder: Any = None
) -> MiningResult:
    """As `mine`, by the workers of an engine; for the arguments see there.

    Raises:
        FoolsgoldError: as `mine`; and WorkerError where workers are lost for good.
    """
    if cross_encoder is not None or settings.cross_encoder is not None:
        raise SettingsError(
            "cross_encoder is for one machine. Mine without it, and let it judge afterwards: foolsgold select OUT "
            "--cross-encoder MODEL."
        )
    check_sources(settings, has_encoder=encoder is not None)
    stages = Stages()
    with OutputFolder(settings.out) as folder, ExitStack() as opened:
        with stages("connect"):
            check_training_place(folder, settings, _SHARDS)
            cache, store = opened.enter_context(_places(settings, folder))
            pool = opened.enter_context(engine.pool(settings))
            if not pool.on_one_machine:
                check_shared(pool, store, "cache", "--cache")
        with stages("read"):
            collection = _read_on(pool, collection, settings, cache or store, folder)
            filters_for(settings, collection)  # what cannot work is said before hours of encoding
            check_ids(settings, collection)
            runs = _runs(collection, settings)
        with stages("encode"):
            counting = _counting(pool, collection, encoder, settings, store)
            vectors, about = _encoded_on(pool, collection, encoder, settings, cache, store)
        with stages("share out"):
            spread = Spread.over(
                pool, collection, vectors, runs, settings, about=about, cache=cache, store=store, shards=_SHARDS,
                counting=counting,
            )  # fmt: skip
        with stages("learn"):
            lesson = spread.learn(folder.file(HIDDEN_FILE))
        origin = Provenance.of_run(collection, settings, about, spread.description, lesson.calibration.describe())
        return _handle_and_write(spread, lesson, folder, stages, origin)


@contextmanager
def _places(settings: MiningSettings, folder: OutputFolder) -> Iterator[tuple[Path | None, Path]]:
    """The cache folder, and one for files of this run alone; both are for workers, too."""
    cache = open_cache(settings.cache, out=settings.out)
    if cache is not None:
        remove_abandoned_runs(cache)
    with tempfile.TemporaryDirectory(dir=cache or folder.scratch, prefix=RUN_PREFIX) as store:
        mark_owned(Path(store))
        yield cache, Path(store)


def _read_on(
    pool: Pool, collection: Any, settings: MiningSettings, store: Path, folder: OutputFolder
) -> RemoteCollection:
    """Files are read by workers; anything else here."""
    if isinstance(collection, (str, Path)):
        collection = CollectionFiles(folder=str(collection))
    if isinstance(collection, CollectionFiles):
        return read_sharded(collection, settings, pool, store)
    here = as_collection(collection, settings)
    keep_collection(here, folder)
    return RemoteCollection.of(here, corpus_of(here, store, pool))


def _runs(collection: Collection, settings: MiningSettings) -> dict[str, RunSource]:
    """Sources that are files, by name."""
    return {name.name: read_run(name, collection, settings) for name in parse_sources(settings.source) if name.path}


def _counting(
    pool: Pool, collection: RemoteCollection, encoder: Any, settings: MiningSettings, store: Path
) -> Counting | None:
    """Words are counted for BM25, and for witnesses, who speak in runs with vectors."""
    if encoder is None and BM25 not in (source.name for source in parse_sources(settings.source)):
        return None
    return Counting.begin(pool, collection.pieces, settings, store)


def _encoded_on(
    pool: Pool, collection: RemoteCollection, encoder: Any, settings: MiningSettings, cache: Path | None, store: Path
) -> tuple[SpreadVectors | None, dict[str, Any]]:
    """Vectors of both sides, and who made them."""
    if encoder is None:
        return None, {}
    encoder, about = identify_on(pool, encoder, settings, cache or store)
    documents, queries = SideTexts.of_documents(collection), SideTexts.of_queries(collection)
    found = encode_on(pool, documents, queries, encoder, settings, cache=cache, store=store, about=about)
    return SpreadVectors(found.query_vecs, found.doc_vecs), found.encoder


def _handle_and_write(
    spread: Spread, lesson: Lesson, folder: OutputFolder, stages: Stages, origin: Provenance
) -> MiningResult:
    collection, settings = spread.collection, spread.settings
    done, progress = Done(collection, settings, lesson), RunProgress(spread.pool, quiet=settings.quiet)
    with stages("search, choose and write"):
        kept, in_shards = folder.file(CANDIDATES_FILE), None if folder.path is None else _SHARDS
        with ExitStack() as opened:
            files = opened.enter_context(
                ChoiceFiles(collection, settings, folder, in_shards, spread.documents_rendered())
            )
            candidates = opened.enter_context(CandidateWriter(kept, collection, in_shards)) if kept else None
            stage = progress.stage("mine", total=collection.n_queries, unit="query", n_shards=len(spread.block_starts))
            line = opened.enter_context(stage)
            for block in spread.handled(lesson):
                if candidates is not None:
                    candidates.write(block.candidates)
                files.add_rendered(*block.choice)
                done.add(block)
                line.done(block.candidates.num_rows)
        done.suspects.write(collection, folder.file(SUSPECTS_FILE))
    with stages("leak test"):
        leak = spread.leak_test(lesson)
    report = make_report(
        collection=collection, settings=settings, origin=origin, choosing=done, watched=done.watched, leak=leak,
        numbers=files.numbers, n_training_rows=files.n_training_rows, stages=stages.measured,
    )  # fmt: skip
    folder.write_json("report.json", report)
    about = origin.settings_file(settings)
    folder.write_json("settings.json", about)
    if folder.path is not None:
        folder.write_text("report.html", report_page(report, about, done.watched, collection))
    negatives = files.negatives()
    folder.publish(obsolete=origin.obsolete_files(folder))
    return MiningResult(negatives, report, settings, collection, folder.path, about)


class Done:
    """What the report says of all blocks: stands in for `Choosing`.

    Args:
        collection: whose queries they are.
        settings: of the run.
        lesson: on what was chosen.
    """

    def __init__(self, collection: Collection, settings: MiningSettings, lesson: Lesson) -> None:
        self.outlook: Outlook | None = lesson.outlook
        self.terms: Terms = lesson.outlook.terms
        self.threshold: Threshold | None = lesson.outlook.threshold
        self.tally = Tally()
        self.suspects = Suspects(settings.suspect_probability)
        self.watched = Watched(collection, settings, self.threshold)

    def add(self, block: Handled) -> None:
        """The next block."""
        self.tally.merge(block.tally)
        self.suspects.merge(block.suspects)
        self.watched.merge(block.seen, block.choice.chosen)
