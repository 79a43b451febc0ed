"""A golden file or folder per format, from one small run; where they are written, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow.parquet as pq
import pytest

from conftest import PLAIN, along, on_circle, rows_written
from foolsgold import MiningSettings, PrecomputedVectors, export_negatives, mine, read_files, read_pairs, select
from foolsgold.errors import CollectionError, FoolsgoldError, SettingsError
from foolsgold.push_negatives import read_result
from foolsgold.settings import TrainingFormat
from foolsgold.training_formats import SCORED_FORMATS, TRAINING_FORMATS, training_file_name
from test_mine import contents

GOLDEN = Path(__file__).parent / "golden"
TEXTS = ["red rose\n", "dunkel & „rot“", "blaßrot\t", "草", "pink 🌷", "azure"]
TABLES = [name for name, traits in TRAINING_FORMATS.items() if "parquet" in traits.file_types]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """q1 scores d1 1, d3 7/8, d2 3/4, d5 5/8, d6 1/2; d1 and d2 are its positives. q2 has only short rows."""
    rows = [{"_id": f"d{n}", "title": "T" if n == 3 else "", "text": text} for n, text in enumerate(TEXTS, 1)]
    (tmp_path / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "q.jsonl").write_text('{"_id": "q1", "text": "red \\"flower\\""}\n{"_id": "q2", "text": "green"}\n')
    (tmp_path / "r.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\nq1\td2\t1\nq2\td4\t1\n")
    collection = read_files(tmp_path / "c.jsonl", tmp_path / "q.jsonl", tmp_path / "r.tsv")
    vectors = PrecomputedVectors(along(1, 1 / 8), along(1, 3 / 4, 7 / 8, -1, 5 / 8, 1 / 2), similarity="dot")
    settings = MiningSettings(**PLAIN, negatives=2, similarity="dot", out=str(tmp_path / "out"), quiet=True)
    mine(collection, vectors, settings)
    return tmp_path / "out"


def written_files(path: Path) -> dict[str, str]:
    """The text of each file by name, parquet as JSON lines; of a folder, or of a file, whose name is left out."""
    if path.is_file():
        return {path.suffix: path.read_bytes().decode("utf-8")}
    found = {}
    for file in (file for file in path.rglob("*") if file.is_file()):
        name = file.relative_to(path).as_posix()
        if file.suffix == ".parquet":
            lines = (json.dumps(row, ensure_ascii=False) for row in pq.read_table(file).to_pylist())
            found[f"{name}.jsonl"] = "".join(f"{line}\n" for line in lines)
        else:
            found[name] = file.read_bytes().decode("utf-8")
    return found


def golden_files(name: TrainingFormat, *, with_scores: bool = False) -> dict[str, str]:
    """A file `NAME.ENDING`, or the files of the folder `NAME`; with scores beside it."""
    stem = f"{name}.scores" if with_scores else name
    return written_files(GOLDEN / training_file_name(stem, TRAINING_FORMATS[name].file_types[0]))


@pytest.mark.parametrize("name", get_args(TrainingFormat))
def test_golden(run: Path, name: TrainingFormat) -> None:
    assert written_files(export_negatives(run, name, quiet=True)) == golden_files(name)


@pytest.mark.parametrize("name", [name for name in SCORED_FORMATS if TRAINING_FORMATS[name].scores == "optional"])
def test_golden_with_scores(run: Path, name: TrainingFormat) -> None:
    path = export_negatives(run, name, with_scores=True, quiet=True)
    assert written_files(path) == golden_files(name, with_scores=True)


@pytest.mark.parametrize("with_scores", [False, True])
@pytest.mark.parametrize("name", TABLES)
def test_parquet_and_dataset_hold_what_jsonl_holds(run: Path, name: TrainingFormat, with_scores: bool) -> None:
    from datasets import load_from_disk

    scored = with_scores and name in SCORED_FORMATS
    (lines,) = golden_files(name, with_scores=scored).values()
    golden = [json.loads(line) for line in lines.splitlines()]
    table = pq.read_table(export_negatives(run, name, file_type="parquet", with_scores=scored, quiet=True))
    assert table.to_pylist() == golden
    assert table.column_names == list(golden[0])
    if "dataset" in TRAINING_FORMATS[name].file_types:
        dataset: Any = load_from_disk(
            str(export_negatives(run, name, file_type="dataset", with_scores=scored, quiet=True))
        )
        assert list(dataset) == golden
        assert dataset.column_names == list(golden[0])


def test_a_text_stands_once_in_a_row_by_query(tmp_path: Path) -> None:
    """d2 and d3 say the same; each is the first of the two below the margin of one of the positives."""
    pairs = [("q", "near"), ("q", "far")]
    collection = read_pairs(pairs, ["x", "same", "SAME ", "y", "near", "far"])
    vectors = PrecomputedVectors(on_circle(0), on_circle(85, 30, 50, 80, 0, 40))
    result = mine(collection, vectors, MiningSettings(**PLAIN, negatives=2, quiet=True))
    assert result.negatives["doc_id"].to_pylist() == ["d1", "d3", "d2", "d3"]
    assert list(result.to_dataset("flagembedding")["neg"]) == [["same", "y"]]
    assert [sorted(neg) for neg in result.to_dataset("labeled-list")["docs"]] == [["far", "near", "same", "y"]]


def test_datasets_reads_what_was_written(run: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    path = str(export_negatives(run, "triplet", quiet=True))
    dataset: Any = load_dataset("json", data_files=path, split="train", cache_dir=str(tmp_path / "cache"))
    assert dataset.column_names == ["anchor", "positive", "negative"]


def test_where_it_is_written(run: Path, tmp_path: Path) -> None:
    assert export_negatives(run, "triplet", out=tmp_path / "my.jsonl", quiet=True) == tmp_path / "my.jsonl"
    with pytest.raises(SettingsError, match="not the path of a training file"):
        export_negatives(run, "triplet", out=tmp_path / "no" / "where.jsonl", quiet=True)
    with pytest.raises(SettingsError, match="does not exist; it takes a folder that"):
        export_negatives(tmp_path / "nowhere", "triplet")
    with pytest.raises(SettingsError, match="has no settings.json"):
        export_negatives(tmp_path, "triplet")
    with pytest.raises(SettingsError, match="not the path of a training file"):
        export_negatives(run, "triplet", out=run / "candidates.parquet", quiet=True)
    with pytest.raises(SettingsError, match="ends in .parquet, but file_type is 'jsonl'"):
        export_negatives(run, "triplet", out=run / "x.parquet", file_type="jsonl", quiet=True)
    with pytest.raises(SettingsError, match="'colbert' is written as folder only"):
        export_negatives(run, "colbert", out=run / "x.tsv", quiet=True)
    assert pq.read_table(export_negatives(run, "triplet", out=run / "x.parquet", quiet=True)).num_rows == 4
    (run / "negatives.parquet").unlink()
    with pytest.raises(FoolsgoldError, match="no readable negatives.parquet"):
        export_negatives(run, "triplet")


def test_a_folder_is_new_or_empty_and_appears_whole(run: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for out in (tmp_path / "new", tmp_path / "empty"):
        assert written_files(export_negatives(run, "colbert", out=out, quiet=True)) == golden_files("colbert")
    for taken in (tmp_path / "new", run, tmp_path / "c.jsonl"):
        with pytest.raises(SettingsError, match=r"not a new or empty folder|is written as folder only"):
            export_negatives(run, "colbert", out=taken, quiet=True)
    export_negatives(run, "colbert", quiet=True)
    assert written_files(export_negatives(run, "colbert", quiet=True)) == golden_files("colbert")
    assert export_negatives(run, "triplet", file_type="dataset", quiet=True) == run / "train.triplet"
    before = sorted(run.rglob("*"))
    (tmp_path / "c.jsonl").write_text((tmp_path / "c.jsonl").read_text().replace("azure", "blue"))
    with pytest.raises(CollectionError, match="has changed"):
        export_negatives(run, "colbert", quiet=True)
    assert sorted(run.rglob("*")) == before


@pytest.mark.parametrize("file_type", ["folder", "dataset"])
def test_a_folder_that_holds_something_else_is_never_replaced(run: Path, file_type: Any) -> None:
    format, name = ("colbert", "train.colbert") if file_type == "folder" else ("triplet", "train.triplet")
    export_negatives(run, format, file_type=file_type, quiet=True)
    (run / name / "cache-0123456789abcdef.arrow").touch()  # as `datasets` writes beside what it has loaded
    export_negatives(run, format, file_type=file_type, quiet=True)
    (run / name / "checkpoint-1").mkdir()
    (run / name / "checkpoint-1" / "weights.bin").write_bytes(b"weeks")
    (run / "train").mkdir()
    (run / "train" / "checkpoint.bin").write_bytes(b"weeks")
    before = contents(run)
    with pytest.raises(SettingsError, match=f"{name} is to be replaced, but holds checkpoint-1/weights.bin, which"):
        export_negatives(run, format, file_type=file_type, quiet=True)
    with pytest.raises(SettingsError, match=r"train is to be replaced, but holds checkpoint.bin, which"):
        select(run, format=format, file_type=file_type, quiet=True)
    assert contents(run) == before
    select(run, quiet=True)  # train.jsonl: nothing is in its way
    assert contents(run).items() >= {(path, data) for path, data in before.items() if path.startswith("train")}
    (run / "train.tsv").mkdir()
    with pytest.raises(SettingsError, match=r"train.tsv is a folder, where a file is to be written"):
        select(run, format="msmarco-ids", quiet=True)


def test_mining_removes_no_folder_of_somebody_elses(run: Path) -> None:
    collection = read_pairs([("red", "crimson")], ["rose", "azure"])
    vectors = PrecomputedVectors(on_circle(0), on_circle(30, 60, 0))
    settings = MiningSettings(**PLAIN, negatives=1, out=str(run), quiet=True)
    (run / "train").mkdir()
    (run / "train" / "checkpoint.bin").write_bytes(b"weeks")
    (run / "train.colbert").write_text("a file of one's own")
    mine(collection, vectors, settings)
    assert (run / "train" / "checkpoint.bin").read_bytes() == b"weeks"
    assert (run / "train.colbert").read_text() == "a file of one's own"
    with pytest.raises(SettingsError, match=r"train is to be replaced, but holds checkpoint.bin"):
        mine(collection, vectors, settings.replace(format="beir"))
    (run / "collection" / "notes.txt").touch()
    with pytest.raises(SettingsError, match=r"collection is to be replaced, but holds notes.txt"):
        mine(collection, vectors, settings)


def test_an_interrupt_leaves_the_earlier_folder(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C when the earlier folder was moved away, and the new one is not yet in its place."""
    export_negatives(run, "colbert", quiet=True)
    before, replace, calls = contents(run), os.replace, list[Any]()

    def interrupted(source: Any, target: Any) -> None:
        calls.append(source)
        if len(calls) == 2:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", interrupted)
        export_negatives(run, "colbert", quiet=True)
    assert contents(run) == before
    (run / f".train.colbert.{os.getpid()}").mkdir()  # as a process that was killed may leave it
    assert written_files(export_negatives(run, "colbert", quiet=True)) == golden_files("colbert")


def test_into_the_folder_where_one_is(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    export_negatives(run, "colbert", out=".", quiet=True)
    assert written_files(Path.cwd()) == golden_files("colbert")
    assert sorted(os.listdir(".")) == sorted(golden_files("colbert"))  # the same folder still


def test_links_are_followed(run: Path, tmp_path: Path) -> None:
    far = tmp_path / "far"
    far.mkdir()
    for name in ("train.colbert", "train.triplet.jsonl"):
        (run / name).symlink_to(far / name)
    for format in ("colbert", "triplet"):
        for _ in range(2):
            path = export_negatives(run, format, quiet=True)
            assert path.is_symlink()
            assert written_files(far / path.name) == golden_files(format)
    assert sorted(os.listdir(far)) == ["train.colbert", "train.triplet.jsonl"]


def test_a_damaged_file_of_negatives_is_named(run: Path) -> None:
    (run / "negatives.parquet").write_bytes(b"PAR1 and no more")
    for read in (lambda: read_result(run).negatives, lambda: read_result(run).to_dataset("triplet"),
                 lambda: read_result(run).summary(), lambda: export_negatives(run, "triplet")):  # fmt: skip
        with pytest.raises(CollectionError, match=f"{run} has no readable negatives.parquet .* Select or mine again"):
            read()


def test_a_choice_leaves_no_training_file_of_an_earlier_one(run: Path) -> None:
    def there() -> list[str]:
        return sorted(path.name for path in run.iterdir() if path.name.startswith("train"))

    export_negatives(run, "beir", quiet=True)
    export_negatives(run, "msmarco-ids", quiet=True)
    assert there() == ["train.beir", "train.jsonl", "train.msmarco-ids.tsv"]
    for name, names in (("colbert", ["train"]), ("dpr", ["train.json"]), ("triplet", ["train.jsonl"])):
        select(run, format=name, quiet=True)
        assert there() == names
    select(run, file_type="dataset", with_scores=True, quiet=True)
    assert there() == ["train"]
    with pytest.raises(SettingsError, match="'msmarco-ids' has no place for scores"):
        select(run, format="msmarco-ids", file_type=None, quiet=True)
    select(run, format="msmarco-ids", file_type=None, with_scores=False, quiet=True)
    assert there() == ["train.tsv"]


def test_a_dataset_in_memory(run: Path) -> None:
    result = select(run, with_scores=True, quiet=True)
    assert result.to_dataset()[0]["scores"] == [1, 7 / 8, 5 / 8]
    assert "scores" not in result.to_dataset(with_scores=False).column_names
    assert result.to_dataset("nemo-inline").column_names == ["query", "pos_doc", "neg_doc"]
    for name in (name for name, traits in TRAINING_FORMATS.items() if not traits.is_table):
        with pytest.raises(SettingsError, match=f"{name!r} is no table, .* Take one of triplet, "):
            result.to_dataset(name)
    with pytest.raises(SettingsError, match="format is 'csv'; it takes one of 'triplet'"):
        result.to_dataset("csv")  # type: ignore[arg-type]


def test_random_documents_are_marked(tmp_path: Path) -> None:
    collection = read_pairs([("red", "crimson")], ["rose", "azure"])
    vectors = PrecomputedVectors(on_circle(0), on_circle(30, 60, 0))
    settings = MiningSettings(**PLAIN, negatives=2, random_ratio=0.5, out=str(tmp_path / "out"), quiet=True)
    mine(collection, vectors, settings)
    (row,) = json.loads(export_negatives(tmp_path / "out", "dpr", quiet=True).read_text())
    assert [[each["text"] for each in row[f"{kind}_ctxs"]] for kind in ("hard_negative", "negative")] == [
        ["rose"],
        ["azure"],
    ]
    (row,) = rows_written(export_negatives(tmp_path / "out", "msmarco-hard-negatives", quiet=True))
    assert row["neg"] == {"dense": ["d0"], "random": ["d1"]}
    for name in ("triplet", "trec"):
        with pytest.raises(SettingsError, match="random_ratio is 0.5, but .* random documents have none"):
            export_negatives(tmp_path / "out", name, with_scores=name == "triplet", quiet=True)


def test_answers_are_those_of_the_query(tmp_path: Path) -> None:
    collection = read_pairs(
        [{"query": "red", "positive": "crimson", "answers": ["scarlet"]}, {"query": "blue", "positive": "azure"}],
        ["rose", "sky"],
    )
    vectors = PrecomputedVectors(on_circle(0, 90), on_circle(30, 60, 0, 90))
    result = mine(collection, vectors, MiningSettings(**PLAIN, negatives=1, quiet=True))
    assert list(result.to_dataset("dpr")["answers"]) == [["scarlet"], []]


def test_one_negative_is_called_as_the_libraries_call_it(run: Path) -> None:
    select(run, negatives=1, quiet=True)
    rows = rows_written(export_negatives(run, "n-tuple", with_scores=True, quiet=True))
    assert rows[0] == {
        "anchor": 'red "flower"',
        "positive": "red rose\n",
        "negative": "T blaßrot\t",
        "scores": [1, 7 / 8],
    }
    assert list(rows_written(export_negatives(run, "pylate-contrastive", quiet=True))[0]) == [
        "query", "positive", "negative",
    ]  # fmt: skip


def with_ids(folder: Path, query_id: str, doc_id: str) -> Path:
    """A mined collection in which a query and a document have these ids."""
    texts = ["rose", "azure", "crimson"]
    docs = [{"_id": _id, "text": text} for _id, text in zip(("d1", "d2", doc_id), texts, strict=True)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in docs))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": query_id, "text": "red"}) + "\n")
    judged = {"query-id": query_id, "corpus-id": doc_id, "score": 1}
    (folder / "qrels.jsonl").write_text(json.dumps(judged) + "\n")
    vectors = PrecomputedVectors(on_circle(0), on_circle(30, 60, 0))
    mine(folder, vectors, MiningSettings(**PLAIN, negatives=1, out=str(folder / "out"), quiet=True))
    return folder / "out"


@pytest.mark.parametrize(
    ("ids", "refused"),
    [
        (("q 1", "d3"), {"trec"}),
        (("q1", "d\u30003"), {"trec"}),
        (("q1", "d\t3"), {"trec", "beir", "msmarco-ids"}),
        (("q\r1", "d3"), {"trec", "beir", "msmarco-ids"}),
        (("q1", '"d3"'), {"beir"}),
        (("../q/1", "0.5"), set()),
    ],
)
def test_ids_that_a_format_cannot_express(tmp_path: Path, ids: tuple[str, str], refused: set[str]) -> None:
    run = with_ids(tmp_path, *ids)
    before = sorted(run.iterdir())
    for name in ("trec", "beir", "msmarco-ids"):
        if name in refused:
            with pytest.raises(CollectionError, match=f"'{name}': the (query|document) id '.*' has white space or"):
                export_negatives(run, name, quiet=True)
            assert sorted(run.iterdir()) == before
        else:
            export_negatives(run, name, out=tmp_path / name, quiet=True)
    vectors = PrecomputedVectors(on_circle(0), on_circle(30, 60, 0))
    for name in refused:  # before anything is searched
        settings = MiningSettings(**PLAIN, negatives=1, format=name, out=str(tmp_path / "other"), quiet=True)
        with pytest.raises(CollectionError, match="take another format"):
            mine(tmp_path, vectors, settings)
        assert not (tmp_path / "other").exists()


def test_a_score_that_is_not_known(tmp_path: Path) -> None:
    """The run has no score for the positive of the second query."""
    collection = read_pairs([("red", "crimson"), ("blue", "azure")], ["rose", "sky"])
    ids = {text: _id for _id, text in zip(collection.doc_ids.to_pylist(), collection.texts, strict=True)}
    queries = collection.query_ids.to_pylist()
    lines = [(queries[0], "crimson", 3), (queries[0], "rose", 2), (queries[1], "sky", 1)]
    run = tmp_path / "found.trec"
    run.write_text("".join(f"{query} Q0 {ids[text]} 1 {score} tag\n" for query, text, score in lines))
    chosen = MiningSettings(
        source=f"run:{run}", negatives=1, max_similarity_to_positive=None, max_similarity_to_negative=None,
        max_false_negative_rate=None, min_rank_without_positive=0, out=str(tmp_path / "out"), quiet=True, cache=None,
    )  # fmt: skip
    message = f"document '{ids['azure']}' has none for query '{queries[1]}': the run .* does not have it. .* leave with"
    with pytest.raises(SettingsError, match=message):
        mine(collection, None, chosen.replace(with_scores=True))
    assert not (tmp_path / "out").exists()
    result = mine(collection, None, chosen)
    assert result.to_dataset("triplet").num_rows == 2
    with pytest.raises(SettingsError, match=message):
        result.to_dataset("triplet", with_scores=True)
    before = sorted((tmp_path / "out").iterdir())
    with pytest.raises(SettingsError, match="'trec' is to have scores, .* or take another format"):
        export_negatives(tmp_path / "out", "trec", quiet=True)
    with pytest.raises(SettingsError, match="'flagembedding' is to have scores"):
        export_negatives(tmp_path / "out", "flagembedding", with_scores=True, quiet=True)
    assert sorted((tmp_path / "out").iterdir()) == before


def test_scores_are_written_so_that_they_stay_what_they_are(tmp_path: Path) -> None:
    """A third, a whole number, a tiny one: each the float32 that it was, and never a whole number in JSON."""
    scores = np.array([1e-7, 1 / 3, 2, 1e10], np.float32)
    collection = read_pairs([("red", "crimson")], ["rose", "azure", "sky"])
    vectors = PrecomputedVectors(along(1), along(*scores), similarity="dot")
    settings = MiningSettings(**PLAIN, negatives=3, similarity="dot", out=str(tmp_path / "out"), quiet=True)
    mine(collection, vectors, settings)
    path = export_negatives(tmp_path / "out", "n-tuple", with_scores=True, quiet=True)
    (row,) = rows_written(path)
    assert np.array_equal(np.array(row["scores"], np.float32), scores[[3, 2, 1, 0]])
    assert all(isinstance(score, float) for score in row["scores"])
