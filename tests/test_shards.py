"""Output in shards: the same rows as in one file, read as one; and rows rendered elsewhere than they are written."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import PLAIN
from foolsgold import Collection, MiningSettings, PrecomputedVectors, export_negatives, mine, read_pairs, select
from foolsgold.calibration import Trial
from foolsgold.choice_files import ChoiceFiles, check_training_place, render_choice
from foolsgold.choose import Choosing
from foolsgold.chosen_negatives import ChosenNegatives
from foolsgold.collection import Judgements, PartOf
from foolsgold.compare import compare
from foolsgold.errors import CollectionError, SettingsError
from foolsgold.export import render_documents
from foolsgold.filters import PairBlock, Relevance, apply_filters, filters_for
from foolsgold.gather import gathered_table
from foolsgold.kept_candidates import Found, KeptCandidates
from foolsgold.output import OutputFolder
from foolsgold.provenance import CANDIDATES_FILE, HIDDEN_FILE, Provenance
from foolsgold.report import Seen, Watched
from foolsgold.rerank.kept_scores import KeptScores
from foolsgold.review.open_output import open_output
from foolsgold.sample import Chooser, Chosen, Fates, Suspects, Tally
from foolsgold.search import Candidates, CandidateStore, CandidateWriter
from foolsgold.search.candidates import to_batch
from foolsgold.settings import TrainingFormat
from foolsgold.shards import ParquetShards, ShardSizes, is_shard, shard_paths
from foolsgold.training_folders import check_place, is_own

Q, N = 4_200, 150
SIZES = ShardSizes(2_048)  # three shards, of two row groups
TABLES = ("candidates.parquet", "hidden_positives.parquet", "negatives.parquet")


@pytest.fixture(scope="module")
def collection() -> Collection:
    """4,200 queries, every third with two positives; documents of which two say the same."""
    texts = [f'passage {row} "{row % 7}"' for row in range(N - 1)] + ["PASSAGE 3 3"]
    pairs = [
        (f"query {row}", texts[(7 * row + 3 * n) % (N - 1)]) for row in range(Q) for n in range(1 + (row % 3 == 0))
    ]
    return read_pairs(pairs, texts)


@pytest.fixture(scope="module")
def whole(collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a run, each table one file."""
    out = tmp_path_factory.mktemp("whole") / "out"
    generator = np.random.default_rng(0)
    vectors = PrecomputedVectors(*(generator.standard_normal((n, 8)).astype(np.float32) for n in (Q, N)))
    mine(collection, vectors, MiningSettings(
        out=str(out), depth=12, negatives=3, quiet=True, suspect_probability=0.01, **PLAIN))  # fmt: skip
    return out


@pytest.fixture(scope="module")
def sharded(whole: Path, collection: Collection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in shards, which took the place of the files."""
    out = tmp_path_factory.mktemp("sharded") / "out"
    return in_shards(whole, out, collection)


def in_shards(whole: Path, out: Path, collection: Collection, n_queries: int = 700, **changes: Any) -> Path:
    shutil.copytree(whole, out)
    origin = Provenance.read(whole)
    settings = origin.settings.replace(out=str(out), **changes)
    with OutputFolder(out) as folder:
        check_training_place(folder, settings, SIZES)
        trial = Trial.again(collection, origin.calibration, whole / HIDDEN_FILE)
        assert trial is not None
        stores = {CANDIDATES_FILE: collection, HIDDEN_FILE: trial.hidden.collection}
        for name, of in stores.items():
            CandidateStore(of, folder.file(name), SIZES).write(CandidateStore(of, whole / name).blocks(n_queries))
        choosing = Choosing(collection, CandidateStore(collection, whole / CANDIDATES_FILE), settings)
        with ChoiceFiles(collection, settings, folder, SIZES) as files:
            for chosen in choosing.blocks():
                files.add(chosen)
        folder.publish(obsolete=origin.obsolete_files(folder))
    return out


def contents(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


def test_shards_are_cut_at_queries_and_all_of_them_are_there(sharded: Path) -> None:
    for name, counts in {"candidates.parquet": [2048, 2048, 104], "negatives.parquet": None}.items():
        shards = [pq.read_table(sharded / name / f"{place:05d}.parquet") for place in range(3)]
        assert len(list((sharded / name).iterdir())) == 3
        assert counts in (None, [len(shard) for shard in shards])
        first, _, last = (set(shard["query_id"].to_pylist()) for shard in shards)
        assert first.isdisjoint(last)


@pytest.mark.parametrize("name", TABLES)
def test_readers_of_parquet_open_a_folder_of_shards_as_one_table(name: str, whole: Path, sharded: Path) -> None:
    import datasets
    import pandas as pd
    import polars as pl

    expected = pq.read_table(whole / name)
    columns = [field.name for field in expected.schema if field.name != "sources"]  # has dictionaries of its own
    found = pq.read_table(sharded / name)
    assert found["query_id"].equals(expected["query_id"])
    assert found.select(columns).cast(expected.select(columns).schema).equals(expected.select(columns))
    assert found.to_pylist() == expected.to_pylist()
    assert list(pd.read_parquet(sharded / name)["query_id"]) == expected["query_id"].to_pylist()
    assert pl.read_parquet(sharded / name)["query_id"].to_list() == expected["query_id"].to_pylist()
    if name == "negatives.parquet":
        loaded = datasets.load_dataset(str(sharded / name), split="train")
        assert loaded["doc_id"][:] == expected["doc_id"].to_pylist()


@pytest.mark.parametrize("name", TABLES)
def test_the_same_shards_whatever_the_blocks(
    name: str, collection: Collection, whole: Path, sharded: Path, tmp_path: Path
) -> None:
    again = in_shards(whole, tmp_path / "out", collection, n_queries=333, block_size=999)
    for part in (name, "train.jsonl"):
        assert contents(again / part) == contents(sharded / part)


def test_lines_of_shards_joined_are_those_of_one_file(whole: Path, sharded: Path) -> None:
    shards = contents(sharded / "train.jsonl")
    assert sorted(shards) == ["00000.jsonl", "00001.jsonl", "00002.jsonl"]
    assert min(map(len, shards.values())) > 0
    assert b"".join(shards[name] for name in sorted(shards)) == (whole / "train.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("format", "file_type"),
    [("triplet", "parquet"), ("triplet", "dataset"), ("msmarco-triples", "tsv"), ("dpr", "json"), ("colbert", None)],
)
def test_training_files_of_other_types(
    format: TrainingFormat, file_type: Any, collection: Collection, whole: Path, tmp_path: Path
) -> None:
    import datasets

    train = f"train.{file_type}" if file_type in ("parquet", "tsv", "json") else "train"
    one = tmp_path / f"one{Path(train).suffix}"
    export_negatives(whole, format, out=one, file_type=file_type, collection=collection, quiet=True)
    out = in_shards(whole, tmp_path / "out", collection, format=format, file_type=file_type)
    assert not (out / "train.jsonl").exists()
    found = contents(out / train)
    if file_type in ("json", None):  # a document, or a folder as its framework reads it
        assert found == contents(one)
    elif file_type == "tsv":
        assert len(found) == 3
        assert b"".join(found[name] for name in sorted(found)) == one.read_bytes()
    elif file_type == "parquet":
        assert len(found) == 3
        assert pq.read_table(out / train).equals(pq.read_table(one))
    else:
        assert sum(name.endswith("-of-00003.arrow") for name in found) == 3
        assert list(datasets.load_from_disk(str(out / train))) == list(datasets.load_from_disk(str(one)))
    assert is_own(out / train)


def test_select_export_compare_and_review_read_shards_as_they_read_files(
    collection: Collection, whole: Path, sharded: Path, tmp_path: Path
) -> None:
    outs = [tmp_path / "a", tmp_path / "b"]
    results = [
        select(source, collection=collection, out=str(out), negatives=2, quiet=True)
        for source, out in zip((whole, sharded), outs, strict=True)
    ]
    first, second = ({**result.report, "stages": None} for result in results)
    assert first == second
    assert first["false_negatives"]["leak_test"]["measurable"]  # of hidden_positives.parquet
    assert pq.read_table(outs[0] / "negatives.parquet").equals(pq.read_table(outs[1] / "negatives.parquet"))
    in_order = sorted((outs[1] / "train.jsonl").iterdir())
    assert (outs[0] / "train.jsonl").read_bytes() == b"".join(shard.read_bytes() for shard in in_order)
    assert contents(outs[0] / "suspected_positives.parquet") == contents(outs[1] / "suspected_positives.parquet")
    assert contents(outs[1] / "candidates.parquet") == contents(sharded / "candidates.parquet")  # its own copy
    select(outs[1], collection=collection, negatives=1, quiet=True)
    exports = [
        export_negatives(source, "colbert", out=tmp_path / f"c{n}", collection=collection, quiet=True)
        for n, source in enumerate((whole, sharded))
    ]
    assert contents(exports[0]) == contents(exports[1])
    compared = [str(compare(source, outs[0], collection=collection, quiet=True)) for source in (whole, sharded)]
    assert compared[0].replace(str(whole), "") == compared[1].replace(str(sharded), "")
    opened = [open_output(source, collection=collection, quiet=True) for source in (whole, sharded)]
    assert np.array_equal(opened[0].open.pairs.query_rows, opened[1].open.pairs.query_rows)


def test_negatives_stay_those_of_the_result_when_the_shards_are_gone(sharded: Path, tmp_path: Path) -> None:
    shutil.copytree(sharded / "negatives.parquet", tmp_path / "negatives.parquet")
    stored = ChosenNegatives(tmp_path / "negatives.parquet")
    shutil.rmtree(tmp_path / "negatives.parquet")
    assert stored.table().num_rows == pq.read_table(sharded / "negatives.parquet").num_rows


@pytest.mark.parametrize(
    ("harm", "message"),
    [("middle", "shard 00001.parquet is missing"), ("last", "3 shards were written, and 2 are there"),
     ("first", "shard 00000.parquet is missing"), ("all", "shard 00000.parquet is missing"),
     ("damaged", "00001.parquet: Parquet magic bytes not found"), ("other", "notes.txt lies among its shards"),
     ("hidden", None)],
)  # fmt: skip
@pytest.mark.parametrize("name", ["candidates.parquet", "negatives.parquet"])
def test_shards_that_are_not_there_or_not_whole(
    name: str, harm: str, message: str | None, collection: Collection, sharded: Path, tmp_path: Path
) -> None:
    folder = tmp_path / name
    shutil.copytree(sharded / name, folder)
    gone = {"middle": [1], "last": [2], "first": [0], "all": [0, 1, 2]}.get(harm, [])
    for place in gone:
        (folder / f"{place:05d}.parquet").unlink()
    if harm == "damaged":
        (folder / "00001.parquet").write_bytes(b"no parquet at all")
    if harm in ("other", "hidden"):
        (folder / ("notes.txt" if harm == "other" else "_SUCCESS")).write_text("")

    def read() -> int:
        if name == "candidates.parquet":
            return sum(len(block) for block in CandidateStore(collection, folder).blocks(500))
        return ChosenNegatives(folder).table().num_rows

    if message is None:
        assert read() > 0
        return
    with pytest.raises(CollectionError, match=message) as raised:
        read()
    assert name in str(raised.value)


def test_a_file_takes_the_place_of_its_shards_and_back_and_of_nothing_else(
    collection: Collection, sharded: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(sharded, out)
    select(out, collection=collection, negatives=1, quiet=True)
    assert all((out / name).is_dir() for name in ("candidates.parquet", "negatives.parquet", "train.jsonl"))
    vectors = PrecomputedVectors(np.ones((Q, 2), np.float32), np.ones((N, 2), np.float32))
    mine(collection, vectors, MiningSettings(out=str(out), depth=4, negatives=1, quiet=True, **PLAIN))
    assert all((out / name).is_file() for name in ("candidates.parquet", "negatives.parquet", "train.jsonl"))
    other = tmp_path / "other"
    shutil.copytree(sharded, other)
    select(other, collection=collection, format="msmarco-triples", quiet=True)
    assert (other / "train.tsv").is_dir()
    assert not (other / "train.jsonl").exists()
    again = tmp_path / "again"
    shutil.copytree(sharded, again)
    (again / "negatives.parquet" / "notes.txt").write_text("mine")
    with pytest.raises(SettingsError, match=r"negatives.parquet is to be replaced, but holds notes.txt, which"):
        select(again, collection=collection, negatives=1, quiet=True)
    assert (again / "negatives.parquet" / "notes.txt").read_text() == "mine"


def test_which_folders_are_own(tmp_path: Path) -> None:
    shards, empty, foreign = (tmp_path / name / "train.jsonl" for name in "abc")
    for folder in (shards, empty, foreign):
        folder.mkdir(parents=True)
    (shards / "00000.jsonl").write_text("")
    (foreign / "00000.parquet").write_text("")
    assert [is_own(folder) for folder in (shards, empty, foreign)] == [True, False, False]
    check_place(shards, is_folder=False)
    check_place(shards, is_folder=True)
    for folder in (empty, foreign):
        with pytest.raises(SettingsError, match=r"is a folder, where a file is to be written"):
            check_place(folder, is_folder=False)
    assert is_shard("00012.jsonl", "train.jsonl")
    assert not is_shard("000012.jsonl", "train.jsonl")
    assert is_shard("100000.jsonl", "train.jsonl")


@pytest.mark.parametrize("queries", [0, 1000, -1024])
def test_sizes_that_cut_row_groups(queries: int) -> None:
    with pytest.raises(SettingsError, match=r"a multiple of 1,024"):
        ShardSizes(queries)


def test_no_queries_make_one_shard(tmp_path: Path, collection: Collection) -> None:
    nothing = replace(
        collection, queries=collection.queries.slice(0, 0), **{
            name: Judgements.none(0) for name in ("positives", "judged_negatives", "held_out_positives")
        },
    )  # fmt: skip
    with CandidateWriter(tmp_path / "candidates.parquet", nothing, SIZES):
        pass
    assert [path.name for path in shard_paths(tmp_path / "candidates.parquet")] == ["00000.parquet"]
    assert list(CandidateStore(nothing, tmp_path / "candidates.parquet").blocks(10)) == []


def test_scores_of_a_cross_encoder_are_kept_in_shards(collection: Collection, sharded: Path, tmp_path: Path) -> None:
    target = tmp_path / "candidates.parquet"
    shutil.copytree(sharded / "candidates.parquet", target)  # as select does, with links
    store = CandidateStore(collection, sharded / "candidates.parquet")
    for block, scores in KeptScores(store, target, "of a model").groups():
        scores.candidates[:] = block.query_rows[:, None] + np.arange(block.doc_rows.shape[1])
    assert len(shard_paths(target)) == 3
    kept = CandidateStore(collection, target)
    rows = 0
    for block, scores in KeptScores(kept, None, "of a model").groups():
        assert (scores.candidates[block.doc_rows >= 0] >= 0).all()
        assert scores.candidates[0, 1] == block.query_rows[0] + 1
        rows += len(block)
    assert rows == Q


def test_candidates_in_shards_are_kept_in_the_cache(
    collection: Collection, sharded: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    origin = Provenance.read(sharded)
    assert origin.calibration is not None
    about = {"fingerprint": "of a model"}

    def kept(shards: ShardSizes | None) -> KeptCandidates:
        return KeptCandidates(tmp_path / "cache", collection, about, {}, origin.settings, shards)

    def found() -> dict[str, bytes] | None:
        with OutputFolder(tmp_path / "second") as folder:
            if kept(SIZES).found(collection, folder) is None:
                assert folder.scratch is not None
                assert not (folder.scratch / CANDIDATES_FILE).exists()
                return None
            return {name: data for name in (CANDIDATES_FILE, HIDDEN_FILE) for name, data in contents(
                folder.file(name) or Path()).items()}  # fmt: skip

    with OutputFolder(tmp_path / "first") as folder:
        for name in (CANDIDATES_FILE, HIDDEN_FILE):
            shutil.copytree(sharded / name, folder.file(name) or Path())
        store = CandidateStore(collection, folder.file(CANDIDATES_FILE))
        kept(SIZES).keep(Found(store, None, {}, {}, origin.calibration), folder)
        assert kept(None).found(collection, folder) is None  # a run without shards has a place of its own
    assert found() is not None
    (shard,) = tmp_path.glob("cache/candidates/*/candidates.parquet/00001.parquet")
    shard.write_bytes(b"")
    assert found() is None
    assert "00001.parquet is damaged" in caplog.text


# Parts: what is made of a few queries and the documents that they name, elsewhere


def part_with(collection: Collection, block: Candidates) -> tuple[Collection, PartOf, Candidates]:
    """A small collection with a block's queries and the documents that it names, and the block by row in it."""
    named = [block.doc_rows[block.doc_rows >= 0], block.positive_rows]
    doc_rows = np.unique(np.concatenate(named)).astype(np.int64)
    part_of = PartOf(block.query_rows, doc_rows, collection.fingerprint)

    def here(rows: np.ndarray) -> np.ndarray:
        return np.where(rows < 0, -1, np.searchsorted(doc_rows, rows)).astype(np.int32)

    positives = collection.positives.of_queries(block.query_rows)
    none = Judgements.none(len(block))
    small = Collection(
        gathered_table(collection.corpus, doc_rows), gathered_table(collection.queries, block.query_rows),
        replace(positives, doc_rows=here(positives.doc_rows)), none, none,
    )  # fmt: skip
    rows = {"doc_rows": here(block.doc_rows), "positive_rows": here(block.positive_rows)}
    return small, part_of, replace(block, query_rows=np.arange(len(block)), **rows)


def random_blocks(collection: Collection, store: CandidateStore, seed: int) -> Iterator[Candidates]:
    cuts = np.sort(np.random.default_rng(seed).choice(np.arange(1, Q), 5, replace=False))
    for start, stop in zip([0, *cuts.tolist()], [*cuts.tolist(), Q], strict=True):
        (block,) = store_blocks(store, start, stop)
        yield block


def store_blocks(store: CandidateStore, start: int, stop: int) -> list[Candidates]:
    """The candidates of some queries in one block."""
    blocks = list(store.blocks(Q, np.arange(start, stop)))
    if len(blocks) == 1:
        return blocks
    names = blocks[0].source_names
    assert all(block.source_names == names and block.estimates is not None for block in blocks)
    joined = {
        name: np.concatenate([getattr(block, name) for block in blocks])
        for name in ("query_rows", "doc_rows", "scores", "positive_rows", "positive_scores", "sources")
    }
    estimates = [np.concatenate(parts) for parts in zip(*(block.estimates for block in blocks), strict=True)]  # type: ignore[arg-type]
    counts = np.concatenate([np.diff(block.positive_offsets) for block in blocks])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    of = type(blocks[0].estimates)
    return [replace(blocks[0], **joined, positive_offsets=offsets, estimates=of(*estimates))]  # type: ignore[misc]


def chosen_from(
    small: Collection, block: Candidates, choosing: Choosing, collection: Collection, settings: MiningSettings
) -> tuple[PairBlock, Fates, Chosen, Tally]:
    """What is chosen from a block of candidates by row in a part."""
    relevance = Relevance(small)
    pairs = relevance.pair_block(block)
    chooser = Chooser(small, relevance, settings, choosing.terms)
    chosen, fates = chooser.choose(pairs, apply_filters(pairs, filters_for(settings, collection)))
    return pairs, fates, chosen, chooser.tally


@pytest.mark.parametrize("seed", [1, 2])
def test_parts_merged_in_order_are_what_one_process_counts_and_writes(
    seed: int, collection: Collection, whole: Path, tmp_path: Path
) -> None:
    settings = Provenance.read(whole).settings.replace(out=str(tmp_path / "out"))
    store = CandidateStore(collection, whole / CANDIDATES_FILE)
    alone = Choosing(collection, store, settings)
    watched_alone = Watched(collection, settings, alone.threshold)
    with OutputFolder(tmp_path / "alone") as folder:
        with ChoiceFiles(collection, settings, folder, SIZES) as files:
            for chosen in alone.blocks(watched_alone):
                files.add(chosen)
        numbers_alone = files.numbers
        expected = {name: contents(folder.file(name) or Path()) for name in ("negatives.parquet", "train.jsonl")}
    tally, suspects = Tally(), Suspects(settings.suspect_probability)
    watched = Watched(collection, settings, alone.threshold)
    with OutputFolder(tmp_path / "merged") as folder:
        with (
            CandidateWriter(tmp_path / "candidates.parquet", collection) as candidates,
            ChoiceFiles(collection, settings, folder, SIZES) as files,
        ):
            for block in random_blocks(collection, store, seed):
                small, part_of, here = part_with(collection, block)
                pairs, fates, chosen, counts = chosen_from(small, here, alone, collection, settings)
                in_whole = pairs.renumbered(part_of)
                seen, some = Seen(Q, settings, alone.threshold), Suspects(settings.suspect_probability)
                seen.add(in_whole, fates, chosen.renumbered(part_of))
                some.add(in_whole)
                made = (render_choice(chosen, small, settings, part_of, SIZES), counts, seen, some,
                        to_batch(here, small, part_of))  # fmt: skip
                choice, counts, seen, some, batch = pickle.loads(pickle.dumps(made))
                tally.merge(counts)
                watched.merge(seen, choice.chosen)
                suspects.merge(some)
                files.add_rendered(*choice)
                candidates.write(batch)
        numbers = files.numbers
        assert {name: contents(folder.file(name) or Path()) for name in expected} == expected
    assert tally == alone.tally
    assert list(tally.fates) == list(alone.tally.fates)
    assert watched.describe() == watched_alone.describe()
    assert watched.describe()["by_rank"]["queries"] == Q // 2  # about 2,000, spread evenly
    assert watched.examples.groups == watched_alone.examples.groups
    assert all(len(watched.examples.groups[group]) == 40 for group in ("hardest", "easiest"))
    assert numbers.by_source == numbers_alone.by_source
    assert np.array_equal(numbers.scores, numbers_alone.scores)
    assert numbers.expected_false_negative_ratio == numbers_alone.expected_false_negative_ratio
    assert len(suspects) == len(alone.suspects) > 0
    for name, found in {"merged": suspects, "alone": alone.suspects}.items():
        found.write(collection, tmp_path / f"{name}.parquet")
    assert (tmp_path / "merged.parquet").read_bytes() == (tmp_path / "alone.parquet").read_bytes()
    assert (tmp_path / "candidates.parquet").read_bytes() == (whole / CANDIDATES_FILE).read_bytes()


@pytest.mark.parametrize("format", get_args(TrainingFormat))
def test_rows_rendered_from_parts_are_those_of_the_whole(
    format: TrainingFormat, collection: Collection, whole: Path, tmp_path: Path
) -> None:
    """Also where rows have numbers, and files have a row for each document."""
    settings = Provenance.read(whole).settings.replace(format=format, file_type=None, out=str(tmp_path / "out"))
    store = CandidateStore(collection, whole / CANDIDATES_FILE)
    alone = Choosing(collection, store, settings)
    documents = chain.from_iterable(rendered_documents(collection, settings))
    ids_only = IdsOnly(collection)
    with OutputFolder(tmp_path / "merged") as folder:
        with ChoiceFiles(ids_only, settings, folder, documents=documents) as files:
            for block in random_blocks(collection, store, 3):
                small, part_of, here = part_with(collection, block)
                _, _, chosen, _ = chosen_from(small, here, alone, collection, settings)
                files.add_rendered(*render_choice(chosen, small, settings, part_of))
        (train,) = (path for path in (folder.scratch or Path()).iterdir() if path.name.startswith("train"))
        found, n_rows = contents(train), files.n_training_rows
    result = export_negatives(whole, format, out=tmp_path / "one", collection=collection, quiet=True)
    assert found == contents(result)
    assert n_rows


def rendered_documents(collection: Collection, settings: MiningSettings) -> Iterator[Any]:
    """As workers make them, of stretches of the corpus that are no multiples of anything."""
    for start in range(0, N, 47):
        rows = np.arange(start, min(start + 47, N))
        none = Judgements.none(0)
        small = Collection(collection.corpus.slice(start, len(rows)), collection.queries.slice(0, 0), none, none, none)
        yield pickle.loads(pickle.dumps(render_documents(
            small, settings, PartOf(np.empty(0, np.int64), rows, collection.fingerprint))))  # fmt: skip


class IdsOnly(Collection):
    """A collection that has no texts of documents, as where they lie elsewhere."""

    def __init__(self, collection: Collection) -> None:
        super().__init__(
            collection.corpus.select(["doc_id"]), collection.queries, collection.positives,
            collection.judged_negatives, collection.held_out_positives,
        )  # fmt: skip
        self.__dict__["fingerprint"] = collection.fingerprint


def test_row_groups_are_numbered_on(sharded: Path) -> None:
    with ParquetShards(shard_paths(sharded / "candidates.parquet")) as file:
        assert (file.num_row_groups, file.num_rows) == (5, Q)
        last = file.read_row_group(4, ["query_id"])
    assert last.equals(pa.table(pq.read_table(sharded / "candidates.parquet" / "00002.parquet", columns=["query_id"])))
