"""mine, beyond one machine or its memory: read → encode → share out → learn → handle block by block → report."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tqdm import tqdm

from foolsgold.cache_folder import open_cache
from foolsgold.calibration import Calibration, LeakTest, Trial
from foolsgold.calibration.calibration import NONE
from foolsgold.calibration.estimate import learn
from foolsgold.choice_files import ChoiceFiles, check_training_place
from foolsgold.collection import Collection
from foolsgold.errors import SettingsError
from foolsgold.export import check_ids
from foolsgold.filters import FalseNegativeModel, filters_for
from foolsgold.memory import block_queries
from foolsgold.output import OutputFolder
from foolsgold.provenance import CANDIDATES_FILE, HIDDEN_FILE, SUSPECTS_FILE, Provenance, keep_collection
from foolsgold.report import Stages, Watched, make_report, report_page
from foolsgold.result import MiningResult
from foolsgold.sample import Chosen, Outlook, Suspects, Tally, Terms, Threshold
from foolsgold.scale.block import Choice, Handled, Whole, choose_again, handle
from foolsgold.scale.engine import Engine
from foolsgold.scale.part import Slices
from foolsgold.scale.pilot import HeardOnWorkers, PilotCandidates, outlook
from foolsgold.scale.pool import Pool, Ref
from foolsgold.scale.reading import read_on
from foolsgold.scale.searching import SEARCHED_AT_ONCE, Searching
from foolsgold.scale.sharing import share_out
from foolsgold.search import check_sources
from foolsgold.search.candidates import CandidateWriter
from foolsgold.settings import MiningSettings
from foolsgold.shard_writer import ShardSizes


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
            check_training_place(folder, settings)
            pool = opened.enter_context(engine.pool(settings))
        with stages("read"):
            cache = open_cache(settings.cache, out=settings.out)
            store = cache or folder.scratch
            collection, corpus = read_on(pool, collection, settings, store, folder)
            filters_for(settings, collection)
            check_ids(settings, collection)
            runs = opened_runs(collection, settings)
        with stages("encode"):
            vectors, about = encoded_on(pool, collection, corpus, encoder, settings, cache=cache, store=store)
        with stages("share out"):
            spread = Spread.over(pool, collection, corpus, vectors, runs, settings, scratch=store, gpus=engine.gpus)
        with stages("learn"):
            lesson = spread.learn(folder.file(HIDDEN_FILE))
        origin = Provenance.of_run(collection, settings, about, spread.description, lesson.calibration.describe())
        return _handle_and_write(spread, lesson, folder, stages, origin)


def _handle_and_write(
    spread: Spread, lesson: Lesson, folder: OutputFolder, stages: Stages, origin: Provenance
) -> MiningResult:
    collection, settings = spread.collection, spread.settings
    done = Done(collection, settings, lesson)
    with stages("search, choose and write"):
        shards = ShardSizes()
        with (
            ChoiceFiles(collection, settings, folder, shards=shards) as files,
            CandidateWriter(folder.file(CANDIDATES_FILE), schema_for(collection), shards) as candidates,
            tqdm(total=collection.n_queries, desc="mine", unit="query", disable=settings.quiet) as progress,
        ):
            for block in spread.handled(lesson):
                candidates.write(block.candidates)
                files.add_rendered(block.chosen, block.negatives, block.rendered)
                done.add(block)
                progress.update(block.candidates.num_rows)
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
        self.tally.add(block.tally)
        self.suspects.merge(block.suspects)
        self.watched.merge(block.seen, block.chosen)
